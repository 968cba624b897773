"""What each instruction must look like by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flowengine import limits
from flowengine.problems import quote_value, suggest_name
from flowengine.svaml import (
    RECORDING_URL_PATTERN,
    Instruction,
    PlayFiles,
    RecordingOptions,
    ReportCallStatus,
    Say,
    SendDtmf,
    SetCookie,
    StartRecording,
)
from flowengine.switch.reading.finding_notes import Notes
from flowengine.switch.reading.prompt_rules import check_locale, check_parts
from flowengine.switch.reading.value_rules import check_keys

_TRANSCRIPTION_LOCALES = (
    "af-ZA ar-AE ar-SA zh-CN zh-TW da-DK nl-NL en-AU en-GB en-IN en-IE en-NZ en-AB en-ZA en-US "
    "en-WL fr-FR fr-CA fa-IR gd_GB de-DE de-CH he-IL hi-IN id-ID ga-IE it-IT ja-JP ko-KR ms-MY "
    "pt-PT pt-BR ru-RU es-ES es-US sv-SE ta-IN te-IN th-TH tr-TR vi-VN"
)
"""From the official Node SDK, in its spelling; they are not the locales of voices"""
TRANSCRIPTION_LOCALE_NAMES = {locale.lower(): locale for locale in _TRANSCRIPTION_LOCALES.split()}


def _check_say(item: Say, where: str, notes: Notes) -> None:
    if len(item.text) > limits.MAX_SAY:
        cure = f"keep each say to {limits.MAX_SAY} characters; several say one after the other"
        notes.refuse(f"{where}.text", f"a text of {len(item.text)} characters", cure)
    check_locale(item.locale, f"{where}.locale", notes)


def _check_play_files(item: PlayFiles, where: str, notes: Notes) -> None:
    if not item.ids:
        notes.tolerate(
            f"{where}.ids", "there is nothing to play", "name a file, or leave the instruction out"
        )
    spoken = [
        check_parts((part,), f"{where}.ids[{place}]", notes) for place, part in enumerate(item.ids)
    ]
    # one text requires a locale, an example does without (platform notes, 8)
    if any(spoken) and not item.locale:
        notes.tolerate(
            where,
            "descriptions of the platform disagree on whether #tts[…] and #ssml[…] in playFiles "
            "need a locale",
            'add "locale", such as "en-US"',
        )
    check_locale(item.locale, f"{where}.locale", notes)


def _check_send_dtmf(item: SendDtmf, where: str, notes: Notes) -> None:
    check_keys(item.value, f"{where}.value", notes)


def _check_set_cookie(item: SetCookie, where: str, notes: Notes) -> None:
    if not item.key:
        notes.refuse(f"{where}.key", "a cookie needs a key", 'add "key", a short name')
    if len(item.key) > limits.MAX_COOKIE_KEY:
        cure = f"keep the key to {limits.MAX_COOKIE_KEY} characters"
        notes.refuse(f"{where}.key", f"the key of a cookie has {len(item.key)} characters", cure)


def _check_start_recording(item: StartRecording, where: str, notes: Notes) -> None:
    check_recording(item.options, f"{where}.options", notes)


def check_recording(options: RecordingOptions, where: str, notes: Notes) -> None:
    url = options.destination_url
    if options.transcription_options is not None:
        _check_transcription(options.transcription_options.locale, where, notes)
    if RECORDING_URL_PATTERN.fullmatch(url):
        return
    cure = 'give "destinationUrl" an address such as s3://bucket/directory or azure://account/container'
    if not url:
        # older descriptions have such recordings in a storage of the platform
        notes.tolerate(where, "the recording has no destination; it stays with the platform", cure)
    elif url.startswith("sdrive://"):
        notes.tolerate(
            f"{where}.destinationUrl", "sdrive:// belongs to the past of the platform", cure
        )
    else:
        notes.refuse(
            f"{where}.destinationUrl", f"recordings cannot be kept at {quote_value(url)}", cure
        )


def _check_transcription(locale: str, where: str, notes: Notes) -> None:
    if locale and locale.lower() not in TRANSCRIPTION_LOCALE_NAMES:
        notes.tolerate(
            f"{where}.transcriptionOptions.locale",
            f"no description of the platform has transcripts in {quote_value(locale)}",
            suggest_name(locale, TRANSCRIPTION_LOCALE_NAMES.values())
            or "take one such as en-US, en-GB or sv-SE",
        )


def _check_report(item: ReportCallStatus, where: str, notes: Notes) -> None:
    if item.value not in {"success", "failure"}:
        notes.tolerate(
            f"{where}.value",
            f"the status {quote_value(item.value)} is ignored",
            "report success or failure",
        )
    if item.details.strip() != item.details or len(item.details) > limits.MAX_REPORT_DETAILS:
        cure = f"keep them to {limits.MAX_REPORT_DETAILS} characters, without space around them"
        notes.tolerate(f"{where}.details", "the details are cut", cure)


_CHECK_BY_INSTRUCTION: Mapping[type[Instruction], Callable[[Any, str, Notes], None]] = {
    Say: _check_say,
    PlayFiles: _check_play_files,
    SendDtmf: _check_send_dtmf,
    SetCookie: _check_set_cookie,
    StartRecording: _check_start_recording,
    ReportCallStatus: _check_report,
}


def check_instructions(instructions: Sequence[tuple[str, Instruction]], notes: Notes) -> None:
    """Each by itself; instructions come with their paths."""
    for where, item in instructions:
        if check := _CHECK_BY_INSTRUCTION.get(type(item)):
            check(item, where, notes)


def check_cookies(cookies: Mapping[str, str], notes: Notes) -> None:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in cookies.items())
    if size > limits.MAX_COOKIE_BYTES:
        cure = (
            f"keep keys and values to {limits.MAX_COOKIE_BYTES} bytes in all, over the whole call"
        )
        notes.refuse("instructions", f"cookies of {size} bytes", cure)
