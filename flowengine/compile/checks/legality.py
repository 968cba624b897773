"""What the platform allows in the answer to each callback, in the words of an author."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flowengine.compile.program import CompiledState
from flowengine.problems import join_with_or
from flowengine.states.verb import CALL_OTHERS, CALL_OTHERS_CONTEXTS
from flowengine.svaml import LEGAL_ACTIONS, LEGAL_INSTRUCTIONS

DONE_ACTION = frozenset({"done"})
NO_INSTRUCTIONS: frozenset[str] = frozenset()
LEGAL_ACTIONS_BY_CONTEXT: Mapping[str, frozenset[str]] = {
    **LEGAL_ACTIONS,
    **{name: LEGAL_ACTIONS[name] | {CALL_OTHERS} for name in CALL_OTHERS_CONTEXTS},
    "dice": LEGAL_ACTIONS["dice"] | DONE_ACTION,
    "notify": LEGAL_ACTIONS["notify"] | DONE_ACTION,
    "keys": LEGAL_ACTIONS["notify"] | DONE_ACTION,
}
LEGAL_INSTRUCTIONS_BY_CONTEXT: Mapping[str, frozenset[str]] = {
    **LEGAL_INSTRUCTIONS,
    "keys": LEGAL_INSTRUCTIONS["notify"],
}
CONTEXT_PHRASES = {
    "ice": "on an incoming call",
    "ace": "after an answer",
    "pie": "after a key press",
    "notify": "on a notice",
    "dice": "after the end of the call",
    "keys": "on keys in a conference",
}
ACTION_PHRASES = {
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
    CALL_OTHERS: "have others called",
    "say": "speak",
    "playFiles": "play audio",
    "sendDtmf": "send keys",
    "answer": "answer the call",
    "startRecording": "start recording",
    "stopRecording": "stop recording",
    "reportCallStatus": "report on the call",
}
KEYS_BY_INSTRUCTION = {
    "sendDtmf": "dtmf",
    "playFiles": "say",
    "startRecording": "record",
    "stopRecording": "record",
    "reportCallStatus": "report",
}
EARLY_ACTIONS = frozenset({"connectMxp", "connectStream", "park", "answer"})
UNANSWERED_CONTEXTS = frozenset({"notify", "dice", "keys"})


class IllegalPlace(NamedTuple):
    """Something that a state does where it cannot; `key` is where the author wrote it."""

    code: str
    key: str
    message: str
    hint: str


def find_illegal_places(state: CompiledState, context: str) -> Iterator[IllegalPlace]:
    for action in sorted(state.verb.actions - LEGAL_ACTIONS_BY_CONTEXT[context]):
        yield build_illegal_place(
            "FE401", state, state.kind, action, context, LEGAL_ACTIONS_BY_CONTEXT
        )
    sent = state.preamble.instructions if state.preamble else NO_INSTRUCTIONS
    for instruction in sorted(sent - LEGAL_INSTRUCTIONS_BY_CONTEXT[context]):
        yield build_illegal_place(
            "FE402",
            state,
            KEYS_BY_INSTRUCTION.get(instruction, instruction),
            instruction,
            context,
            LEGAL_INSTRUCTIONS_BY_CONTEXT,
        )
    # the platform ignores it there (platform notes, 1.1)
    if "startRecording" in sent and "connectMxp" in state.verb.actions:
        message = f"{state.name} starts recording, but the platform ignores that where an app user is called"
        yield IllegalPlace(
            "FE907",
            "record",
            message,
            "record in a state before this one, or connect to a phone or a SIP address",
        )


def build_illegal_place(
    code: str,
    state: CompiledState,
    key: str,
    name: str,
    context: str,
    legal: Mapping[str, frozenset[str]],
) -> IllegalPlace:
    return IllegalPlace(
        code,
        key,
        f"{state.name} cannot {ACTION_PHRASES[name]} {CONTEXT_PHRASES[context]}",
        format_hint(name, context, legal),
    )


def format_hint(name: str, context: str, legal: Mapping[str, frozenset[str]]) -> str:
    """Where the action is possible, and what to write instead."""
    where = f"only possible {join_with_or(CONTEXT_PHRASES[place] for place in legal if name in legal[place])}"
    if context in UNANSWERED_CONTEXTS:
        return f"{where}; an event can set, choose and fetch, and ends with done:"
    if name == "continue":
        return f"{where}; connect the caller first"
    return f"{where}; lead there before the first question" if name in EARLY_ACTIONS else where
