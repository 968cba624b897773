"""An event in three parts: what many callers bring, what is this caller's own, and what of both people
may not read.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, get_args

import msgspec

from flowengine.journal.redaction import REDACTED_TEXT, Redaction, mask_digit_runs
from flowengine.sinch import Ace, CallbackEvent, Dice, Ice, Pie
from flowengine.states import StepEvent

EMPTY_DESTINATION = {"type": "", "endpoint": ""}
FIELDS_LEFT_OUT = frozenset({"event", "callid", "version", "cookies", "timestamp"})
"""What stands in other columns, or nowhere people may read"""
OWN_FIELDS = frozenset({"cli", "from", "rdnis", "user", "conferenceId", "duration", "debit", "amd", "destination"})  # fmt: skip
"""What hardly two callers bring alike"""
URL_FIELD = "callResourceUrl"
HEADERS_FIELD = "callHeaders"
PLAIN_TYPES = frozenset({str, int})
CALL_ID_FORM = "{callid:0}"
# The number is the least length of rows of digits that are hidden in the id, in rows of before.
CALL_ID_FORM_PATTERN = re.compile(r"\{callid:([0-9])\}")
MAX_CACHED_PARTS = 1024
_FIELD_ORDER = {kind.kind: kind.__struct_encode_fields__ for kind in get_args(StepEvent)}
_to_json = msgspec.json.Encoder().encode


class _KindFields(NamedTuple):
    """The fields of a kind of event. `find_form` finds the form of its URL, "" without one, and None
    where the event is like no others. `get_shared` gets what many callers bring alike, and
    `get_own` the fields that are called `own_names` on the wire.
    """

    find_form: Callable[[Any], str | None]
    get_shared: Callable[[Any], tuple[Any, ...]]
    get_own: Callable[[Any], tuple[Any, ...]]
    own_names: tuple[str, ...]


class EventParts(NamedTuple):
    """Fields of an event as the platform spells them, without those that are empty. `shared` and
    `own` are as people may read them; `hidden` has the values that are not.
    """

    shared: Mapping[str, Any]
    own: Mapping[str, Any]
    hidden: Mapping[str, Any]


class SplitEvent(NamedTuple):
    """An event as a row has it. `readable` is the JSON of what many callers bring."""

    readable: str
    own: Mapping[str, Any]
    hidden: Mapping[str, Any]


def _find_form_of_ice(event: Ice) -> str | None:
    if not _is_to_number_of_ours(event):
        return None
    url = event.call_resource_url
    return (shorten_url(url, event.call_id) or None) if url else ""


def _find_form_of_dice(event: Dice) -> str | None:
    return "" if _is_to_number_of_ours(event) else None


def _find_form_of_pie(event: Pie) -> str | None:
    # what a caller keyed or spoke, other than a key of a menu, must not stay in memory
    result = event.menu_result
    return "" if result.type == "return" or len(result.value) <= 1 else None


def _is_to_number_of_ours(event: Ice | Dice) -> bool:
    """Whether nobody is named as who was called. Headers may name anybody."""
    return (event.to.type == "did" or not event.to.endpoint) and not event.call_headers


def _list_fields(kind: type[msgspec.Struct], find_form: Callable[[Any], str | None]) -> _KindFields:
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    own = {name: written for name, written in names.items() if written in OWN_FIELDS}
    apart = FIELDS_LEFT_OUT | OWN_FIELDS | {URL_FIELD, HEADERS_FIELD}
    shared = (name for name, written in names.items() if written not in apart)
    return _KindFields(find_form, attrgetter(*shared), attrgetter(*own), tuple(own.values()))


_FIELDS: Mapping[type, _KindFields] = {
    Ice: _list_fields(Ice, _find_form_of_ice),
    Ace: _list_fields(Ace, lambda _: ""),
    Pie: _list_fields(Pie, _find_form_of_pie),
    Dice: _list_fields(Dice, _find_form_of_dice),
}
_cached_parts: dict[tuple[Any, ...], SplitEvent] = {}


def split_event(event: CallbackEvent, redaction: Redaction) -> SplitEvent:
    """Split an event. What many callers bring is split once, and only the rest of it each time."""
    kind = type(event)
    fields = None if redaction.values else _FIELDS.get(kind)
    form = None if fields is None else fields.find_form(event)
    if fields is None or form is None:
        return _encode_shared(_split_event(event, redaction))
    key = (kind, redaction, form, fields.get_shared(event))
    found = _cached_parts.get(key)
    if found is None:
        if len(_cached_parts) >= MAX_CACHED_PARTS:
            _cached_parts.clear()
        whole = _encode_shared(_split_event(event, redaction))
        hidden = {name: value for name, value in whole.hidden.items() if name not in OWN_FIELDS}
        found = _cached_parts[key] = SplitEvent(whole.readable, {}, hidden)
    values = fields.get_own(event)
    return _add_own_fields(found, fields.own_names, values, redaction) if any(values) else found


def _add_own_fields(
    shared: SplitEvent, names: tuple[str, ...], values: tuple[Any, ...], redaction: Redaction
) -> SplitEvent:
    own: dict[str, Any] = {}
    hidden = {**shared.hidden}
    for name, value in zip(names, values, strict=True):
        if value:
            whole = value if value.__class__ in PLAIN_TYPES else msgspec.to_builtins(value)
            own[name] = redacted = redaction.redact_part(name, whole)
            if redacted != whole:
                hidden[name] = _subtract_fields(whole, redacted)
    return SplitEvent(shared.readable, own, hidden)


def _encode_shared(parts: EventParts) -> SplitEvent:
    return SplitEvent(_to_json(parts.shared).decode(), parts.own, parts.hidden)


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
    fields = merge_fields(call_id, parts, is_whole=is_whole)
    return {name: fields[name] for name in _sort_names(kind, tuple(fields))}


@lru_cache(maxsize=MAX_CACHED_PARTS)
def _sort_names(kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of fields in the order of the platform. Events have few different sets of them."""
    return tuple(name for name in _FIELD_ORDER[kind] if name in names)


def merge_fields(call_id: str, parts: EventParts, *, is_whole: bool) -> dict[str, Any]:
    """The fields of such an event, in no order."""
    fields = {**parts.shared, **parts.own}
    for name, value in parts.hidden.items():
        known = fields.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            fields[name] = {**known, **value}
        else:
            fields[name] = value
    if URL_FIELD in parts.shared:
        fields[URL_FIELD] = expand_url(fields[URL_FIELD], call_id, is_whole=is_whole)
    return fields
