"""Answering machine detection: what is found at the other end of a call that was just answered, and
when that is known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flowengine.svaml import Amd
from flowengine.switch.clock import Clock, Timer
from flowengine.switch.settings import Settings
from flowengine.switch.world import Behaviour

_LATEST = 5.0
"""ACE waits no longer than this for synchronous detection"""
_REASONS = {"human": "n/a", "machine": "longgreeting", "notsure": "initialsilence"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`amd` of ACE and of notifications; `duration` counts whole seconds from the answer."""

    status: Literal["machine", "human", "notsure", "hangup", "inprogress"]
    reason: str = "n/a"
    duration: int = 0


class Detection:
    """Detection on one leg, begun at its answer. `ready` is told what ACE says, and that it is time
    for it.

    Asynchronous detection lets ACE go at once, and notifies of the verdict ("amd") and of a
    machine's beep ("amd_beep").
    """

    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        behaviour: Behaviour,
        amd: Amd,
        ready: Callable[[Verdict], None],
        notify: Callable[[Literal["amd", "amd_beep"], Verdict], None],
    ) -> None:
        self._clock, self._behaviour, self._ready, self._notify = clock, behaviour, ready, notify
        self._asynchronous = amd.asynchronous
        self._seconds = (
            settings.amd_seconds if amd.asynchronous else min(settings.amd_seconds, _LATEST)
        )
        self._timers: list[Timer] = []
        self._begun = clock.now()
        self._listening = False

    def start(self) -> None:
        """Begin, as the leg has been answered."""
        self._begun, self._listening = self._clock.now(), True
        self._timers = [self._clock.later(self._seconds, self._found)]
        if not self._asynchronous:
            return
        if self._behaviour.who == "machine":
            self._timers.append(self._clock.later(self._behaviour.beep_after, self._beeped))
        self._ready(Verdict("inprogress"))

    def hung_up(self) -> None:
        """Nobody is there any more; what was to be notified before that is."""
        for timer in self._timers:
            timer.cancel()
        if self._asynchronous and self._listening:
            self._notify("amd", Verdict("hangup", "n/a", self._passed()))
        self._listening = False

    def _found(self) -> None:
        self._listening = False
        who = self._behaviour.who
        beeped = who == "machine" and self._behaviour.beep_after <= self._seconds
        verdict = Verdict(who, "beep" if beeped else _REASONS[who], self._passed())
        if self._asynchronous:
            self._notify("amd", verdict)
        else:
            self._ready(verdict)

    def _beeped(self) -> None:
        self._notify("amd_beep", Verdict("machine", "beep", self._passed()))

    def _passed(self) -> int:
        return int((self._clock.now() - self._begun).total_seconds())
