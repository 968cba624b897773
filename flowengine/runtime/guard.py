"""The last look at an answer: what a caller typed or a lookup brought may be longer than the
platform speaks.

Mistakes of an author are problems at load. Here only what nobody could know then is mended, and
only where it may be needed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.limits import MAX_PROMPT_PARTS, MAX_TTS_TOTAL
from flowengine.states.move import Said, Sent
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
    violations,
)
from flowengine.svaml import prompt as wire
from flowengine.svaml.encode import read_action, read_instruction
from flowengine.svaml.menus import heard

_MOST_KNOWN = 4096
Size = tuple[int, int]  # spoken characters and prompt parts, never fewer than there are
NOTHING: Size = (0, 0)
_known: dict[
    int, tuple[Size, msgspec.Raw]
] = {}  # each beside what it is the size of, so that no other gets that identity
UNSURE: Size = (
    MAX_TTS_TOTAL + 1,
    0,
)  # addresses made in the call, and recordings, always get the closer look


def surely_legal(said: Sequence[Said], action: Sent) -> bool:
    """Whether lengths alone show that nothing can be wrong. It is quick, and errs towards a closer
    look.
    """
    characters, parts = size(action)
    for item in said:
        more = size(item)
        characters += more[0]
        parts += more[1]
    return characters <= MAX_TTS_TOTAL and parts <= MAX_PROMPT_PARTS


def size(item: Said | Sent) -> Size:
    measure = _MEASURES.get(type(item))
    return NOTHING if measure is None else measure(item)


def known_size(item: msgspec.Raw) -> Size:
    """What was encoded at load is the same for every call, and known by its identity: some
    kilobytes take long to compare.
    """
    known = _known.get(id(item))
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[id(item)] = (
            size(msgspec.json.decode(item, type=AnyAction | AnyInstruction)),
            item,
        )
    return known[0]


def asked(action: RunMenu | Park) -> Size:
    found = [listed(prompt) for prompt in prompts(action)]
    return sum(one[0] for one in found), sum(one[1] for one in found)


def listed(prompt: str) -> Size:
    return UNSURE if "://" in prompt else (len(prompt), prompt.count(";") + 1)


_MEASURES: Mapping[type, Callable[[Any], Size]] = {
    msgspec.Raw: known_size,
    Say: lambda say: (len(say.text), 1),
    PlayFiles: lambda play: listed(";".join(play.ids)),
    StartRecording: lambda _: UNSURE,
    RunMenu: asked,
    Park: asked,
}


def prompts(action: RunMenu | Park) -> list[str]:
    if isinstance(action, Park):
        return [action.intro_prompt, action.hold_prompt]
    return [
        text for menu in heard(action) for text in (menu.main_prompt, menu.repeat_prompt) if text
    ]


def mend(
    context: str, said: tuple[Said, ...], action: Sent
) -> tuple[tuple[Said, ...], Sent] | None:
    """The very same answer where it is legal; else a shorter one. None where nothing helps."""
    if not violations(context, said, action):
        return said, action
    allowance = Allowance()
    shorter = allowance.action(read_action(action))
    kept = [item for item in map(read_instruction, said) if not ignored(item, shorter)]
    instructions = tuple(item for item in map(allowance.instruction, kept) if item is not None)
    return None if violations(context, instructions, shorter) else (instructions, shorter)


def ignored(item: Instruction, action: Action) -> bool:
    """The platform records no leg of an app."""
    return isinstance(item, StartRecording) and isinstance(action, ConnectMxp)


class Allowance:
    """What is left of what the platform takes in one answer. The action comes first: a caller must
    hear the question.
    """

    def __init__(self) -> None:
        self.characters = MAX_TTS_TOTAL
        self.parts = MAX_PROMPT_PARTS

    def action(self, action: Action) -> Action:
        if isinstance(action, RunMenu):
            return self.menus(action)
        if isinstance(action, Park):
            return replace(
                action,
                intro_prompt=self.prompt(action.intro_prompt),
                hold_prompt=self.prompt(action.hold_prompt),
            )
        return action

    def menus(self, action: RunMenu) -> RunMenu:
        """The namesake of the main menu says the same words, and only one of the two is heard."""
        first, *inner = action.menus
        mended = self.menu(first)
        others = [
            replace(mended, id=menu.id) if menu.id == action.main_menu else self.menu(menu)
            for menu in inner
        ]
        return replace(action, menus=(mended, *others))

    def menu(self, menu: Menu) -> Menu:
        return replace(menu, main_prompt=self.prompt(menu.main_prompt), repeat_prompt="")

    def prompt(self, prompt: str) -> str:
        return wire.join(part for part in map(self.part, wire.split(prompt)) if part)

    def part(self, part: str) -> str:
        """A part within the allowance, or nothing."""
        if self.parts <= 0 or (
            "://" in part and wire.url_problem(part.removeprefix("#href[").removesuffix("]"))
        ):
            return ""
        self.parts -= 1
        if part.startswith("#tts["):
            words = self.words(wire.spoken_text(part))
            return wire.tts(words) if words.strip() else ""
        return self.markup(part)

    def markup(self, part: str) -> str:
        """Audio says nothing; markup cannot be cut in the middle, so it is said whole or not at
        all.
        """
        spoken = len(wire.spoken_text(part))
        if spoken > self.characters:
            return ""
        self.characters -= spoken
        return part

    def words(self, text: str) -> str:
        """The text, cut between words where it is too long."""
        if len(text) > self.characters:
            text = text[: self.characters].rpartition(" ")[0]
        self.characters -= len(text)
        return text

    def instruction(self, item: Instruction) -> Instruction | None:
        if isinstance(item, Say):
            if self.parts <= 0 or not (text := self.words(item.text)).strip():
                return None
            self.parts -= 1
            return replace(item, text=text)
        if isinstance(item, PlayFiles):
            ids = tuple(part for part in map(self.part, item.ids) if part)
            return replace(item, ids=ids) if ids else None
        return item
