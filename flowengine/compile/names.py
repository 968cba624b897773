"""Names that expressions may read: their types at load, and how those that nobody stores are worked
out in a call.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flowengine.expr import Calendar, Type
from flowengine.sinch import Ace, Dice, Ice, Notify, Pie
from flowengine.states.run import Computed, Names

STORED_FACTS: Mapping[str, Type] = {
    "call.from": Type.TEXT,
    "call.to": Type.TEXT,
    "call.user": Type.TEXT,
    "call.sip": Type.TEXT,
    "call.withheld": Type.BOOLEAN,
    "call.redirected_from": Type.TEXT,
    "call.origin": Type.TEXT,
}
"""What only the first callback of a call tells; it travels with the call where it is read later"""
CALL_FACTS: Mapping[str, Type] = {**STORED_FACTS, "call.locale": Type.TEXT}
EVENT_NAMES: Mapping[str, Type] = {
    "call.id": Type.TEXT,
    "call.custom": Type.TEXT,
    "event.digits": Type.TEXT,
    "event.input": Type.TEXT,
    "event.type": Type.TEXT,
    "event.destination": Type.TEXT,
    "event.result": Type.TEXT,
    "event.reason": Type.TEXT,
    "event.amd": Type.TEXT,
    "event.amd_reason": Type.TEXT,
    "event.error": Type.TEXT,
    "event.conference": Type.TEXT,
    "event.duration": Type.INTEGER,
    "event.headers": Type.ANY,
}
CLOCK_NAMES: Mapping[str, Type] = dict.fromkeys(("now.date", "now.time", "now.weekday"), Type.TEXT)


def computed(calendars: Mapping[str, Calendar], zone: ZoneInfo) -> Computed:
    """How clocks, calendars and facts of the event are worked out."""
    clock: dict[str, Any] = {
        "now.date": lambda names: names.now.astimezone(zone).strftime("%Y-%m-%d"),
        "now.time": lambda names: names.now.astimezone(zone).strftime("%H:%M"),
        "now.weekday": lambda names: names.now.astimezone(zone).strftime("%A").lower(),
    }
    for name, calendar in calendars.items():
        clock[f"hours.{name}.open"] = lambda names, calendar=calendar: calendar.is_open(names.now)
        clock[f"hours.{name}.next_open"] = lambda names, calendar=calendar: (
            calendar.next_open_words(names.now, names.get("call.locale", "en-US"))
        )
    return clock | EVENTS


def types(variables: Mapping[str, Type], calendars: Mapping[str, Calendar]) -> dict[str, Type]:
    """Every name that an expression of a flow may read."""
    hours = {
        f"hours.{name}.{what}": kind
        for name in calendars
        for what, kind in (("open", Type.BOOLEAN), ("next_open", Type.TEXT))
    }
    own = {f"vars.{name}": kind for name, kind in variables.items()}
    return {**own, **CALL_FACTS, **EVENT_NAMES, **CLOCK_NAMES, **hours}


def of_type(*kinds: type) -> Any:
    """A reader of one attribute that is empty for other kinds of event."""

    def reader(attribute: str, empty: Any = "") -> Any:
        return lambda names: (
            getattr(names.event, attribute) if isinstance(names.event, kinds) else empty
        )

    return reader


def amd(attribute: str) -> Any:
    def read(names: Names) -> str:
        event = names.event
        return (
            getattr(event.amd, attribute) if isinstance(event, (Ace, Notify)) and event.amd else ""
        )

    return read


def headers(names: Names) -> dict[str, str]:
    """Call headers by their names in small letters; of two that differ in case only, the first."""
    event = names.event
    found: dict[str, str] = {}
    if isinstance(event, (Ice, Dice)):
        for name, value in event.call_headers.items():
            found.setdefault(name.lower(), value)
    return found


EVENTS: dict[str, Any] = {
    **dict.fromkeys(CALL_FACTS, lambda _names: ""),  # a placed call never told them
    "call.withheld": lambda _names: False,
    "call.id": lambda names: names.event.call_id,
    "call.custom": lambda names: names.event.custom,
    "event.digits": of_type(Pie)("value"),
    "event.input": of_type(Pie)("input_method"),
    "event.type": of_type(Pie, Notify)("type"),
    "event.destination": of_type(Notify)("destination"),
    "event.result": of_type(Dice)("result"),
    "event.reason": of_type(Dice)("reason"),
    "event.amd": amd("status"),
    "event.amd_reason": amd("reason"),
    "event.error": of_type(Notify)("error_msg"),
    "event.conference": lambda names: names.event.conference_id,
    "event.duration": of_type(Dice)("duration", 0),
    "event.headers": headers,
}
