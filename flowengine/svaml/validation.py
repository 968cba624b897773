"""Where SVAML is legal, and what is wrong with an answer before the platform finds out in the
middle of a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from flowengine import limits
from flowengine.svaml.actions import Action
from flowengine.svaml.element_checks import (
    find_action_faults,
    find_instruction_fault,
    get_wire_name,
    list_prompts,
)
from flowengine.svaml.encode import read_action, read_instruction
from flowengine.svaml.instructions import Instruction, PlayFiles, Say, SetCookie
from flowengine.svaml.prompt_notation import extract_spoken_text

_PROMPTS = frozenset({"say", "playFiles"})
_COMMON_INSTRUCTIONS = _PROMPTS | {"setCookie", "startRecording", "stopRecording"}
_NOTHING: frozenset[str] = frozenset()

LEGAL_ACTIONS: Mapping[str, frozenset[str]] = {
    "ice": frozenset(
        {
            "hangup",
            "connectPstn",
            "connectMxp",
            "connectConf",
            "connectSip",
            "connectStream",
            "runMenu",
            "park",
        }
    ),
    "ace": frozenset({"hangup", "continue", "connectConf", "runMenu"}),
    "pie": frozenset({"hangup", "continue", "connectPstn", "connectConf", "connectSip", "runMenu"}),
    "dice": frozenset({"hangup"}),
    "notify": _NOTHING,
}
LEGAL_INSTRUCTIONS: Mapping[str, frozenset[str]] = {
    "ice": _COMMON_INSTRUCTIONS | {"sendDtmf", "answer"},
    "ace": _COMMON_INSTRUCTIONS,
    "pie": _COMMON_INSTRUCTIONS | {"sendDtmf"},
    "dice": frozenset({"reportCallStatus"}),
    "notify": _NOTHING,
}
_NEEDS_ACTION = frozenset({"ice", "ace", "pie"})


def find_violations(
    context: str,
    instructions: Sequence[Instruction | msgspec.Raw],
    action: Action | msgspec.Raw | None,
) -> list[str]:
    """Everything that the platform would refuse, cut or ignore in this answer to a `context`
    callback
    """
    said = [read_instruction(item) for item in instructions]
    done = None if action is None else read_action(action)
    return [
        *_find_illegal_parts(context, said, done),
        *_check_instructions(said),
        *_check_action(done),
        *_check_totals(said, done),
    ]


def _find_illegal_parts(
    context: str, instructions: list[Instruction], action: Action | None
) -> Iterator[str]:
    for item in instructions:
        if get_wire_name(item) not in LEGAL_INSTRUCTIONS[context]:
            yield f"{get_wire_name(item)} is not allowed in an answer to {context}"
    if action is None:
        if context in _NEEDS_ACTION:
            yield f"an answer to {context} needs an action"
    elif get_wire_name(action) not in LEGAL_ACTIONS[context]:
        yield f"{get_wire_name(action)} is not allowed in an answer to {context}"
    elif get_wire_name(action) == "connectMxp" and any(
        get_wire_name(item) == "startRecording" for item in instructions
    ):
        yield "startRecording is ignored together with connectMxp"


def _check_instructions(instructions: list[Instruction]) -> Iterator[str]:
    for item in instructions:
        if fault := find_instruction_fault(item):
            yield f"{get_wire_name(item)}: {fault}"


def _check_action(action: Action | None) -> Iterator[str]:
    if action is not None:
        yield from (f"{get_wire_name(action)}: {fault}" for fault in find_action_faults(action))


def _list_prompt_parts(instructions: list[Instruction], action: Action | None) -> list[str]:
    played = [part for item in instructions if isinstance(item, PlayFiles) for part in item.ids]
    return played + [part for prompt in (list_prompts(action) if action else ()) for part in prompt]


def _check_totals(instructions: list[Instruction], action: Action | None) -> Iterator[str]:
    parts = _list_prompt_parts(instructions, action)
    says = [item.text for item in instructions if isinstance(item, Say)]
    if len(parts) + len(says) > limits.MAX_PROMPT_PARTS:
        yield f"{len(parts) + len(says)} prompt parts; an answer may hold {limits.MAX_PROMPT_PARTS}"
    spoken = sum(map(len, says)) + sum(len(extract_spoken_text(part)) for part in parts)
    if spoken > limits.MAX_TTS_TOTAL:
        yield f"{spoken} spoken characters; an answer may hold {limits.MAX_TTS_TOTAL}"
    yield from _check_cookies([item for item in instructions if isinstance(item, SetCookie)])


def _check_cookies(cookies: list[SetCookie]) -> Iterator[str]:
    if len({cookie.key for cookie in cookies}) > limits.MAX_COOKIES:
        yield "more than one cookie"
    size = sum(len(cookie.key.encode()) + len(cookie.value.encode()) for cookie in cookies)
    if size > limits.MAX_COOKIE_BYTES:
        yield f"cookies of {size} bytes; the platform keeps {limits.MAX_COOKIE_BYTES}"
