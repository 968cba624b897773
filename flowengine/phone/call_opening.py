"""How a call from a page begins: who calls whom, and when, checked."""

from typing import Any, Literal

import msgspec

from flowengine.phone.call_time import CallTimeError, parse_call_time
from flowengine.phone.input_faults import find_input_fault
from flowengine.phone.phone_project import PhoneProject, PhoneTarget
from flowengine.problems import suggest_name
from flowengine.scenarios.call_setup import (
    ORIGIN_BY_KIND,
    CallerKind,
    find_route_fault,
    guess_target_kind,
)
from flowengine.scenarios.scenario_given import Given


class OpeningRefusedError(Exception):
    """Such a call cannot begin."""


class OpeningRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person at the phone wishes: a flow, or a number or address that is dialled; "" is
    the usual one.
    """

    flow: str = ""
    to: str = ""
    caller: str = ""
    kind: Literal["", "phone", "app", "sip"] = ""
    time: str = ""
    data: dict[str, Any] = {}
    lookups: Literal["ask", "scenarios"] = "ask"


class CallOpening(msgspec.Struct, frozen=True):
    """A call before it begins: its flow, and what a scenario would say of how it begins."""

    flow: str
    given: dict[str, Any]
    uses_doubles: bool = False

    @property
    def is_placed(self) -> bool:
        return "placed" in self.given


def build_call_opening(line: PhoneProject, wish: OpeningRequest) -> CallOpening:
    """The call that is wished for. Raises OpeningRefusedError where it would not come about."""
    target = find_target(line, wish)
    said = {
        "caller": wish.caller.strip(),
        "to": wish.to.strip(),
        "origin": ORIGIN_BY_KIND[wish.kind] if wish.kind and not target.placed else "",
        "time": parse_time(wish.time, line.project.zone),
        "placed": target.placed,
        "data": wish.data if target.placed else {},
    }
    given: dict[str, Any] = {name: value for name, value in said.items() if value}
    if fault := find_input_fault(line.release, target.flow, given.get("data", {})):
        raise OpeningRefusedError(fault)
    if fault := find_route_fault(line.release, target.flow, Given(**given), Given()):
        raise OpeningRefusedError(fault)
    return CallOpening(target.flow, given, wish.lookups == "scenarios")


def find_target(line: PhoneProject, wish: OpeningRequest) -> PhoneTarget:
    """The flow that is meant: by its name, by what is dialled, or the first that can be called."""
    targets = {target.flow: target for target in line.targets}
    if wish.flow:
        if found := targets.get(wish.flow):
            return found
        hint = suggest_name(wish.flow, targets) or "choose one of the list"
        what = "no call comes to" if wish.flow in line.release.programs else "there is no flow"
        raise OpeningRefusedError(f"{what} {wish.flow}; {hint}")
    if to := wish.to.strip():
        return find_dialled_target(line, to, wish.kind)
    if not targets:
        raise OpeningRefusedError(
            "no call comes to any flow: lead a number to one by `routes:` in project.yaml"
        )
    return next(iter(targets.values()))


def find_dialled_target(line: PhoneProject, to: str, kind: str) -> PhoneTarget:
    """The flow that the routes lead a call to."""
    caller_kind: CallerKind = kind or ("phone" if to.startswith("+") else "app")  # type: ignore[assignment]  # the words are the same
    found = line.release.find_flow(
        to, guess_target_kind(to, caller_kind), ORIGIN_BY_KIND[caller_kind], ""
    )
    if not found:
        raise OpeningRefusedError(
            f"no route leads a call to {to} anywhere; numbers begin with + and the country code"
        )
    return PhoneTarget(found, to, caller_kind)


def parse_time(text: str, zone: str) -> str:
    """A time as scenarios have it; nothing is the usual one."""
    try:
        return parse_call_time(text.strip(), zone) if text.strip() else ""
    except CallTimeError as error:
        raise OpeningRefusedError(str(error)) from error
