"""How the call of a scenario begins: who calls whom, or how it is placed, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from flowengine.compile import Release
from flowengine.compile.routing import Routing
from flowengine.expr import load_zone
from flowengine.scenarios.model import Given
from flowengine.svaml import CallHeader

CALLER = "+14045550199"
DIALLED = ("+14045550100", "+14045550900", "+442079460100")
APPLICATION = "00000000-0000-4000-8000-000000000001"
TIME = "2026-03-02 10:00"  # a Monday
Party = Literal["phone", "app", "sip"]
CALLERS: Mapping[str, str] = {"phone": CALLER, "app": "alice", "sip": "alice@pbx.example.com"}
PARTIES: Mapping[str, Party] = {"pstn": "phone", "mxp": "app", "sip": "sip"}
ORIGINS: Mapping[str, str] = {party: origin for origin, party in PARTIES.items()}


@dataclass(frozen=True, slots=True)
class Opening:
    """A call that is about to begin. With `callout` it is placed by this request, and nobody dials."""

    caller: str
    to: str
    kind: Party
    target: str
    application: str = APPLICATION
    custom: str = ""
    headers: tuple[CallHeader, ...] = ()
    redirected_from: str = ""
    callout: Mapping[str, Any] | None = field(default=None)

    def dialling(self) -> dict[str, Any]:
        """What a switch is told of such a call beside who calls whom."""
        return {
            "kind": self.kind,
            "target": self.target,
            "application": self.application,
            "custom": self.custom,
            "call_headers": self.headers,
            "rdnis": self.redirected_from,
        }


def opening(release: Release, flow: str, given: Given) -> Opening:
    """The call that a scenario describes; what it does not say comes from the routes that lead to
    its flow.
    """
    route = next((route for route in release.routes if route.flow == flow), None)
    application = route.application if route and route.application else APPLICATION
    if given.placed:
        return Opening(
            "", given.to or DIALLED[0], "phone", "", application, callout=callout(flow, given)
        )
    kind = party(given, route)
    to = given.to or dialled(release, route, kind)
    target = given.type or (
        route.kind if route and route.kind and not given.to else target_of(to, kind)
    )
    caller = given.caller or CALLERS[kind]
    return Opening(
        caller,
        to,
        kind,
        target,
        application,
        given.custom or "",
        tuple(CallHeader(name, text) for name, text in (given.headers or {}).items()),
        given.redirected_from or "",
    )


def party(given: Given, route: Routing | None) -> Party:
    """What calls: where neither the scenario nor its route says so, an address with a host is SIP."""
    if given.origin or (route and route.origin in PARTIES):
        return PARTIES[given.origin or origin_of(route)]
    return "sip" if "@" in (given.caller or "") else PARTIES[origin_of(route)]


def origin_of(route: Routing | None) -> str:
    return route.origin if route and route.origin in PARTIES else "pstn"


def dialled(release: Release, route: Routing | None, kind: Party) -> str:
    """An address that this route takes, and none before it."""
    if route is None or not route.to:
        named = {"username": "bob", "conference": "lobby", "sip": "line@pbx.example.com"}.get(
            route.kind if route and route.kind else kind
        )
        free = (
            to
            for to in DIALLED
            if route
            and release.route(to, target_of(to, kind), ORIGINS[kind], route.application)
            == route.flow
        )
        return named or next(free, DIALLED[0])
    text = route.head + ("1" if route.open else "") + route.tail
    return f"+{text}" if text.isdigit() and kind != "app" else text


def target_of(to: str, kind: Party) -> str:
    """The kind of an address, from how it looks and who dials it."""
    if to.startswith("+"):
        return "did" if kind == "phone" else "number"
    return "sip" if "@" in to else "username"


def leads_to(release: Release, flow: str, own: Given, shared: Given) -> str:
    """Why the call of a scenario does not come to its flow, or nothing."""
    given = joined(own, shared)
    if given.placed:
        program = release.programs[flow]
        return "" if program.start or program.answered else f"{flow} has no entry for a call"
    call = opening(release, flow, given)
    found = release.route(call.to, call.target, ORIGINS[call.kind], call.application)
    if found == flow:
        return ""
    return (
        f"a call to {call.to} is answered by {found}"
        if found
        else f"no route leads a call to {call.to} anywhere"
    )


def joined(own: Given, shared: Given) -> Given:
    said = {
        name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not UNSET
    }
    return msgspec.structs.replace(shared, **said)


def begins(given: Given, zone: str) -> datetime:
    """When the call begins."""
    return datetime.fromisoformat(given.time or TIME).replace(tzinfo=load_zone(given.zone or zone))


def callout(flow: str, given: Given) -> Mapping[str, Any]:
    """The request that places the call, as your system would make it."""
    to = given.to or DIALLED[0]
    kind = "number" if to.startswith("+") else "sip" if "@" in to else "username"
    custom = given.custom or msgspec.json.encode({"flow": flow, "data": given.data or {}}).decode()
    name = f"{given.placed}Callout"
    body: dict[str, Any] = {
        "destination": {"type": kind, "endpoint": to},
        "cli": given.caller or CALLER,
        "custom": custom,
    }
    body |= {"enableAce": True, "enableDice": True, "enablePie": True}
    if given.placed == "tts":
        body |= {"text": given.text or "A message for you.", "locale": "en-US"}
    if given.placed == "conference":
        body |= {"conferenceId": given.conference or "lobby"}
    return {"method": name, name: body}
