"""An event in three parts: what many callers bring, what is this caller's own, and what of both people
may not read.
"""

import re
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple, get_args

import msgspec

from flowengine.journal.redaction import REDACTED_TEXT, Redaction, mask_digit_runs
from flowengine.sinch import Ace, CallbackEvent, Pie
from flowengine.states import StepEvent

EMPTY_DESTINATION = {"type": "", "endpoint": ""}
FIELDS_LEFT_OUT = frozenset({"event", "callid", "version", "cookies", "timestamp"})
"""What stands in other columns, or nowhere people may read"""
OWN_FIELDS = frozenset({"cli", "from", "rdnis", "user", "conferenceId", "duration", "debit", "amd", "destination"})  # fmt: skip
"""What hardly two callers bring alike"""
URL_FIELD = "callResourceUrl"
CALL_ID_FORM = "{callid:0}"
# The number is the least length of rows of digits that are hidden in the id, in rows of before.
CALL_ID_FORM_PATTERN = re.compile(r"\{callid:([0-9])\}")
MAX_CACHED_EVENTS = 1024
# What tells events of a kind apart that many callers bring; those of other kinds name their caller.
_REPEATED_FIELDS: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    Ace: attrgetter("application_key", "custom", "conference_id", "user", "amd"),
    Pie: attrgetter("application_key", "custom", "conference_id", "user", "menu_result"),
}
_FIELD_ORDER = {kind.kind: kind.__struct_encode_fields__ for kind in get_args(StepEvent)}


class EventParts(NamedTuple):
    """Fields of an event as the platform spells them, without those that are empty. `shared` and
    `own` are as people may read them; `hidden` has the values that are not.
    """

    shared: Mapping[str, Any]
    own: Mapping[str, Any]
    hidden: Mapping[str, Any]


_cached_parts: dict[tuple[Any, ...], EventParts] = {}


def split_event(event: CallbackEvent, redaction: Redaction) -> EventParts:
    """Split an event. Most menu results and answers by a callee are those of many callers."""
    get_fields = _REPEATED_FIELDS.get(type(event))
    if get_fields is None or redaction.values or has_callers_input(event):
        return _split_event(event, redaction)
    key = (type(event), redaction, get_fields(event))
    found = _cached_parts.get(key)
    if found is None:
        if len(_cached_parts) >= MAX_CACHED_EVENTS:
            _cached_parts.clear()
        found = _cached_parts[key] = _split_event(event, redaction)
    return found


def has_callers_input(event: CallbackEvent) -> bool:
    """Whether an event says what a caller keyed or spoke, other than a key of a menu: nothing of
    that may stay in memory.
    """
    return (
        type(event) is Pie
        and event.menu_result.type != "return"
        and len(event.menu_result.value) > 1
    )


def _split_event(event: CallbackEvent, redaction: Redaction) -> EventParts:
    shared: dict[str, Any] = {}
    own: dict[str, Any] = {}
    hidden: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(event).items():
        if not value or name in FIELDS_LEFT_OUT or value == EMPTY_DESTINATION:
            continue
        whole, redacted = value, redaction.redact_part(name, value)
        part = own if name in OWN_FIELDS else shared
        if name == "menuResult":
            redacted["value"] = redact_keys(value["value"], redaction)
        elif name == URL_FIELD:
            if form := shorten_url(value, event.call_id):
                redacted = whole = form
            else:
                part = own
        part[name] = redacted
        if redacted != whole:
            hidden[name] = _subtract_fields(whole, redacted)
    return EventParts(shared, own, hidden)


def redact_keys(keys: str, redaction: Redaction) -> str:
    return REDACTED_TEXT if keys and (redaction.words or redaction.run == 1) else keys


def shorten_url(url: str, call_id: str) -> str:
    """The URL of a call with a form in place of its id, so that it is that of other calls; "" where
    that would not do.
    """
    before, found, after = url.partition(call_id)
    return "" if not found or "{" in url else f"{before}{CALL_ID_FORM}{after}"


def expand_url(form: str, call_id: str, *, is_whole: bool = False) -> str:
    """The URL with the id of the call, which is redacted unless it is to be whole."""
    return CALL_ID_FORM_PATTERN.sub(
        lambda found: call_id if is_whole else mask_digit_runs(call_id, int(found[1])), form
    )


def _subtract_fields(value: Any, redacted: Any) -> Any:
    """What of a value its redacted form does not say."""
    if isinstance(value, dict) and isinstance(redacted, dict):
        return {name: item for name, item in value.items() if redacted.get(name) != item}
    return value


def merge_event(
    kind: str, call_id: str, parts: EventParts, *, is_whole: bool = False
) -> dict[str, Any]:
    """The event as people may read it; whole with what is hidden."""
    fields = {**parts.shared, **parts.own}
    for name, value in parts.hidden.items():
        known = fields.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            fields[name] = {**known, **value}
        else:
            fields[name] = value
    if URL_FIELD in parts.shared:
        fields[URL_FIELD] = expand_url(fields[URL_FIELD], call_id, is_whole=is_whole)
    return {name: fields[name] for name in _FIELD_ORDER[kind] if name in fields}
