"""Where SVAML is legal, and what is wrong with an answer before the platform finds out in the
middle of a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from flowengine import limits
from flowengine.svaml.actions import Action
from flowengine.svaml.checks import action_faults, instruction_fault, name_of, prompts_of
from flowengine.svaml.encode import read_action, read_instruction
from flowengine.svaml.instructions import Instruction, PlayFiles, Say, SetCookie
from flowengine.svaml.prompt import spoken_text

_PROMPTS = frozenset({"say", "playFiles"})
_ANYWHERE = _PROMPTS | {"setCookie", "startRecording", "stopRecording"}
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
    "ice": _ANYWHERE | {"sendDtmf", "answer"},
    "ace": _ANYWHERE,
    "pie": _ANYWHERE | {"sendDtmf"},
    "dice": frozenset({"reportCallStatus"}),
    "notify": _NOTHING,
}
_NEEDS_ACTION = frozenset({"ice", "ace", "pie"})


def violations(
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
        *_illegal(context, said, done),
        *_instruction_faults(said),
        *_action_faults(done),
        *_sums(said, done),
    ]


def _illegal(context: str, said: list[Instruction], done: Action | None) -> Iterator[str]:
    for item in said:
        if name_of(item) not in LEGAL_INSTRUCTIONS[context]:
            yield f"{name_of(item)} is not allowed in an answer to {context}"
    if done is None:
        if context in _NEEDS_ACTION:
            yield f"an answer to {context} needs an action"
    elif name_of(done) not in LEGAL_ACTIONS[context]:
        yield f"{name_of(done)} is not allowed in an answer to {context}"
    elif name_of(done) == "connectMxp" and any(name_of(item) == "startRecording" for item in said):
        yield "startRecording is ignored together with connectMxp"


def _instruction_faults(said: list[Instruction]) -> Iterator[str]:
    for item in said:
        if fault := instruction_fault(item):
            yield f"{name_of(item)}: {fault}"


def _action_faults(done: Action | None) -> Iterator[str]:
    if done is not None:
        yield from (f"{name_of(done)}: {fault}" for fault in action_faults(done))


def _sums(said: list[Instruction], done: Action | None) -> Iterator[str]:
    parts = [part for item in said if isinstance(item, PlayFiles) for part in item.ids]
    parts += [part for prompt in (prompts_of(done) if done else ()) for part in prompt]
    says = [item.text for item in said if isinstance(item, Say)]
    if len(parts) + len(says) > limits.MAX_PROMPT_PARTS:
        yield f"{len(parts) + len(says)} prompt parts; an answer may hold {limits.MAX_PROMPT_PARTS}"
    spoken = sum(map(len, says)) + sum(len(spoken_text(part)) for part in parts)
    if spoken > limits.MAX_TTS_TOTAL:
        yield f"{spoken} spoken characters; an answer may hold {limits.MAX_TTS_TOTAL}"
    yield from _cookies([item for item in said if isinstance(item, SetCookie)])


def _cookies(cookies: list[SetCookie]) -> Iterator[str]:
    if len({cookie.key for cookie in cookies}) > limits.MAX_COOKIES:
        yield "more than one cookie"
    size = sum(len(cookie.key.encode()) + len(cookie.value.encode()) for cookie in cookies)
    if size > limits.MAX_COOKIE_BYTES:
        yield f"cookies of {size} bytes; the platform keeps {limits.MAX_COOKIE_BYTES}"
