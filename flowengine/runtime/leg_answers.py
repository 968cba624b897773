"""Answers the callbacks of legs: calls to members, which an orchestration has placed. No flow runs for
them.
"""

import logging
import time
from collections.abc import Callable

from msgspec.structs import replace

from flowengine.orchestration.leg_messages import encode_verdict, read_leg_event
from flowengine.orchestration.turn import (
    AskMember,
    DialMember,
    EndLeg,
    JoinRoom,
    LegEnded,
    Verdict,
)
from flowengine.runtime.call_state import Call
from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.cookie import Codec
from flowengine.runtime.delivery import CallbackDelivery, Reply
from flowengine.runtime.leg_token import LEG_TOKEN_PREFIX, LegToken, parse_leg_token
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestrations import Orchestrations
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.runtime.token_rows import save_token_row
from flowengine.sinch import CallbackEvent, Dice, Ice, Pie
from flowengine.sinch.callback_events import CallTarget
from flowengine.storage.sessions import SavedCall, Store, StoreError
from flowengine.svaml import Hangup, encode_svaml

LEG_FLOW, LEG_STATE = "ring", "leg"  # in place of a flow and its state, in the journal
_LEG_ROW_PREFIX = LEG_TOKEN_PREFIX.encode()  # no state of a call begins so
_NO_ANSWER, _HANG_UP = encode_svaml((), None), encode_svaml((), Hangup())
MANAGER_HANGUP_REASON = "managerhangup"  # a request has ended the call
_END_WORDS = {
    "busy": "the member is busy",
    "noanswer": "the member did not answer",
    "failed": "the member could not be reached",
    "answered": "the member hung up",
}
log = logging.getLogger(__name__)


def is_leg_row(saved: SavedCall) -> bool:
    """Whether the stored call is a leg."""
    return saved.state.startswith(_LEG_ROW_PREFIX)


class LegAnswers:
    """Recognises legs by the token in their `custom` text. The first callback of a leg saves it, as
    later ones may lack the text.
    """

    def __init__(
        self,
        store: Store,
        orchestrations: Orchestrations,
        codec: Codec,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._orchestrations = orchestrations
        self._codec = codec
        self._clock = clock
        self._log_once = LogOnce(log)

    async def answer_leg(self, delivery: CallbackDelivery) -> Reply | None:
        """The reply to a callback with a token; None where the token is not one of ours."""
        token = parse_leg_token(self._codec, delivery.event.custom)
        if token is None:
            return None
        reply = await self._take_turn(delivery, token)
        if type(delivery.event) is Ice:
            await save_token_row(self._store, delivery, reply, self._log_once)
        return reply

    async def answer_saved_leg(self, delivery: CallbackDelivery, saved: SavedCall) -> Reply:
        """The reply to a callback that has no token, of a leg that was saved."""
        token = parse_leg_token(self._codec, saved.state.decode(errors="replace"))
        if token is None:  # the key has changed
            return self._build_reply(delivery, EndLeg(), "", None)
        return await self._take_turn(delivery, token)

    async def _take_turn(self, delivery: CallbackDelivery, token: LegToken) -> Reply:
        """Take the turn. Deliveries that come again need no log here: a turn gives the same verdict
        again, unless the ring has gone on without this leg.
        """
        event, delivery.at = read_leg_event(delivery.event, token.attempt), self._clock()
        if event is None:
            return self._build_reply(delivery, None, "", token)
        try:
            verdict, room, *_ = await self._orchestrations.take_turn(token.orchestration, event)
        except StoreError as error:
            self._log_once.error("legs are hung up: %s", error)
            if type(event) is LegEnded:
                self._orchestrations.missed_ends.set()
            verdict, room = EndLeg(), ""
        except Exception:  # a member is on the line
            log.exception("callback of leg %s failed", delivery.event.call_id)
            verdict, room = EndLeg(), ""
        return self._build_reply(delivery, verdict, room, token)

    def _build_reply(
        self,
        delivery: CallbackDelivery,
        verdict: Verdict | None,
        room: str,
        token: LegToken | None,
    ) -> Reply:
        event = delivery.event
        body = encode_verdict(verdict) if verdict else _NO_ANSWER
        if verdict is None and event.is_awaited:
            body = _HANG_UP
        ended = type(event) is Dice or type(verdict) is EndLeg
        call = Call("", LEG_FLOW, LEG_STATE, "", ended=ended)
        trace = (TraceEntry(LEG_FLOW, LEG_STATE, describe_leg_event(event, verdict)),)
        shown = replace(event, custom="", conference_id=room)  # the record names the leg in clear
        if type(shown) is Ice and type(verdict) is DialMember and not shown.to.endpoint:
            shown = replace(shown, to=CallTarget(verdict.member.kind, verdict.member.address))
        record = CallbackRecord(
            shown, "", call, trace, time.perf_counter() - delivery.started_at, 0.0, False,
            "answered", delivery.at, leg=token,
        )  # fmt: skip
        return Reply(body, record)


def describe_leg_event(event: CallbackEvent, verdict: Verdict | None) -> str:
    """What has become of a leg, in words for the trace."""
    match verdict:
        case DialMember():
            return "rings the member"
        case AskMember():
            return "the member picked up, and is asked"
        case JoinRoom():
            return "the member takes the call"
        case EndLeg(words=words):
            if words:
                return "too late, another member has the call"
            return "the member does not take the call" if type(event) is Pie else "nobody waits"
        case None:
            return describe_end(event) if type(event) is Dice else "is noted"


def describe_end(event: Dice) -> str:
    """How a leg has ended, in words."""
    if event.reason == MANAGER_HANGUP_REASON:
        return "was hung up by the server"
    return _END_WORDS.get(event.result, "is over")
