"""Plays a runMenu on a line, from its first prompt to its one result."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

import msgspec

from flowengine.svaml import MAIN_MENU, Menu, RunMenu
from flowengine.switch.clock import Timer
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.sounds import build_prompt_sounds
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_settings import SwitchSettings

MenuResultType = Literal["return", "sequence", "timeout", "invalidinput", "hangup", "error"]
InputMethod = Literal["dtmf", "voice", ""]
_MENU_OPTION_ACTION = re.compile(r"\s*(return|menu)\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL)


class MenuOutcome(msgspec.Struct, frozen=True):
    """How a menu ended: `menuResult` of the PIE callback."""

    menu_id: str
    type: MenuResultType
    value: str = ""
    input_method: InputMethod = ""


class _MenuPlan(msgspec.Struct, frozen=True):
    """One menu, ready to be played. `keys` leads from a key to ("return", value) or ("menu", id)."""

    id: str
    first: tuple[Sound, ...]
    again: tuple[Sound, ...]
    repeats: int
    digits: int
    keys: Mapping[str, tuple[str, str]]
    timeout: float
    voice_timeout: float

    @property
    def offered_keys(self) -> str:
        return "" if self.digits else "".join(self.keys)


_EMPTY_MENU = _MenuPlan(MAIN_MENU, (), (), 0, 0, {}, 0.0, 0.0)


@lru_cache(maxsize=4096)
def _build_plans(action: RunMenu, settings: SwitchSettings) -> Mapping[str, _MenuPlan]:
    return {menu.id: _build_plan(menu, action.locale, settings) for menu in action.menus}


def _build_plan(menu: Menu, locale: str, settings: SwitchSettings) -> _MenuPlan:
    actions = (
        (option.dtmf, _MENU_OPTION_ACTION.fullmatch(option.action)) for option in menu.options
    )
    single = settings.options_with_digits or not menu.max_digits
    return _MenuPlan(
        id=menu.id,
        first=build_prompt_sounds(menu.main_prompt, locale, settings),
        again=build_prompt_sounds(menu.repeat_prompt or menu.main_prompt, locale, settings),
        # no source documents the platform's default (platform notes, 1.2)
        repeats=settings.repeats if menu.repeats is None else menu.repeats,
        digits=menu.max_digits or 0,
        keys={
            key: (match[1].lower(), match[2].strip()) for key, match in actions if match and single
        },
        timeout=menu.timeout_mills / 1000,
        voice_timeout=menu.max_timeout_mills / 1000,
    )


class MenuPlayer:
    """One runMenu. It finishes exactly once, unless it is stopped; jumps between its menus are its
    own affair.

    `on_input` is called whenever input begins to count, with the menu, the keys that lead
    somewhere, how many digits are collected, and whether words count too.
    """

    __slots__ = (
        "_action", "_finish", "_interrupted", "_left", "_limit", "_line", "_on_input", "_over", "_plan", "_plans", "_round", "_said",
        "_sounds", "_timer", "_typed", "_wrong_interrupts",
    )  # fmt: skip

    def __init__(
        self,
        line: AudioLine,
        action: RunMenu,
        settings: SwitchSettings,
        finish: Callable[[MenuOutcome], None],
        on_input: Callable[[str, str, int, bool], None],
    ) -> None:
        self._line, self._action, self._finish, self._on_input = line, action, finish, on_input
        self._plans = _build_plans(action, settings)
        self._wrong_interrupts = settings.wrong_key_interrupts
        self._plan = _EMPTY_MENU
        self._sounds: tuple[Sound, ...] = ()
        self._interrupted = False
        self._left = self._round = 0
        self._typed = self._said = ""
        self._timer: Timer | None = None
        self._limit: Timer | None = None
        self._over = False

    def start(self) -> None:
        """Play the menu that `mainMenu` names; "main" where it names none that is there."""
        name = self._action.main_menu
        self._enter_menu(name if name in self._plans else MAIN_MENU)

    def stop(self) -> None:
        """End without a result, as the call goes elsewhere. A menu that has ended leaves the line
        alone.
        """
        if not self._over:
            self._over = True
            self._stop_prompt()
            self._cancel_speech_limit()
            self._line.listener = None

    def pause(self) -> None:
        """Leave the line to something else: until `resume` no time-out runs, and no input counts."""
        self._interrupted = self._line.playing
        self._stop_prompt()
        self._cancel_speech_limit()
        self._line.listener = None

    def resume(self) -> None:
        """Continue: with the prompt, if that was interrupted, else by waiting anew. Digits that
        were pressed before still count.
        """
        if self._interrupted:
            self._play_prompt(self._sounds)
        else:
            self._line.listener = self
            self._announce_input()
            self._wait_for_input()

    def handle_hangup(self) -> None:
        """End with the result `hangup`."""
        self._end_menu("hangup")

    def handle_key(self, key: str) -> bool:
        """Take a key. Digits are collected up to the last one or `#`; a single key leads somewhere
        or is wrong.
        """
        plan = self._plan
        # whether a wrong key interrupts the prompt is a setting, as no source says
        if self._line.playing and not (plan.digits or key in plan.keys or self._wrong_interrupts):
            return False
        self._stop_prompt()
        if plan.digits and (self._typed or key not in plan.keys):
            self._collect_key(key)
        elif key in plan.keys:
            self._follow_option(*plan.keys[key])
        else:
            self._repeat_prompt("invalidinput", "dtmf")
        return True

    def handle_speech(self, text: str) -> bool:
        """Take words, where the menu has voice input. They are complete after a silence, or when
        they have taken too long.
        """
        if not self._action.enable_voice or self._typed:
            return False
        self._stop_prompt()
        self._said = f"{self._said} {text}".strip()
        self._wait_for_input()
        return True

    def _enter_menu(self, menu: str) -> None:
        plan = self._plans.get(menu)
        if plan is None:
            # a menu(…) that leads nowhere is found only when a key leads there
            self._end_menu("error")
            return
        self._plan, self._left = plan, plan.repeats
        self._play_prompt(plan.first)

    def _play_prompt(self, sounds: tuple[Sound, ...]) -> None:
        """Play a prompt and take input: from its beginning with barge-in, else from its end."""
        self._round += 1
        # a party that hears the prompt may answer at once, inside of play(): then a later round has
        # begun already
        this = self._round
        self._sounds = sounds
        self._typed = self._said = ""
        self._cancel_speech_limit()
        self._line.listener = self if self._action.barge else None
        self._line.play(sounds, self._finish_prompt)
        # the caller who hears it may have answered already
        if self._action.barge and this == self._round and not self._over:
            self._announce_input()

    def _finish_prompt(self) -> None:
        self._wait_for_input()
        if not self._action.barge:
            self._line.listener = self
            self._announce_input()

    def _announce_input(self) -> None:
        self._on_input(
            self._plan.id, self._plan.offered_keys, self._plan.digits, self._action.enable_voice
        )

    def _wait_for_input(self) -> None:
        """Wait for more; words have a limit of their own, counted from the first moment without a
        prompt.
        """
        self._timer = self._line.clock.call_later(self._plan.timeout, self._handle_silence)
        if self._action.enable_voice and not self._typed and self._limit is None:
            self._limit = self._line.clock.call_later(
                self._plan.voice_timeout, self._handle_silence
            )

    def _handle_silence(self) -> None:
        self._stop_prompt()
        if self._typed:
            self._end_menu("sequence", self._typed, "dtmf")
        elif self._said:
            # words come as what a key would have come as
            self._end_menu("sequence" if self._plan.digits else "return", self._said, "voice")
        else:
            self._repeat_prompt("timeout")

    def _collect_key(self, key: str) -> None:
        self._cancel_speech_limit()
        self._typed += "" if key == "#" else key
        if key == "#" or len(self._typed) >= self._plan.digits:
            self._end_menu("sequence", self._typed, "dtmf")
        else:
            self._wait_for_input()

    def _follow_option(self, action: str, target: str) -> None:
        if action == "menu":
            self._enter_menu(target)
        else:
            self._end_menu("return", target, "dtmf")

    def _repeat_prompt(self, result: MenuResultType, method: InputMethod = "") -> None:
        """Repeat the prompt, or give up."""
        if self._left:
            self._left -= 1
            self._play_prompt(self._plan.again)
        else:
            self._end_menu(result, "", method)

    def _stop_prompt(self) -> None:
        self._line.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cancel_speech_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _end_menu(self, result: MenuResultType, value: str = "", method: InputMethod = "") -> None:
        if not self._over:
            self.stop()
            self._finish(MenuOutcome(self._plan.id, result, value, method))
