"""The sounds of prompts, instructions and keys, and their lengths."""

import re
from functools import lru_cache
from html import unescape

from flowengine.svaml import PlayFiles, Say
from flowengine.svaml.locales import DEFAULT_LOCALE
from flowengine.svaml.prompt_notation import split_prompt
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_settings import SwitchSettings

_PROMPT_PART = re.compile(r"#(tts|ssml|href)\[(.*?)\]?", re.IGNORECASE | re.DOTALL)
_SSML_BREAK = re.compile(
    r"<break\b[^>]*?\btime\s*=\s*[\"']\s*([0-9.]+)\s*(ms|s)\s*[\"']", re.IGNORECASE
)
_SSML_TAG = re.compile(r"<[^>]*>")
_PAUSE_SECONDS = 0.5
"""`w` among the keys of tones"""


def build_sounds(instruction: Say | PlayFiles, settings: SwitchSettings) -> tuple[Sound, ...]:
    """The sounds of an instruction, in order."""
    if isinstance(instruction, Say):
        return _build_speech(
            instruction.text, instruction.locale or DEFAULT_LOCALE, settings.characters_per_second
        )
    return _build_parts(
        instruction.ids,
        instruction.locale or DEFAULT_LOCALE,
        settings.characters_per_second,
        settings.file_seconds,
    )


def build_prompt_sounds(prompt: str, locale: str, settings: SwitchSettings) -> tuple[Sound, ...]:
    """The sounds of a prompt: its parts are separated by `;` and follow each other without a pause."""
    return _build_prompt(
        prompt, locale or DEFAULT_LOCALE, settings.characters_per_second, settings.file_seconds
    )


def build_music(name: str) -> tuple[Sound, ...]:
    """Music on hold. It lasts until something else is heard; no name is silence."""
    return (Sound("music", name, 0.0),) if name else ()


def build_tones(keys: str, settings: SwitchSettings) -> Sound:
    """The sound of keys."""
    pauses = keys.count("w")
    return Sound(
        "tones", keys, pauses * _PAUSE_SECONDS + (len(keys) - pauses) * settings.tone_seconds
    )


@lru_cache(maxsize=4096)
def _build_speech(text: str, locale: str, speed: float) -> tuple[Sound, ...]:
    return (Sound("speech", text, len(text) / speed, locale),)


@lru_cache(maxsize=4096)
def _build_prompt(prompt: str, locale: str, speed: float, file_seconds: float) -> tuple[Sound, ...]:
    return _build_parts(tuple(split_prompt(prompt)), locale, speed, file_seconds)


@lru_cache(maxsize=4096)
def _build_parts(
    parts: tuple[str, ...], locale: str, speed: float, file_seconds: float
) -> tuple[Sound, ...]:
    return tuple(
        _build_sound(part.strip(), locale, speed, file_seconds) for part in parts if part.strip()
    )


def _build_sound(part: str, locale: str, speed: float, file_seconds: float) -> Sound:
    match = _PROMPT_PART.fullmatch(part)
    if match is None:
        return Sound("file", part, file_seconds)
    kind, inside = match[1].lower(), match[2]
    if kind == "href":
        return Sound("file", inside, file_seconds)
    if kind == "tts":
        return Sound("speech", inside, len(inside) / speed, locale)
    text = " ".join(unescape(_SSML_TAG.sub(" ", inside)).split())
    pauses = _sum_break_seconds(inside)
    if not text and pauses:
        return Sound("pause", "", pauses)
    return Sound("speech", text, len(text) / speed + pauses, locale)


def _sum_break_seconds(markup: str) -> float:
    """Seconds of the pauses in SSML."""
    return sum(
        float(time) / (1000 if unit.lower() == "ms" else 1)
        for time, unit in _SSML_BREAK.findall(markup)
    )
