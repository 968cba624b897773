"""Answers the first callbacks of calls that placements have asked for. Until somebody answers, no flow
runs for them; then the call is one like all others, which begins in the flow of the plan.
"""

import logging
import time
from collections.abc import Callable

from msgspec.structs import replace

from flowengine.compile import Program, Release
from flowengine.orchestration.leg_messages import build_dial_action, encode_verdict
from flowengine.orchestration.placement_turn import (
    BeginFlow,
    CalleeAnswered,
    PlacedCallEnded,
    PlacementEvent,
    PlacementRefused,
)
from flowengine.orchestration.turn import DialMember, EndLeg, LegAsked
from flowengine.runtime.call_state import Call
from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.callout_data import build_callout_data, encode_callout_data
from flowengine.runtime.cookie import Codec
from flowengine.runtime.delivery import CallbackDelivery, Reply
from flowengine.runtime.leg_token import PLACED_TOKEN_PREFIX, LegToken, parse_leg_token
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.placement_requests import PlacementRequestError, check_inputs
from flowengine.runtime.placements import Placements, TakenPlacementTurn
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.runtime.token_rows import save_token_row
from flowengine.sinch import Ace, CallbackEvent, Dice, Ice
from flowengine.sinch.callback_events import CallTarget
from flowengine.states.place_plan import PlacementPlan
from flowengine.storage.sessions import SavedCall, Store, StoreError
from flowengine.svaml import AmdOptions, ConnectPstn, Hangup, encode_svaml

PLACED_FLOW, PLACED_STATE = "place", "call"  # in place of a flow and its state, in the journal
_PLACED_ROW_PREFIX = PLACED_TOKEN_PREFIX.encode()  # no state of a call begins so
_NO_ANSWER, _HANG_UP = encode_svaml((), None), encode_svaml((), Hangup())
_PLACED_END_WORDS = {
    "busy": "the callee is busy",
    "noanswer": "the callee did not answer",
    "failed": "the callee could not be reached",
    "answered": "the call is over",
}
log = logging.getLogger(__name__)


def is_placed_row(saved: SavedCall) -> bool:
    """Whether the stored call was placed, and nobody has answered yet."""
    return saved.state.startswith(_PLACED_ROW_PREFIX)


class PlacementAnswers:
    """Recognises the calls by the token in their `custom` text. The first callback of a call saves
    it, as later ones may lack the text.
    """

    def __init__(
        self,
        store: Store,
        placements: Placements,
        codec: Codec,
        select_release: Callable[[CallbackEvent], Release],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._placements = placements
        self._codec = codec
        self._select_release = select_release
        self._clock = clock
        self._log_once = LogOnce(log)

    async def answer_placed(self, delivery: CallbackDelivery) -> Reply | None:
        """The reply to a callback with a token. None where a flow answers, for which the event of
        the delivery has the data; and where the token is not one of ours.
        """
        token = parse_leg_token(self._codec, delivery.event.custom, PLACED_TOKEN_PREFIX)
        if token is None:
            return None
        return await self._answer_token(delivery, token)

    async def answer_saved_call(self, delivery: CallbackDelivery, saved: SavedCall) -> Reply | None:
        """The reply to a callback of a call that was saved, which nobody has answered before. None
        where the flow begins now.
        """
        text = saved.state.decode(errors="replace")
        token = parse_leg_token(self._codec, text, PLACED_TOKEN_PREFIX)
        if token is None:  # the key has changed
            return self._build_reply(delivery, EndLeg(), None)
        reply = await self._answer_token(delivery, token)
        if reply is None and type(delivery.event) is not Ace:  # nothing has begun
            return self._build_reply(delivery, None, token)
        return reply

    async def _answer_token(self, delivery: CallbackDelivery, token: LegToken) -> Reply | None:
        event, delivery.at = delivery.event, self._clock()
        asked = read_placed_event(event, token.attempt)
        if asked is None:
            delivery.event = replace(event, custom="")
            return None
        verdict, owned = await self._take_turn(delivery, token, asked)
        if isinstance(verdict, BeginFlow):
            handed = build_callout_data(verdict.plan)
            delivery.event = replace(event, custom=encode_callout_data(handed).decode())
            delivery.leg = token
            return None
        if type(event) is Dice:
            delivery.event, delivery.leg = replace(event, custom=""), token
            return None
        program = None
        if isinstance(verdict, DialMember) and owned is not None:
            plan = owned.placement.plan
            program = self._select_release(event).programs.get(plan.flow)
            if reason := find_begin_fault(program, plan):
                log.error("%s: %s", token.orchestration, reason)
                refused = PlacementRefused(token.attempt, reason)
                await self._take_turn(delivery, token, refused)
                verdict = EndLeg()
        asks_who = program is not None and bool(program.answered_by_machine)
        reply = self._build_reply(delivery, verdict, token, asks_who=asks_who)
        if type(event) is Ice:
            await save_token_row(self._store, delivery, reply, self._log_once)
        return reply

    async def _take_turn(
        self, delivery: CallbackDelivery, token: LegToken, event: PlacementEvent
    ) -> TakenPlacementTurn:
        try:
            return await self._placements.take_turn(token.orchestration, event)
        except StoreError as error:
            self._log_once.error("placed calls are hung up: %s", error)
        except Exception:  # somebody is on the line
            log.exception("callback of placed call %s failed", delivery.event.call_id)
        return TakenPlacementTurn(EndLeg(), None)

    def _build_reply(
        self,
        delivery: CallbackDelivery,
        verdict: DialMember | EndLeg | BeginFlow | None,
        token: LegToken | None,
        *,
        asks_who: bool = False,
    ) -> Reply:
        event = delivery.event
        body = _HANG_UP if event.is_awaited else _NO_ANSWER
        shown = replace(event, custom="")  # the record names the placement in clear
        if isinstance(verdict, DialMember):
            body = encode_dial(verdict, asks_who=asks_who)
            if type(shown) is Ice and not shown.to.endpoint:
                shown = replace(shown, to=CallTarget(verdict.member.kind, verdict.member.address))
        elif isinstance(verdict, EndLeg):
            body = encode_verdict(verdict)
        ended = type(event) is Dice or type(verdict) is EndLeg
        call = Call("", PLACED_FLOW, PLACED_STATE, "", ended=ended)
        trace = (TraceEntry(PLACED_FLOW, PLACED_STATE, describe_placed_event(event, verdict)),)
        record = CallbackRecord(
            shown, "", call, trace, time.perf_counter() - delivery.started_at, 0.0, False,
            "answered", delivery.at, leg=token,
        )  # fmt: skip
        return Reply(body, record)


def find_begin_fault(program: Program | None, plan: PlacementPlan) -> str:
    """Why the flow of the live release cannot take the call, or "". The release may be younger than
    the plan.
    """
    if program is None or not program.answered:
        return f"no answer begins the flow {plan.flow}"
    try:
        check_inputs(program, plan.data)
    except PlacementRequestError as error:
        return str(error)
    return ""


def read_placed_event(event: CallbackEvent, attempt: int) -> PlacementEvent | None:
    """What a callback says of a placed call; None for what concerns its flow alone."""
    if type(event) is Ice:
        return LegAsked(attempt, event.call_id)
    if type(event) is Ace:
        is_machine = event.amd is not None and event.amd.status == "machine"
        return CalleeAnswered(attempt, event.call_id, is_machine)
    if type(event) is Dice:
        return PlacedCallEnded(attempt, event.call_id, event.result, event.reason)
    return None


def encode_dial(verdict: DialMember, *, asks_who: bool) -> bytes:
    """The answer that rings the callee; with `asks_who` the platform finds out whether a machine
    answers.
    """
    action = build_dial_action(verdict.member, verdict.cli, verdict.seconds)
    if asks_who and isinstance(action, ConnectPstn):
        action = replace(action, amd=AmdOptions(enabled=True, asynchronous=False))
    return encode_svaml((), action)


def describe_placed_event(
    event: CallbackEvent, verdict: DialMember | EndLeg | BeginFlow | None
) -> str:
    """What has become of a placed call, in words for the trace."""
    if isinstance(verdict, DialMember):
        return "rings the callee"
    if isinstance(verdict, EndLeg):
        return "is not wanted any more"
    return _PLACED_END_WORDS.get(event.result, "is over") if type(event) is Dice else "is noted"
