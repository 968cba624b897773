"""Our own API under /desk: place calls, act for whoever is on a line, read what happened, and move
time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.responses import Response

from flowengine.svaml import CallHeader
from flowengine.switch.api.asked import EMPTY, Answer, Asked, told
from flowengine.switch.api.desk import Desk
from flowengine.switch.api.driver import Driver
from flowengine.switch.api.errors import DOCUMENTED
from flowengine.switch.api.routing import Route
from flowengine.switch.api.telling import as_json, stream
from flowengine.switch.calls import Call, Leg
from flowengine.switch.config.model import Party
from flowengine.switch.config.reading import behaviour
from flowengine.switch.errors import ApiError

Handler = Callable[[Desk, Driver, Asked], Awaitable[Answer | Response]]
LONGEST_WAIT = 60


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call to place. Without `behaviour` somebody acts for the caller by hand."""

    caller: Annotated[str, Meta(max_length=256)] = msgspec.field(name="from")
    to: str
    kind: Literal["phone", "app", "sip"] = "phone"
    target: Literal["did", "number", "username", "sip", "conference"] | None = None
    application: str = ""
    behaviour: Party | None = None
    custom: str = ""
    call_headers: list[CallHeader] = msgspec.field(name="callHeaders", default_factory=list)
    rdnis: str = ""
    user: str = ""


class Doing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody does on a line: the keys pressed, the words said, or how the call is rejected."""

    keys: Annotated[str, Meta(pattern="^[0-9*#]+$")] = ""
    text: str = ""
    reason: Literal["busy", "decline", "congestion", "no answer"] = "decline"


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What time shall do: pass so many seconds at once, pass by itself or not."""

    advance: Annotated[float, Meta(ge=0, le=10_000_000)] | None = None
    running: bool | None = None


class Refusals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the next requests to the platform's APIs are refused."""

    code: Annotated[int, Meta(ge=40000, le=59999)]
    times: Annotated[int, Meta(ge=1, le=1000)] = 1


Form = TypeVar("Form", bound=msgspec.Struct)


def given(asked: Asked, form: type[Form]) -> Form:
    try:
        return msgspec.json.decode(asked.body or b"{}", type=form)
    except msgspec.DecodeError as error:
        raise ApiError(40001, f"Invalid parameters: {error}") from error


async def calls(desk: Desk, _: Driver, __: Asked) -> Answer:
    """All calls that the switch holds, the newest last."""
    return told({"calls": [shown(call) for call in desk.exchange.calls.values()]})


def shown(call: Call) -> dict[str, Any]:
    legs = {
        role: leg_shown(leg)
        for role, leg in (("caller", call.caller), ("callee", call.callee))
        if leg
    }
    return {
        "callId": call.id,
        "application": call.application_key,
        "info": call.info(),
        "cookies": dict(call.cookies),
        "legs": legs,
    }


def leg_shown(leg: Leg) -> dict[str, Any]:
    return {
        "kind": leg.kind,
        "address": leg.address,
        "state": leg.state,
        "playing": leg.line.playing,
    }


async def place(desk: Desk, _: Driver, asked: Asked) -> Answer:
    """Let somebody call."""
    wanted = given(asked, Place)
    if wanted.application and wanted.application not in desk.exchange.applications:
        raise ApiError(40003, "Invalid Application Key")
    made = desk.exchange.dial(
        caller=wanted.caller,
        to=wanted.to,
        kind=wanted.kind,
        target=wanted.target,
        application=wanted.application,
        behaviour=behaviour(wanted.behaviour) if wanted.behaviour else None,
        custom=wanted.custom,
        call_headers=tuple(wanted.call_headers),
        rdnis=wanted.rdnis,
        user=wanted.user,
    )
    return told({"callId": made.id}, 201)


def held(desk: Desk, asked: Asked) -> Call:
    call = desk.exchange.calls.get(asked.path["call"])
    if call is None:
        raise ApiError(40400, "Call not found")
    return call


async def call(desk: Desk, _: Driver, asked: Asked) -> Answer:
    """One call, as it is now."""
    return told(shown(held(desk, asked)))


async def act(desk: Desk, _: Driver, asked: Asked) -> Answer:
    """Answer, reject, press, say or hang up. `heard` tells whether anybody listened."""
    call, doing = held(desk, asked), given(asked, Doing)
    leg = {"caller": call.caller, "callee": call.callee}.get(asked.path["leg"])
    if leg is None:
        raise ApiError(40400, "Nobody is on this end of the call")
    heard = do(leg, asked.path["act"], doing)
    return EMPTY if heard is None else told({"heard": heard})


def do(leg: Leg, what: str, doing: Doing) -> bool | None:
    match what:
        case "answer":
            rung(leg.answer())
            return None
        case "reject":
            rung(leg.reject(doing.reason))
            return None
        case "press" if doing.keys:
            return leg.press(doing.keys)
        case "say" if doing.text:
            return leg.say(doing.text)
        case "hangup":
            leg.hang_up()
            return None
        case "press" | "say":
            raise ApiError(40002, "Bad request: write keys for press, text for say")
    raise ApiError(40400, f"There is no act {what}: write answer, reject, press, say or hangup")


def rung(done: bool) -> None:
    if not done:
        raise ApiError(40900, "This end of the call does not ring")


async def happenings(desk: Desk, _: Driver, asked: Asked) -> Answer | Response:
    """What happened to a call from `after` on. With `wait` the answer waits up to so many seconds
    for something to tell.
    """
    call_id = asked.path["call"]
    if call_id not in desk.happenings and call_id not in desk.exchange.calls:
        raise ApiError(40400, "Call not found")
    if "text/plain" in asked.headers.get("accept", ""):
        return stream(desk, call_id)
    after, wait = asked.count("after", 0, 0), min(LONGEST_WAIT, asked.count("wait", 0, 0))
    with suppress(TimeoutError):
        async with asyncio.timeout(wait):
            await desk.more(call_id, after)
    found = desk.happenings.get(call_id, [])[after:]
    return told({"happenings": [as_json(item) for item in found], "next": after + len(found)})


async def time(desk: Desk, driver: Driver, _: Asked) -> Answer:
    """What time it is here, and whether it passes by itself."""
    return told({"now": desk.clock.now(), "clock": driver.kind, "running": driver.running})


async def set_time(desk: Desk, driver: Driver, asked: Asked) -> Answer:
    """Hold time, let it run, or let some of it pass."""
    wanted = given(asked, Time)
    done = driver.hold() if wanted.running is False else True
    if wanted.advance is not None:
        done = await driver.advance(wanted.advance) and done
    if wanted.running:
        driver.run()
    if not done:
        raise ApiError(40900, "This switch runs in real time: start it with --clock virtual")
    return await time(desk, driver, asked)


async def refuse(desk: Desk, _: Driver, asked: Asked) -> Answer:
    """Let the next requests to the platform's APIs be refused, to see what whoever asks makes of
    it.
    """
    wanted = given(asked, Refusals)
    if wanted.code not in DOCUMENTED:
        raise ApiError(40001, f"Invalid parameters: the platform has no code {wanted.code}")
    desk.refusals.extend([wanted.code] * wanted.times)
    return EMPTY


ROUTES: Final[tuple[Route[Handler], ...]] = (
    Route("GET", "calls", calls),
    Route("POST", "calls", place),
    Route("GET", "calls/{call}", call),
    Route("GET", "calls/{call}/happenings", happenings),
    Route("POST", "calls/{call}/{leg}/{act}", act),
    Route("GET", "time", time),
    Route("POST", "time", set_time),
    Route("POST", "refusals", refuse),
)
