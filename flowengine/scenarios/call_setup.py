"""How the call of a scenario begins: who calls whom, or how it is placed, and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from flowengine.compile import Release
from flowengine.compile.routing import CompiledRoute
from flowengine.expr import load_zone
from flowengine.scenarios.scenario_given import Given
from flowengine.states import PlacementPlan
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX
from flowengine.states.ring_plan import RingMember
from flowengine.svaml import CallHeader

DEFAULT_CALLER = "+14045550199"
DIALLED_CANDIDATES = ("+14045550100", "+14045550900", "+442079460100")
SIMULATED_APPLICATION = "00000000-0000-4000-8000-000000000001"
DEFAULT_TIME = "2026-03-02 10:00"  # a Monday
CallerKind = Literal["phone", "app", "sip"]
CALLER_BY_KIND: Mapping[str, str] = {
    "phone": DEFAULT_CALLER,
    "app": "alice",
    "sip": "alice@pbx.example.com",
}
KIND_BY_ORIGIN: Mapping[str, CallerKind] = {"pstn": "phone", "mxp": "app", "sip": "sip"}
ORIGIN_BY_KIND: Mapping[str, str] = {party: origin for origin, party in KIND_BY_ORIGIN.items()}


class CallSetup(msgspec.Struct, frozen=True):
    """A call before it begins. With `callout` it is placed by this request, and nobody dials; with
    `plan` too, for a placement.
    """

    caller: str
    to: str
    kind: CallerKind
    target: str
    application: str = SIMULATED_APPLICATION
    custom: str = ""
    headers: tuple[CallHeader, ...] = ()
    redirected_from: str = ""
    callout: Mapping[str, Any] | None = msgspec.field(default=None)
    plan: PlacementPlan | None = None

    def to_dial_options(self) -> dict[str, Any]:
        """The options of `Exchange.dial`, without caller and destination."""
        return {
            "kind": self.kind,
            "target": self.target,
            "application": self.application,
            "custom": self.custom,
            "call_headers": self.headers,
            "rdnis": self.redirected_from,
        }


def build_placed_call_setup(flow: str, given: Given, application: str) -> CallSetup:
    to = given.to or DIALLED_CANDIDATES[0]
    callout = build_callout_request(flow, given)
    plan = build_plan(flow, given) if given.placed == "flow" else None
    return CallSetup("", to, "phone", "", application, callout=callout, plan=plan)


def build_plan(flow: str, given: Given) -> PlacementPlan:
    """The placement that this call is of."""
    to = (given.to or DIALLED_CANDIDATES[0]).removeprefix("sip:")
    return PlacementPlan(
        id=f"{PLACEMENT_ID_PREFIX}given",
        flow=flow,
        to=RingMember("sip" if "@" in to else "number", to),
        data=dict(given.data or {}),
        cli=given.caller or DEFAULT_CALLER,
        ring=30,
        tries=1,
        pause=1,
    )


def is_placed_by_flows(release: Release, flow: str) -> bool:
    """Whether a state of the project has people called into this flow, or it knows machines."""
    programs = release.programs
    return bool(programs[flow].answered_by_machine) or any(
        state.verb.placed_flow == flow
        for program in programs.values()
        for state in program.states.values()
    )


def build_call_setup(release: Release, flow: str, given: Given) -> CallSetup:
    """The call that a scenario describes; what it does not say comes from the routes that lead to
    its flow.
    """
    route = next((route for route in release.routes if route.flow == flow), None)
    application = route.application if route and route.application else SIMULATED_APPLICATION
    if given.placed:
        return build_placed_call_setup(flow, given, application)
    kind = find_caller_kind(given, route)
    to = given.to or choose_dialled_address(release, route, kind)
    return CallSetup(
        given.caller or CALLER_BY_KIND[kind],
        to,
        kind,
        find_target_kind(given, route, to, kind),
        application,
        given.custom or "",
        tuple(CallHeader(name, text) for name, text in (given.headers or {}).items()),
        given.redirected_from or "",
    )


def find_target_kind(given: Given, route: CompiledRoute | None, to: str, kind: CallerKind) -> str:
    """The kind of the dialled address. That of the route counts only where the scenario leaves the
    address to the route, too.
    """
    if given.type:
        return given.type
    if route and route.kind and not given.to:
        return route.kind
    return guess_target_kind(to, kind)


def find_caller_kind(given: Given, route: CompiledRoute | None) -> CallerKind:
    """What calls: where neither the scenario nor its route says so, an address with a host is SIP."""
    if given.origin or (route and route.origin in KIND_BY_ORIGIN):
        return KIND_BY_ORIGIN[given.origin or get_origin(route)]
    return "sip" if "@" in (given.caller or "") else KIND_BY_ORIGIN[get_origin(route)]


def get_origin(route: CompiledRoute | None) -> str:
    return route.origin if route and route.origin in KIND_BY_ORIGIN else "pstn"


def choose_dialled_address(release: Release, route: CompiledRoute | None, kind: CallerKind) -> str:
    """An address that this route takes, and none before it."""
    if route is None or not route.has_number:
        named = {"username": "bob", "conference": "lobby", "sip": "line@pbx.example.com"}.get(
            route.kind if route and route.kind else kind
        )
        free = (
            to
            for to in DIALLED_CANDIDATES
            if route
            and release.find_flow(
                to, guess_target_kind(to, kind), ORIGIN_BY_KIND[kind], route.application
            )
            == route.flow
        )
        return named or next(free, DIALLED_CANDIDATES[0])
    text = route.prefix + ("1" if route.has_wildcard else "") + route.suffix
    return f"+{text}" if text.isdigit() and kind != "app" else text


def guess_target_kind(to: str, kind: CallerKind) -> str:
    """The kind of an address, from how it looks and who dials it."""
    if to.startswith("+"):
        return "did" if kind == "phone" else "number"
    return "sip" if "@" in to else "username"


def find_route_fault(release: Release, flow: str, own: Given, shared: Given) -> str:
    """Why the call of a scenario does not come to its flow, or nothing."""
    given = merge_given(own, shared)
    if given.placed:
        program = release.programs[flow]
        if given.placed == "flow":
            return "" if program.answered else f"{flow} has no entry for an answer"
        return "" if program.start or program.answered else f"{flow} has no entry for a call"
    call = build_call_setup(release, flow, given)
    found = release.find_flow(call.to, call.target, ORIGIN_BY_KIND[call.kind], call.application)
    if found == flow:
        return ""
    return (
        f"a call to {call.to} is answered by {found}"
        if found
        else f"no route leads a call to {call.to} anywhere"
    )


def merge_given(own: Given, shared: Given) -> Given:
    said = {
        name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not UNSET
    }
    return msgspec.structs.replace(shared, **said)


def get_begin_time(given: Given, zone: str) -> datetime:
    """When the call begins."""
    return datetime.fromisoformat(given.time or DEFAULT_TIME).replace(
        tzinfo=load_zone(given.zone or zone)
    )


def build_callout_request(flow: str, given: Given) -> Mapping[str, Any]:
    """The request that places the call, as your system would make it."""
    to = given.to or DIALLED_CANDIDATES[0]
    kind = "number" if to.startswith("+") else "sip" if "@" in to else "username"
    custom = given.custom or msgspec.json.encode({"flow": flow, "data": given.data or {}}).decode()
    name = "customCallout" if given.placed == "flow" else f"{given.placed}Callout"
    body: dict[str, Any] = {
        "destination": {"type": kind, "endpoint": to},
        "cli": given.caller or DEFAULT_CALLER,
        "custom": custom,
    }
    body |= {"enableAce": True, "enableDice": True, "enablePie": True}
    if given.placed == "flow":
        body["ice"] = ""
    if given.placed == "tts":
        body |= {"text": given.text or "A message for you.", "locale": "en-US"}
    if given.placed == "conference":
        body |= {"conferenceId": given.conference or "lobby"}
    return {"method": name, name: body}
