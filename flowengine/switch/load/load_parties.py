"""Callers, and the members whom a server has called for them, on one switch in real time."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from time import perf_counter
from typing import Final

from flowengine.switch.calls.leg import Leg
from flowengine.switch.exchange import Exchange
from flowengine.switch.load.load_report import LoadCounter
from flowengine.switch.load.simulated_caller import MAX_PRESSED_KEYS, choose_keys
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    CallEnded,
    LegJoined,
    LegRinging,
    MenuListening,
    Role,
    SwitchEvent,
)

PATIENCE_SECONDS: Final = 90.0  # until a caller has had enough
KEY_PRESS_SECONDS: Final = (0.5, 2.0)  # until somebody presses a key
PICK_UP_SECONDS: Final = (1.0, 4.0)
MEETING_SECONDS: Final = (3.0, 8.0)
BUSY_SHARE: Final = 0.1
DECLINING_SHARE: Final = 0.1
ABSENT_SHARE: Final = 0.1  # who lets it ring; all others answer
QUIET_SECONDS: Final = 30.0  # how long calls may take to end after the last caller has left


class LoadParties:
    """Everybody at the ends of lines. Callers press what menus offer and talk when they are
    connected; members are busy, decline, let it ring or answer, press what they are asked for, and
    hang up after a while.
    """

    def __init__(
        self, exchange: Exchange, counter: LoadCounter, random: Random, talk: Sequence[str]
    ) -> None:
        self._exchange = exchange
        self._counter = counter
        self._random = random
        self._talk = talk
        self._callers: dict[str, asyncio.Event] = {}
        self._legs = set[str]()
        self._quiet = asyncio.Event()
        self._pressed: dict[str, int] = {}
        self._asked: dict[tuple[str, str], float] = {}
        exchange.subscribe(self._handle_event)

    async def place_call(self, to: str) -> None:
        """Make a call, until it has ended."""
        number = f"+1555{self._random.randrange(10_000_000):07}"
        call = self._exchange.dial(caller=number, to=to)
        self._callers[call.id] = ended = asyncio.Event()
        patience = (PATIENCE_SECONDS, PATIENCE_SECONDS)
        self._act_later(call.id, patience, Leg.hang_up, "caller")
        await ended.wait()
        self._counter.count_call(call.ended)

    async def wait_for_the_end(self) -> None:
        """Wait until all calls that the server has placed have ended, and all reports are answered."""
        self._note_whether_quiet()
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_SECONDS):
                await self._quiet.wait()
        self._counter.count_unended_legs(len(self._legs))

    def _note_whether_quiet(self) -> None:
        if self._asked or self._legs:
            self._quiet.clear()
        else:
            self._quiet.set()

    def _handle_event(self, event: SwitchEvent) -> None:
        match event:
            case CallbackSent():
                self._asked[event.call, event.event] = perf_counter()
                if event.event == "ice" and event.call not in self._callers:
                    self._legs.add(event.call)
            case AnswerReceived():
                begun = self._asked.pop((event.call, event.event), None)
                if begun is not None:
                    self._counter.count_callback(event.event, perf_counter() - begun)
                self._counter.count_answer(event)
            case LegRinging():
                self._decide_ringing(event)
            case MenuListening():
                press = partial(self._press_keys, event)
                self._act_later(event.call, KEY_PRESS_SECONDS, press, event.role)
            case LegJoined():
                self._handle_joined(event)
            case CallEnded():
                self._handle_end(event)
        self._note_whether_quiet()

    def _decide_ringing(self, event: LegRinging) -> None:
        """What becomes of a phone that rings."""
        chance = self._random.random()
        if event.kind == "stream":
            self._act_later(event.call, (0.0, 0.0), Leg.answer)
        elif chance < BUSY_SHARE:
            self._act_later(event.call, (0.0, 0.5), partial(Leg.reject, reason="busy"))
        elif chance < BUSY_SHARE + DECLINING_SHARE:
            self._act_later(event.call, PICK_UP_SECONDS, Leg.reject)
        elif chance < 1 - ABSENT_SHARE:
            self._act_later(event.call, PICK_UP_SECONDS, Leg.answer)

    def _act_later(
        self,
        call_id: str,
        seconds: tuple[float, float],
        act: Callable[[Leg], object],
        role: Role = "callee",
    ) -> None:
        """Have one end of a call do something, unless it is gone then. A call without a callee has
        one end only.
        """
        call = self._exchange.calls[call_id]

        def perform() -> None:
            callee = call.callee if role == "callee" else None
            leg = callee if callee is not None else call.caller or call.callee
            if call.ended is None and leg is not None:
                act(leg)

        self._exchange.clock.call_later(self._random.uniform(*seconds), perform)

    def _handle_joined(self, event: LegJoined) -> None:
        """A member talks for a while; so does a caller who is connected to somebody. A caller in a
        conference, or parked, may wait there for a member, who ends the talk.
        """
        if event.call not in self._callers or event.kind not in {"conference", "park"}:
            self._act_later(event.call, MEETING_SECONDS, Leg.hang_up)

    def _handle_end(self, event: CallEnded) -> None:
        self._pressed.pop(event.call, None)
        caller = self._callers.pop(event.call, None)
        if caller is not None:
            caller.set()
        else:
            self._legs.discard(event.call)
            self._counter.count_placed(event)

    def _press_keys(self, menu: MenuListening, leg: Leg) -> None:
        pressed = self._pressed[menu.call] = self._pressed.get(menu.call, 0) + 1
        if pressed > MAX_PRESSED_KEYS:
            leg.hang_up()
        elif keys := self._choose_keys(menu, pressed - 1):
            leg.press(keys)

    def _choose_keys(self, menu: MenuListening, pressed: int) -> str:
        if self._talk and menu.call in self._callers:
            return self._talk[pressed] if pressed < len(self._talk) else ""
        return choose_keys(menu, self._random)
