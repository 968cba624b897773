"""What the platform allows in the answer to each callback, in the words of an author."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flowengine.compile.program import CompiledState
from flowengine.problems import one_of
from flowengine.svaml import LEGAL_ACTIONS, LEGAL_INSTRUCTIONS

DONE = frozenset({"done"})
NOTHING: frozenset[str] = frozenset()
ACTIONS: Mapping[str, frozenset[str]] = {
    **LEGAL_ACTIONS,
    "dice": LEGAL_ACTIONS["dice"] | DONE,
    "notify": LEGAL_ACTIONS["notify"] | DONE,
    "keys": LEGAL_ACTIONS["notify"] | DONE,
}
INSTRUCTIONS: Mapping[str, frozenset[str]] = {
    **LEGAL_INSTRUCTIONS,
    "keys": LEGAL_INSTRUCTIONS["notify"],
}
WHEN = {
    "ice": "on an incoming call",
    "ace": "after an answer",
    "pie": "after a key press",
    "notify": "on a notice",
    "dice": "after the end of the call",
    "keys": "on keys in a conference",
}
WORDS = {
    "connectPstn": "call a phone",
    "connectSip": "call a SIP address",
    "connectMxp": "call an app user",
    "connectConf": "join a conference",
    "connectStream": "open an audio stream",
    "runMenu": "ask the caller",
    "park": "hold the call",
    "continue": "let the call go on",
    "hangup": "hang up",
    "done": "be done without an answer",
    "say": "speak",
    "playFiles": "play audio",
    "sendDtmf": "send keys",
    "answer": "answer the call",
    "startRecording": "start recording",
    "stopRecording": "stop recording",
    "reportCallStatus": "report on the call",
}
KEYS = {
    "sendDtmf": "dtmf",
    "playFiles": "say",
    "startRecording": "record",
    "stopRecording": "record",
    "reportCallStatus": "report",
}
EARLIER = frozenset({"connectMxp", "connectStream", "park", "answer"})
SILENT = frozenset({"notify", "dice", "keys"})


class Fault(NamedTuple):
    """Something that a state does where it cannot; `key` is where the author wrote it."""

    code: str
    key: str
    message: str
    hint: str


def faults(state: CompiledState, context: str) -> Iterator[Fault]:
    for action in sorted(state.verb.actions - ACTIONS[context]):
        yield fault("FE401", state, state.kind, action, context, ACTIONS)
    sent = state.preamble.instructions if state.preamble else NOTHING
    for instruction in sorted(sent - INSTRUCTIONS[context]):
        yield fault(
            "FE402", state, KEYS.get(instruction, instruction), instruction, context, INSTRUCTIONS
        )
    if "startRecording" in sent and "connectMxp" in state.verb.actions:
        message = f"{state.name} starts recording, but the platform ignores that where an app user is called"
        yield Fault(
            "FE907",
            "record",
            message,
            "record in a state before this one, or connect to a phone or a SIP address",
        )


def fault(
    code: str,
    state: CompiledState,
    key: str,
    name: str,
    context: str,
    legal: Mapping[str, frozenset[str]],
) -> Fault:
    return Fault(
        code, key, f"{state.name} cannot {WORDS[name]} {WHEN[context]}", cure(name, context, legal)
    )


def cure(name: str, context: str, legal: Mapping[str, frozenset[str]]) -> str:
    """Where it is possible, and what to write instead."""
    where = f"only possible {one_of(WHEN[place] for place in legal if name in legal[place])}"
    if context in SILENT:
        return f"{where}; an event can set, choose and fetch, and ends with done:"
    if name == "continue":
        return f"{where}; connect the caller first"
    return f"{where}; lead there before the first question" if name in EARLIER else where
