"""Placements that no call asks for, but a command or another system: checked as the compiler checks
those of flows, against the release that is live.
"""

from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from flowengine.compile import Program, Release
from flowengine.expr import EvalError, load_zone
from flowengine.limits import MAX_PLACEMENT_SECONDS, MAX_PLACEMENT_TRIES, MAX_RING_SECONDS
from flowengine.problems import suggest_name
from flowengine.states.connect_actions import format_caller_id
from flowengine.states.place_plan import (
    CALLEE_ZONE,
    TOO_FAR_AHEAD,
    PlacementPlan,
    compute_placement_id,
    is_moment,
    is_too_far_ahead,
)
from flowengine.states.ring_members import MemberError, parse_member
from flowengine.states.variable_values import convert_value


class PlacementRequestError(Exception):
    """A request that cannot be carried out; `field` is what is wrong in it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class PlacementOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is the same for all calls of a request. Times are in seconds."""

    flow: str
    application: str = ""
    caller_id: str = ""
    ring: int = 30
    tries: int = 1
    pause: int = 600
    delay: int = 0
    at: str = ""
    within: str = ""
    zone: str = ""


class WantedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"given": "with"}):
    """One call: whom, with what, and the key that tells it from all others."""

    to: str
    given: dict[str, Any] = {}
    key: str = ""


def check_placement_options(release: Release, options: PlacementOptions, now: float) -> Program:
    """The flow that is to be begun. Raises PlacementRequestError."""
    program = release.programs.get(options.flow)
    if program is None:
        hint = suggest_name(options.flow, release.programs)
        raise PlacementRequestError(
            "flow", f"there is no flow {options.flow}{f'; {hint}' if hint else ''}"
        )
    if not program.answered:
        raise PlacementRequestError(
            "flow", f"nothing begins {options.flow} when somebody answers: add on: {{answered: …}}"
        )
    if options.within and options.within not in release.calendars:
        hint = suggest_name(options.within, release.calendars)
        raise PlacementRequestError(
            "within", f"there is no calendar {options.within}{f'; {hint}' if hint else ''}"
        )
    check_zone_name(options.zone)
    if options.at and not is_moment(options.at):
        raise PlacementRequestError("at", "write a date and a time, such as 2026-12-24 09:30")
    if options.at and is_too_far_ahead(options.at, now):
        raise PlacementRequestError("at", TOO_FAR_AHEAD)
    if options.caller_id and not format_caller_id({"caller_id": options.caller_id}):
        raise PlacementRequestError("caller_id", "write + and the country code, or private")
    for field, most in (
        ("ring", MAX_RING_SECONDS),
        ("pause", MAX_PLACEMENT_SECONDS),
        ("tries", MAX_PLACEMENT_TRIES),
    ):
        if not 1 <= getattr(options, field) <= most:
            raise PlacementRequestError(field, f"{field} is from 1 to {most}")
    if not 0 <= options.delay <= MAX_PLACEMENT_SECONDS:
        raise PlacementRequestError("delay", TOO_FAR_AHEAD)
    return program


def check_zone_name(zone: str) -> None:
    if zone in ("", CALLEE_ZONE):
        return
    try:
        load_zone(zone)
    except ZoneInfoNotFoundError:
        raise PlacementRequestError(
            "zone", "write an IANA time zone, such as Europe/Stockholm, or callee"
        ) from None


def build_requested_plan(
    program: Program, options: PlacementOptions, wanted: WantedCall, application: str, own_key: str
) -> PlacementPlan:
    """The plan of one call. Raises PlacementRequestError. `own_key` stands in for a key."""
    try:
        member = parse_member(wanted.to)
    except MemberError as error:
        raise PlacementRequestError("to", f"{error}: {error.hint}") from error
    key = f"key {wanted.key}" if wanted.key else own_key
    return PlacementPlan(
        id=compute_placement_id(application, options.flow, key),
        flow=options.flow,
        to=member,
        data=convert_inputs(program, wanted.given),
        cli=format_caller_id({"caller_id": options.caller_id}),
        ring=options.ring,
        tries=options.tries,
        pause=options.pause,
        delay=options.delay,
        at=options.at,
        within=options.within,
        zone=options.zone,
    )


def convert_inputs(program: Program, given: dict[str, Any]) -> dict[str, Any]:
    """The inputs of the flow from what is handed in. Text stands for numbers and truth, too."""
    types = {item.name: item.type for item in program.signature.inputs}
    values = dict(given)
    for name, value in given.items():
        try:
            values[name] = read_typed_value(value, types.get(name, ""))
        except ValueError as error:
            raise PlacementRequestError(name, "this is no such value") from error
    return check_inputs(program, values)


def check_inputs(program: Program, values: dict[str, Any]) -> dict[str, Any]:
    """The values as the inputs of the flow hold them. Raises PlacementRequestError where the flow
    has other inputs, or one cannot hold its value.
    """
    inputs = {item.name: item for item in program.signature.inputs}
    for name in values:
        if name not in inputs:
            hint = suggest_name(name, inputs) or f"it takes {', '.join(inputs) or 'nothing'}"
            raise PlacementRequestError(name, f"{program.flow} has no input {name}; {hint}")
    for name, item in inputs.items():
        if name not in values and item.default is None:
            raise PlacementRequestError(name, f"{program.flow} needs {name}")
    held: dict[str, Any] = {}
    for name, value in values.items():
        try:
            held[name] = convert_value(value, inputs[name])
        except EvalError as error:
            raise PlacementRequestError(name, error.message) from error
    return held


def read_typed_value(value: Any, wanted: str) -> Any:
    """A text as a number or as true and false, where the input is one."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if wanted == "boolean" and text.lower() in ("true", "false", "yes", "no"):
        return text.lower() in ("true", "yes")
    if wanted == "integer":
        return int(text)
    if wanted == "decimal":
        return float(text)
    return value
