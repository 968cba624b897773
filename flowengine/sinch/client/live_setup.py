"""The setup of an application at the platform, its callback URL and its numbers: read, changed for
`go-live`, and put back.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from flowengine.sinch.client.calling_api import CallingApi
from flowengine.sinch.client.results import CallbackUrls, OwnNumber

VOICE_CAPABILITY = "voice"
URL_SUBJECT = "callback URL"


class LiveSetup(msgspec.Struct, frozen=True):
    """The callback URLs of an application, and some numbers with the applications that they reach."""

    callbacks: CallbackUrls
    numbers: tuple[OwnNumber, ...]


class LiveRecord(msgspec.Struct, frozen=True):
    """What `go-live` has set, and what was there before. It holds no secret."""

    application: str
    url: str
    at: datetime
    before: LiveSetup


class SetupChange(msgspec.Struct, frozen=True):
    """What became of a callback URL or a number. `is_left` where somebody else has changed it
    meanwhile, so that it was left as it is.
    """

    subject: str
    before: str
    after: str
    is_left: bool = False


class UnknownNumberError(Exception):
    """A number is none of the account's."""


class SetupNotTakenError(Exception):
    """The platform accepted a change, and shows something else all the same."""


async def read_setup(api: CallingApi, application: str, numbers: Iterable[str]) -> LiveSetup:
    """The setup as it is now. Raises UnknownNumberError."""
    wanted = list(numbers)
    listed = await api.numbers.list_all() if wanted else []
    found = [find_number(listed, number) for number in wanted]
    numbers_once = tuple({item.number: item for item in found}.values())
    return LiveSetup(await api.callbacks.get(application), numbers_once)


def find_number(listed: Iterable[OwnNumber], number: str) -> OwnNumber:
    """The number as the platform lists it, for calls where it is listed for several things."""
    digits = _get_digits(number)
    found = [item for item in listed if _get_digits(item.number) == digits]
    if not found:
        raise UnknownNumberError(number)
    return next((item for item in found if item.capability.lower() == VOICE_CAPABILITY), found[0])


def _get_digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def is_same_application(one: str, other: str) -> bool:
    """Keys are GUIDs, and some senders write them in capitals."""
    return one.casefold() == other.casefold()


async def apply_setup(api: CallingApi, record: LiveRecord) -> list[SetupChange]:
    """Set the URL, and have all numbers of the record reach the application. Raises
    SetupNotTakenError.
    """
    before = record.before
    await api.callbacks.set(record.application, record.url)
    numbers = [item.number for item in before.numbers]
    if strange := [item.number for item in before.numbers if not _is_ready(item, record)]:
        await api.numbers.assign(strange, record.application, VOICE_CAPABILITY)
    after = await read_setup(api, record.application, numbers)
    changes = list_changes(before, after)
    if after.callbacks.primary != record.url:
        raise SetupNotTakenError(f"the callback URL is {_format_urls(after.callbacks)} now")
    for item in after.numbers:
        if not _is_ready(item, record):
            raise SetupNotTakenError(f"{item.number} reaches {_format_owner(item)} now")
    return changes


def _is_ready(item: OwnNumber, record: LiveRecord) -> bool:
    return is_same_application(item.application_key, record.application)


async def restore_setup(api: CallingApi, record: LiveRecord) -> list[SetupChange]:
    """Put back what was there before, but leave what somebody else has changed since."""
    changes = [await _restore_urls(api, record)]
    numbers = record.before.numbers
    listed = await api.numbers.list_all() if numbers else []
    for earlier in numbers:
        try:
            now = find_number(listed, earlier.number)
        except UnknownNumberError:
            gone = "no number of the account"
            changes.append(SetupChange(earlier.number, gone, gone, is_left=True))
        else:
            changes.append(await _restore_number(api, record, earlier, now))
    return changes


async def _restore_urls(api: CallingApi, record: LiveRecord) -> SetupChange:
    now, before = await api.callbacks.get(record.application), record.before.callbacks
    was = _format_urls(now)
    if now.primary != record.url:
        return SetupChange(URL_SUBJECT, was, was, is_left=now != before)
    await api.callbacks.set(record.application, before.primary, before.fallback)
    return SetupChange(URL_SUBJECT, was, _format_urls(before))


async def _restore_number(
    api: CallingApi, record: LiveRecord, earlier: OwnNumber, now: OwnNumber
) -> SetupChange:
    was, owner = _format_owner(now), _format_owner(earlier)
    if is_same_application(now.application_key, earlier.application_key):
        return SetupChange(now.number, was, was)
    if not _is_ready(now, record):
        return SetupChange(now.number, was, was, is_left=True)
    if earlier.application_key:
        capability = earlier.capability or VOICE_CAPABILITY
        await api.numbers.assign([now.number], earlier.application_key, capability)
    else:
        await api.numbers.unassign(now.number, record.application, VOICE_CAPABILITY)
    return SetupChange(now.number, was, owner)


def list_changes(before: LiveSetup, after: LiveSetup) -> list[SetupChange]:
    """What differs, and what does not."""
    urls = _format_urls(before.callbacks), _format_urls(after.callbacks)
    numbers = zip(before.numbers, after.numbers, strict=True)
    return [
        SetupChange(URL_SUBJECT, *urls),
        *(SetupChange(new.number, _format_owner(old), _format_owner(new)) for old, new in numbers),
    ]


def merge_records(earlier: LiveRecord | None, new: LiveRecord) -> LiveRecord:
    """The new record, with what was there before the first of several commands in a row."""
    if earlier is None:
        return new
    is_ours = new.before.callbacks.primary == earlier.url
    callbacks = earlier.before.callbacks if is_ours else new.before.callbacks
    numbers = {item.number: item for item in earlier.before.numbers}
    for item in new.before.numbers:
        if item.number not in numbers or not _is_ready(item, new):
            numbers[item.number] = item
    before = LiveSetup(callbacks, tuple(numbers.values()))
    return msgspec.structs.replace(new, before=before)


def _format_urls(urls: CallbackUrls) -> str:
    fallback = f", then {urls.fallback}" if urls.fallback else ""
    return f"{urls.primary or 'none'}{fallback}"


def _format_owner(item: OwnNumber) -> str:
    return f"application {item.application_key}" if item.application_key else "nobody"
