"""Carries out instructions in order: each prompt ends before the next instruction begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from flowengine.svaml import (
    Answer,
    AnyInstruction,
    PlayFiles,
    ReportCallStatus,
    Say,
    SendDtmf,
    SetCookie,
    StartRecording,
    StopRecording,
)
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.media.sounds import build_sounds


class InstructionPlayer:
    """Carries out a list of instructions on one leg (None: nobody hears them), then calls a
    continuation.
    """

    __slots__ = ("_call", "_left", "_leg", "_over", "_then")

    def __init__(
        self,
        call: SwitchCall,
        leg: Leg | None,
        instructions: Iterable[AnyInstruction],
        then: Callable[[], None],
    ) -> None:
        self._call, self._leg, self._left, self._then = call, leg, deque(instructions), then
        self._over = False

    def start(self) -> None:
        """Carry out instructions until one plays something, or all are done."""
        # `_over` may change inside: an instruction can end the call
        while self._left and not self._over:
            item = self._left.popleft()
            if isinstance(item, Say | PlayFiles):
                if self._leg is not None and self._leg.state != "gone":
                    self._leg.line.play(build_sounds(item, self._call.switch.settings), self.start)
                    return
            else:
                self._carry_out(item)
        if not self._over:
            self._over = True
            self._then()

    @property
    def is_over(self) -> bool:
        """Whether everything was carried out, or it was stopped."""
        return self._over

    def insert(self, instructions: Iterable[AnyInstruction]) -> None:
        """Carry these out before the rest."""
        # extendleft turns the order round
        self._left.extendleft(reversed(tuple(instructions)))

    def stop(self) -> None:
        """Leave the rest undone."""
        self._over = True
        if self._leg is not None:
            self._leg.line.stop()

    def _carry_out(
        self,
        item: Answer | SendDtmf | SetCookie | StartRecording | StopRecording | ReportCallStatus,
    ) -> None:
        call = self._call
        if isinstance(item, SetCookie):
            call.set_cookie(item.key, item.value)
        elif isinstance(item, Answer):
            call.answer()
        elif isinstance(item, SendDtmf):
            call.send_tones(item.value)
        elif isinstance(item, StartRecording):
            call.start_recording(item.options)
        elif isinstance(item, StopRecording):
            call.stop_recording()


def play_instructions(
    call: SwitchCall,
    leg: Leg | None,
    instructions: Iterable[AnyInstruction],
    then: Callable[[], None],
) -> None:
    """Carry out instructions as the call's current activity, then go on."""
    call.player = player = InstructionPlayer(call, leg, instructions, then)
    player.start()
