"""Names that expressions may read: their types, and functions for those that are computed in a
call.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flowengine.expr import Calendar, Type
from flowengine.sinch import Ace, Dice, Ice, Notify, Pie
from flowengine.states.option_conditions import HIDDEN_FACT
from flowengine.states.parking_plan import CODE_FACT
from flowengine.states.queue_plan import TURN_FACT
from flowengine.states.ring_plan import HOST_FACT
from flowengine.states.room_plan import ROOM_FACT
from flowengine.states.state_results import FAILED_STATE_FACT, FAILURE_FACT
from flowengine.states.step_context import ComputedNames, NameBindings

STORED_FACTS: Mapping[str, Type] = {
    "call.from": Type.TEXT,
    "call.to": Type.TEXT,
    "call.user": Type.TEXT,
    "call.sip": Type.TEXT,
    "call.withheld": Type.BOOLEAN,
    "call.redirected_from": Type.TEXT,
    "call.origin": Type.TEXT,
    "call.custom": Type.TEXT,
    FAILED_STATE_FACT: Type.TEXT,
    FAILURE_FACT: Type.TEXT,
}
"""What the first callback of a call tells, and no other one for sure, and what failed last; it
travels with the call where it is read later
"""
CARRIED_NAMES = frozenset({*STORED_FACTS, HOST_FACT, ROOM_FACT, CODE_FACT, TURN_FACT, HIDDEN_FACT})
"""The same, with what no expression reads"""
CALL_FACTS: Mapping[str, Type] = {**STORED_FACTS, "call.locale": Type.TEXT}
EVENT_NAMES: Mapping[str, Type] = {
    "call.id": Type.TEXT,
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


def build_computed_names(calendars: Mapping[str, Calendar], zone: ZoneInfo) -> ComputedNames:
    """The functions that compute clocks, calendars and facts of the event."""
    clock: dict[str, Any] = {
        "now.date": lambda names: names.now.astimezone(zone).strftime("%Y-%m-%d"),
        "now.time": lambda names: names.now.astimezone(zone).strftime("%H:%M"),
        "now.weekday": lambda names: names.now.astimezone(zone).strftime("%A").lower(),
    }
    for name, calendar in calendars.items():
        # bound as a default, since all lambdas of a loop share its variable
        clock[f"hours.{name}.open"] = lambda names, calendar=calendar: calendar.is_open(names.now)
        clock[f"hours.{name}.next_open"] = lambda names, calendar=calendar: (
            calendar.format_next_opening(names.now, names.get("call.locale", "en-US"))
        )
    return clock | EVENT_READERS


def list_name_types(
    variables: Mapping[str, Type], calendars: Mapping[str, Calendar]
) -> dict[str, Type]:
    """Every name that an expression of a flow may read."""
    hours = {
        f"hours.{name}.{what}": kind
        for name in calendars
        for what, kind in (("open", Type.BOOLEAN), ("next_open", Type.TEXT))
    }
    own = {f"vars.{name}": kind for name, kind in variables.items()}
    return {**own, **CALL_FACTS, **EVENT_NAMES, **CLOCK_NAMES, **hours}


def make_event_reader(*kinds: type) -> Any:
    """A reader of one attribute that gives an empty value for other kinds of event."""

    def make_reader(attribute: str, empty: Any = "") -> Any:
        return lambda names: (
            getattr(names.event, attribute) if isinstance(names.event, kinds) else empty
        )

    return make_reader


def make_amd_reader(attribute: str) -> Any:
    def read_amd(names: NameBindings) -> str:
        event = names.event
        return (
            getattr(event.amd, attribute) if isinstance(event, (Ace, Notify)) and event.amd else ""
        )

    return read_amd


def read_headers(names: NameBindings) -> dict[str, str]:
    """Call headers by their names in small letters; of two that differ in case only, the first."""
    event = names.event
    found: dict[str, str] = {}
    if isinstance(event, (Ice, Dice)):
        for name, value in event.call_headers.items():
            found.setdefault(name.lower(), value)
    return found


EVENT_READERS: dict[str, Any] = {
    **dict.fromkeys(CALL_FACTS, lambda _names: ""),  # a placed call never told them
    "call.withheld": lambda _names: False,
    "call.id": lambda names: names.event.call_id,
    # of a call whose state is lost: some callbacks repeat it
    "call.custom": lambda names: names.event.custom,
    "event.digits": make_event_reader(Pie)("value"),
    "event.input": make_event_reader(Pie)("input_method"),
    "event.type": make_event_reader(Pie, Notify)("type"),
    "event.destination": make_event_reader(Notify)("destination"),
    "event.result": make_event_reader(Dice)("result"),
    "event.reason": make_event_reader(Dice)("reason"),
    "event.amd": make_amd_reader("status"),
    "event.amd_reason": make_amd_reader("reason"),
    "event.error": make_event_reader(Notify)("error_msg"),
    # callbacks of every kind may name a conference (platform notes, 2.1)
    "event.conference": lambda names: names.event.conference_id,
    "event.duration": make_event_reader(Dice)("duration", 0),
    "event.headers": read_headers,
}
