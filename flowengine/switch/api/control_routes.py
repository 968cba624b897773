"""Our own API under /desk: place calls, act for the parties of a call, read events, and move time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.responses import Response

from flowengine.svaml import CallHeader
from flowengine.switch.api.api_request import EMPTY_REPLY, ApiReply, ApiRequest, build_json_reply
from flowengine.switch.api.api_routing import ApiRoute
from flowengine.switch.api.error_replies import ERROR_MESSAGES
from flowengine.switch.api.event_format import stream_events, to_json_object
from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.api.time_driver import TimeDriver
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls import Leg, SwitchCall
from flowengine.switch.calls.call_record import build_call_info
from flowengine.switch.config.configuration_model import Party
from flowengine.switch.config.configuration_reader import build_behaviour

ControlHandler = Callable[[SwitchContext, TimeDriver, ApiRequest], Awaitable[ApiReply | Response]]
MAX_WAIT_SECONDS = 60


class PlaceCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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


class PartyAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody does on a line: the keys pressed, the words said, or how the call is rejected."""

    keys: Annotated[str, Meta(pattern="^[0-9*#]+$")] = ""
    text: str = ""
    reason: Literal["busy", "decline", "congestion", "no answer"] = "decline"


class SetTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What time shall do: pass so many seconds at once, pass by itself or not."""

    advance: Annotated[float, Meta(ge=0, le=10_000_000)] | None = None
    running: bool | None = None


class SetRefusals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the next requests to the platform's APIs are refused."""

    code: Annotated[int, Meta(ge=40000, le=59999)]
    times: Annotated[int, Meta(ge=1, le=1000)] = 1


class SetLosses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the next callouts are placed without an answer, counted from 1."""

    callouts: list[Annotated[int, Meta(ge=1, le=1_000_000)]]


Form = TypeVar("Form", bound=msgspec.Struct)


def parse_form(request: ApiRequest, form: type[Form]) -> Form:
    try:
        return msgspec.json.decode(request.body or b"{}", type=form)
    except msgspec.DecodeError as error:
        raise ApiError(40001, f"Invalid parameters: {error}") from error


async def list_calls(context: SwitchContext, _: TimeDriver, __: ApiRequest) -> ApiReply:
    """All calls that the switch holds, the newest last."""
    return build_json_reply(
        {"calls": [format_call(call) for call in context.exchange.calls.values()]}
    )


def format_call(call: SwitchCall) -> dict[str, Any]:
    legs = {
        role: format_leg(leg)
        for role, leg in (("caller", call.caller), ("callee", call.callee))
        if leg
    }
    return {
        "callId": call.id,
        "application": call.application_key,
        "info": build_call_info(call),
        "cookies": dict(call.cookies),
        "legs": legs,
    }


def format_leg(leg: Leg) -> dict[str, Any]:
    return {
        "kind": leg.kind,
        "address": leg.address,
        "state": leg.state,
        "playing": leg.line.playing,
    }


async def place_call(context: SwitchContext, _: TimeDriver, request: ApiRequest) -> ApiReply:
    """Place a call."""
    wanted = parse_form(request, PlaceCall)
    if wanted.application and wanted.application not in context.exchange.applications:
        raise ApiError(40003, "Invalid Application Key")
    made = context.exchange.dial(
        caller=wanted.caller,
        to=wanted.to,
        kind=wanted.kind,
        target=wanted.target,
        application=wanted.application,
        behaviour=build_behaviour(wanted.behaviour) if wanted.behaviour else None,
        custom=wanted.custom,
        call_headers=tuple(wanted.call_headers),
        rdnis=wanted.rdnis,
        user=wanted.user,
    )
    return build_json_reply({"callId": made.id}, 201)


def find_call(context: SwitchContext, request: ApiRequest) -> SwitchCall:
    call = context.exchange.calls.get(request.path["call"])
    if call is None:
        raise ApiError(40400, "Call not found")
    return call


async def get_call(context: SwitchContext, _: TimeDriver, request: ApiRequest) -> ApiReply:
    """One call, as it is now."""
    return build_json_reply(format_call(find_call(context, request)))


async def act_on_leg(context: SwitchContext, _: TimeDriver, request: ApiRequest) -> ApiReply:
    """Answer, reject, press, say or hang up. `heard` tells whether anybody listened."""
    call, doing = find_call(context, request), parse_form(request, PartyAction)
    leg = {"caller": call.caller, "callee": call.callee}.get(request.path["leg"])
    if leg is None:
        raise ApiError(40400, "Nobody is on this end of the call")
    heard = perform_act(leg, request.path["act"], doing)
    return EMPTY_REPLY if heard is None else build_json_reply({"heard": heard})


def perform_act(leg: Leg, what: str, doing: PartyAction) -> bool | None:
    match what:
        case "answer":
            require_ringing(leg.answer())
            return None
        case "reject":
            require_ringing(leg.reject(doing.reason))
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


def require_ringing(done: bool) -> None:
    if not done:
        raise ApiError(40900, "This end of the call does not ring")


async def list_events(
    context: SwitchContext, _: TimeDriver, request: ApiRequest
) -> ApiReply | Response:
    """The events of a call from `after` on. With `wait` the reply waits up to so many seconds for
    one.
    """
    # a call that was just placed has no events yet
    call_id = request.path["call"]
    if call_id not in context.events and call_id not in context.exchange.calls:
        raise ApiError(40400, "Call not found")
    if "text/plain" in request.headers.get("accept", ""):
        return stream_events(context, call_id)
    after, wait = (
        request.read_count("after", 0, 0),
        min(MAX_WAIT_SECONDS, request.read_count("wait", 0, 0)),
    )
    with suppress(TimeoutError):
        # a time-out is no error: the reply then has no events
        async with asyncio.timeout(wait):
            await context.wait_for_events(call_id, after)
    found = context.events.get(call_id, [])[after:]
    return build_json_reply(
        {"happenings": [to_json_object(item) for item in found], "next": after + len(found)}
    )


async def get_time(context: SwitchContext, driver: TimeDriver, _: ApiRequest) -> ApiReply:
    """The time of the switch, and whether it passes by itself."""
    return build_json_reply(
        {"now": context.clock.now(), "clock": driver.kind, "running": driver.is_running}
    )


async def set_time(context: SwitchContext, driver: TimeDriver, request: ApiRequest) -> ApiReply:
    """Hold time, let it run, or let some of it pass."""
    wanted = parse_form(request, SetTime)
    # held before time is advanced, so that nothing happens behind the end
    done = driver.pause() if wanted.running is False else True
    if wanted.advance is not None:
        done = await driver.advance(wanted.advance) and done
    if wanted.running:
        driver.run()
    if not done:
        raise ApiError(40900, "This switch runs in real time: start it with --clock virtual")
    return await get_time(context, driver, request)


async def set_refusals(context: SwitchContext, _: TimeDriver, request: ApiRequest) -> ApiReply:
    """Refuse the next requests to the platform's APIs, to test a client's error handling."""
    wanted = parse_form(request, SetRefusals)
    # a code of its own would be one that no real client meets
    if wanted.code not in ERROR_MESSAGES:
        raise ApiError(40001, f"Invalid parameters: the platform has no code {wanted.code}")
    context.refusals.extend([wanted.code] * wanted.times)
    return EMPTY_REPLY


async def set_losses(context: SwitchContext, _: TimeDriver, request: ApiRequest) -> ApiReply:
    """Lose the answers of these callouts, to test how a client makes sure that it calls once."""
    wanted = parse_form(request, SetLosses)
    context.lost_callouts.update(context.callout_count + number for number in wanted.callouts)
    return EMPTY_REPLY


CONTROL_ROUTES: Final[tuple[ApiRoute[ControlHandler], ...]] = (
    ApiRoute("GET", "calls", list_calls),
    ApiRoute("POST", "calls", place_call),
    ApiRoute("GET", "calls/{call}", get_call),
    ApiRoute("GET", "calls/{call}/happenings", list_events),
    ApiRoute("POST", "calls/{call}/{leg}/{act}", act_on_leg),
    ApiRoute("GET", "time", get_time),
    ApiRoute("POST", "time", set_time),
    ApiRoute("POST", "refusals", set_refusals),
    ApiRoute("POST", "losses", set_losses),
)
