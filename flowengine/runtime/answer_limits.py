"""Fits an answer to the limits of the platform before the server sends it.

The values of a call (what a caller typed, what a lookup returned) may make a text longer than the
platform speaks. Texts that are too long as the author wrote them are problems at load, so this
module changes only answers that such values made too long.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.limits import MAX_PROMPT_PARTS, MAX_TTS_TOTAL
from flowengine.states.state_results import ActionToSend, InstructionToSend
from flowengine.svaml import (
    Action,
    AnyAction,
    AnyInstruction,
    ConnectMxp,
    Instruction,
    Menu,
    Park,
    PlayFiles,
    RunMenu,
    Say,
    StartRecording,
    find_violations,
)
from flowengine.svaml import prompt_notation as wire
from flowengine.svaml.encode import read_action, read_instruction
from flowengine.svaml.menu_checks import list_reachable_menus

_MAX_CACHED_SIZES = 4096
SpokenSize = tuple[int, int]  # upper bounds: spoken characters and prompt parts
EMPTY_SIZE: SpokenSize = (0, 0)
# each entry keeps its object alive, so that no other object gets the same identity
_cached_sizes: dict[int, tuple[SpokenSize, msgspec.Raw]] = {}
# an address with a value of the call, and a recording, always need the full check
UNKNOWN_SIZE: SpokenSize = (MAX_TTS_TOTAL + 1, 0)


def fits_by_length(instructions: Sequence[InstructionToSend], action: ActionToSend) -> bool:
    """Whether lengths alone show that the answer is within the limits. The check is quick; a False
    only means that the full check must decide.
    """
    characters, parts = estimate_size(action)
    for item in instructions:
        more = estimate_size(item)
        characters += more[0]
        parts += more[1]
    return characters <= MAX_TTS_TOTAL and parts <= MAX_PROMPT_PARTS


def estimate_size(item: InstructionToSend | ActionToSend) -> SpokenSize:
    known = _cached_sizes.get(id(item))
    if known is not None:
        return known[0]
    measure = _MEASURES.get(type(item))
    return EMPTY_SIZE if measure is None else measure(item)


def measure_encoded_item(item: msgspec.Raw) -> SpokenSize:
    """The size of an item that was encoded at load. Such an item is the same object for every call,
    so its identity is the key of its size: comparing some kilobytes would take long.
    """
    size = estimate_size(msgspec.json.decode(item, type=AnyAction | AnyInstruction))
    if len(_cached_sizes) >= _MAX_CACHED_SIZES:
        _cached_sizes.clear()
    _cached_sizes[id(item)] = size, item
    return size


def estimate_prompts_size(action: RunMenu | Park) -> SpokenSize:
    found = [estimate_prompt_size(prompt) for prompt in list_prompts(action)]
    return sum(one[0] for one in found), sum(one[1] for one in found)


def estimate_prompt_size(prompt: str) -> SpokenSize:
    return UNKNOWN_SIZE if "://" in prompt else (len(prompt), prompt.count(";") + 1)


_MEASURES: Mapping[type, Callable[[Any], SpokenSize]] = {
    msgspec.Raw: measure_encoded_item,
    Say: lambda say: (len(say.text), 1),
    PlayFiles: lambda play: estimate_prompt_size(";".join(play.ids)),
    StartRecording: lambda _: UNKNOWN_SIZE,
    RunMenu: estimate_prompts_size,
    Park: estimate_prompts_size,
}


def list_prompts(action: RunMenu | Park) -> list[str]:
    if isinstance(action, Park):
        return [action.intro_prompt, action.hold_prompt]
    return [
        text
        for menu in list_reachable_menus(action)
        for text in (menu.main_prompt, menu.repeat_prompt)
        if text
    ]


def fit_to_limits(
    context: str, said: tuple[InstructionToSend, ...], action: ActionToSend
) -> tuple[tuple[InstructionToSend, ...], ActionToSend] | None:
    """The same answer where the platform takes it, else a shortened one; None where shortening does
    not help.
    """
    if fits_by_length(said, action) or not find_violations(context, said, action):
        return said, action
    allowance = SpeechBudget()
    shorter = allowance.fit_action(read_action(action))
    kept = [item for item in map(read_instruction, said) if not is_ignored(item, shorter)]
    instructions = tuple(item for item in map(allowance.fit_instruction, kept) if item is not None)
    return None if find_violations(context, instructions, shorter) else (instructions, shorter)


def is_ignored(item: Instruction, action: Action) -> bool:
    """Whether the platform ignores this instruction: it records no leg of an app."""
    return isinstance(item, StartRecording) and isinstance(action, ConnectMxp)


class SpeechBudget:
    """The characters and prompt parts that one answer may still use. The action is fitted before
    the instructions, because a caller must hear the question.
    """

    def __init__(self) -> None:
        self.remaining_characters = MAX_TTS_TOTAL
        self.remaining_parts = MAX_PROMPT_PARTS

    def fit_action(self, action: Action) -> Action:
        if isinstance(action, RunMenu):
            return self.fit_menus(action)
        if isinstance(action, Park):
            return replace(
                action,
                intro_prompt=self.fit_prompt(action.intro_prompt),
                hold_prompt=self.fit_prompt(action.hold_prompt),
            )
        return action

    def fit_menus(self, action: RunMenu) -> RunMenu:
        """Fit the menus. A copy of the main menu says the same words and counts once, as the caller
        hears one of the two.
        """
        first, *inner = action.menus
        mended = self.fit_menu(first)
        others = [
            replace(mended, id=menu.id) if menu.id == action.main_menu else self.fit_menu(menu)
            for menu in inner
        ]
        return replace(action, menus=(mended, *others))

    def fit_menu(self, menu: Menu) -> Menu:
        return replace(menu, main_prompt=self.fit_prompt(menu.main_prompt), repeat_prompt="")

    def fit_prompt(self, prompt: str) -> str:
        return wire.join_prompt(
            part for part in map(self.fit_part, wire.split_prompt(prompt)) if part
        )

    def fit_part(self, part: str) -> str:
        """The part of a prompt, shortened to what is left of the budget, or ""."""
        if self.remaining_parts <= 0 or (
            "://" in part and wire.find_url_problem(part.removeprefix("#href[").removesuffix("]"))
        ):
            return ""
        self.remaining_parts -= 1
        if part.startswith("#tts["):
            words = self.fit_words(wire.extract_spoken_text(part))
            return wire.format_tts(words) if words.strip() else ""
        return self.fit_markup(part)

    def fit_markup(self, part: str) -> str:
        """Audio has no characters. Markup cannot be cut in the middle, so a text with markup is
        spoken in full or left out.
        """
        spoken = len(wire.extract_spoken_text(part))
        if spoken > self.remaining_characters:
            return ""
        self.remaining_characters -= spoken
        return part

    def fit_words(self, text: str) -> str:
        """The text, cut between words where it is too long."""
        if len(text) > self.remaining_characters:
            text = text[: self.remaining_characters].rpartition(" ")[0]
        self.remaining_characters -= len(text)
        return text

    def fit_instruction(self, item: Instruction) -> Instruction | None:
        if isinstance(item, Say):
            if self.remaining_parts <= 0 or not (text := self.fit_words(item.text)).strip():
                return None
            self.remaining_parts -= 1
            return replace(item, text=text)
        if isinstance(item, PlayFiles):
            ids = tuple(part for part in map(self.fit_part, item.ids) if part)
            return replace(item, ids=ids) if ids else None
        return item
