"""The acts that a party does by itself, one after the other."""

import re
from functools import partial
from typing import Protocol

from flowengine.switch.clock import Clock, Timer
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_setup import Act, Behaviour


class ScriptActor(Protocol):
    """The end of the line that carries out the acts."""

    asking: bool

    def press(self, keys: str) -> bool: ...

    def say(self, text: str) -> bool: ...

    def hang_up(self) -> None: ...


class Script:
    """Acts in order. Each waits for its event, then for its delay."""

    __slots__ = ("_actor", "_behaviour", "_clock", "_heard", "_left", "_timer", "_waiting")

    def __init__(self, clock: Clock, actor: ScriptActor, behaviour: Behaviour) -> None:
        self._clock, self._actor, self._behaviour = clock, actor, behaviour
        self._left = list(behaviour.acts)
        self._heard: list[str] = []
        self._waiting: Act | None = None
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin with the first act."""
        if not self._left:
            return
        act = self._left.pop(0)
        if act.until:
            self._waiting = act
            self._check_condition()
        else:
            self._schedule(act)

    def stop(self) -> None:
        """Leave the remaining acts undone."""
        self._left, self._waiting = [], None
        if self._timer is not None:
            self._timer.cancel()

    def handle_sound(self, sound: Sound) -> None:
        """Take note of a sound on the line."""
        end = self._behaviour.hangs_up_at
        # before the acts: a party that hangs up does nothing more
        if end and re.search(end, sound.text, re.IGNORECASE):
            self.stop()
            self._timer = self._clock.call_later(0.0, self._actor.hang_up)
        elif self._waiting is not None or self._left:
            self._heard.append(sound.text)
            self._check_condition()

    def handle_menu_waiting(self) -> None:
        """Take note of a menu that waits for input."""
        self._check_condition()

    def _check_condition(self) -> None:
        act = self._waiting
        if act is not None and self._has_happened(act.until):
            self._waiting = None
            self._schedule(act)

    def _has_happened(self, what: str) -> bool:
        """Whether the event was heard since the act before was triggered, or a menu waits right
        now.
        """
        if what == "asked":
            return self._actor.asking
        for at, text in enumerate(self._heard):
            if re.search(what, text, re.IGNORECASE):
                # what came before cannot trigger a later act
                del self._heard[: at + 1]
                return True
        return False

    def _schedule(self, act: Act) -> None:
        self._timer = self._clock.call_later(act.after, partial(self._perform, act))

    def _perform(self, act: Act) -> None:
        if act.do == "press":
            self._actor.press(act.value)
        elif act.do == "say":
            self._actor.say(act.value)
        elif act.do == "hang up":
            self._actor.hang_up()
        self.start()
