"""The read-back of a collect: its prompt, and the meaning of its answers."""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec
from msgspec import UnsetType

from flowengine.sinch import Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.prompt import CompiledPrompt, Prompt, join_prompts
from flowengine.states.spoken_input import (
    NO,
    YES,
    fold_phrases,
    is_spoken,
    read_answer,
    read_digits,
)
from flowengine.states.step_context import StepContext
from flowengine.svaml import Menu as WireMenu
from flowengine.svaml import MenuOption as WireOption

_ANSWERS_BY_KEY = {"1": YES, "2": NO}
READ_BACK_CHOICES: Final = {"1": "right", "2": "again"}


class AuthoredReadBack(Protocol):
    """The authored part of a question that reads its input back."""

    @property
    def confirm(self) -> Prompt | UnsetType: ...
    @property
    def hear_yes(self) -> list[str] | UnsetType: ...
    @property
    def hear_no(self) -> list[str] | UnsetType: ...


class ReadBack(msgspec.Struct, frozen=True):
    """A compiled read-back. `keys` work everywhere in the flow; `yes` and `no` are the author's
    words, folded.
    """

    prompt: CompiledPrompt
    keys: tuple[str, ...]
    yes: frozenset[str]
    no: frozenset[str]
    timeout: int

    def build_menu(self, run: StepContext) -> WireMenu:
        keys = {**_ANSWERS_BY_KEY, **dict(zip(self.keys, self.keys, strict=True))}
        return WireMenu(
            id="main",
            main_prompt=join_prompts([self.prompt], run),
            repeats=0,
            timeout_mills=self.timeout,
            options=tuple(
                WireOption(dtmf=key, action=f"return({value})") for key, value in keys.items()
            ),
        )

    def interpret_answer(self, run: StepContext, event: Pie) -> str:
        """Yes, no, a key that works everywhere, or what was said instead."""
        said = event.value.strip()
        # a key comes back as what `return()` says
        if said in (YES, NO, *self.keys) or not is_spoken(event):
            return said
        if answer := read_answer(said, run.locale, self.yes, self.no):
            return answer
        key = read_digits(said, run.locale)
        return _ANSWERS_BY_KEY.get(key, key or said)


def compile_read_back(
    builder: StateBuilder,
    path: KeyPath,
    authored: AuthoredReadBack,
    keys: Mapping[str, str],
    timeout: int,
) -> ReadBack | None:
    """The read-back that an author asked for; None without one."""
    prompt = builder.compile_embedded_prompt((*path, "confirm"), authored.confirm, late=True)
    if prompt is None:
        return None
    defaults = builder.context.defaults
    return ReadBack(
        prompt,
        tuple(keys),
        fold_phrases(authored.hear_yes or defaults.get("hear_yes", ())),
        fold_phrases(authored.hear_no or defaults.get("hear_no", ())),
        timeout,
    )
