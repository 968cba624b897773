"""Names that expressions may read: their types at load, and how those that nobody stores are worked
out in a call.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flowengine.expr import Calendar, Type
from flowengine.sinch import Ace, Dice, Ice, Notify, Pie
from flowengine.states.run import Computed, Names

CALL_FACTS = ("call.from", "call.to", "call.user", "call.origin", "call.locale")
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
    return {**own, **dict.fromkeys(CALL_FACTS, Type.TEXT), **EVENT_NAMES, **CLOCK_NAMES, **hours}


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


EVENTS: dict[str, Any] = {
    **dict.fromkeys(CALL_FACTS, lambda _names: ""),  # a placed call never told them
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
    "event.headers": of_type(Ice, Dice)("call_headers", {}),
}
