"""Answering machine detection: the verdict on an answered leg, and when it is known."""

from collections.abc import Callable
from typing import Literal

import msgspec

from flowengine.svaml import AmdOptions
from flowengine.switch.clock import Clock, Timer
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour

_MAX_SYNCHRONOUS_SECONDS = 5.0
"""ACE waits no longer than this for synchronous detection"""
_REASONS = {"human": "n/a", "machine": "longgreeting", "notsure": "initialsilence"}


class AmdVerdict(msgspec.Struct, frozen=True):
    """`amd` of ACE and of notifications; `duration` counts whole seconds from the answer."""

    status: Literal["machine", "human", "notsure", "hangup", "inprogress"]
    reason: str = "n/a"
    duration: int = 0


class MachineDetection:
    """Detection on one leg, begun at its answer. `on_ready` is called with what ACE says, when it
    is time for ACE.

    Asynchronous detection lets ACE go at once, and notifies of the verdict ("amd") and of a
    machine's beep ("amd_beep").
    """

    def __init__(
        self,
        clock: Clock,
        settings: SwitchSettings,
        behaviour: Behaviour,
        amd: AmdOptions,
        on_ready: Callable[[AmdVerdict], None],
        notify: Callable[[Literal["amd", "amd_beep"], AmdVerdict], None],
    ) -> None:
        self._clock, self._behaviour, self._on_ready, self._notify = (
            clock,
            behaviour,
            on_ready,
            notify,
        )
        self._asynchronous = amd.asynchronous
        self._seconds = (
            settings.amd_seconds
            if amd.asynchronous
            # the callee hears nothing until ACE, so synchronous detection is cut off
            else min(settings.amd_seconds, _MAX_SYNCHRONOUS_SECONDS)
        )
        self._timers: list[Timer] = []
        self._begun = clock.now()
        self._listening = False

    def start(self) -> None:
        """Begin, as the leg has answered."""
        self._begun, self._listening = self._clock.now(), True
        self._timers = [self._clock.call_later(self._seconds, self._report_verdict)]
        if not self._asynchronous:
            return
        if self._behaviour.who == "machine":
            self._timers.append(
                self._clock.call_later(self._behaviour.beep_after, self._report_beep)
            )
        # last: the answer to ACE may end the leg, and with it the timers
        self._on_ready(AmdVerdict("inprogress"))

    def handle_hangup(self) -> None:
        """End, as the leg has hung up, after sending the notifications that were due."""
        for timer in self._timers:
            timer.cancel()
        if self._asynchronous and self._listening:
            self._notify("amd", AmdVerdict("hangup", "n/a", self._compute_elapsed_seconds()))
        self._listening = False

    def _report_verdict(self) -> None:
        self._listening = False
        who = self._behaviour.who
        beeped = who == "machine" and self._behaviour.beep_after <= self._seconds
        verdict = AmdVerdict(
            who, "beep" if beeped else _REASONS[who], self._compute_elapsed_seconds()
        )
        if self._asynchronous:
            self._notify("amd", verdict)
        else:
            self._on_ready(verdict)

    def _report_beep(self) -> None:
        self._notify("amd_beep", AmdVerdict("machine", "beep", self._compute_elapsed_seconds()))

    def _compute_elapsed_seconds(self) -> int:
        return int((self._clock.now() - self._begun).total_seconds())
