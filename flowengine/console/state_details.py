"""What a page tells of one state: what its author wrote, what it sends, where it leads, and its
problems.
"""

from collections.abc import Iterable, Iterator

import msgspec

from flowengine.compile import CompiledState, CompileResult, Program
from flowengine.compile.checks.callback_contexts import CONTEXT_NAMES
from flowengine.explanation.flow_explanation import FlowExplanation
from flowengine.explanation.state_preview import StatePreview, preview_state
from flowengine.phone.call_prompt import KEY_EXIT
from flowengine.problems import Problem
from flowengine.states import STATE_KINDS
from flowengine.states.field_types import SPECIAL_TARGETS


class SourceLine(msgspec.Struct, frozen=True):
    """A line of a file; `problems` are those that begin in it."""

    number: int
    text: str
    problems: tuple[Problem, ...]


class StateLink(msgspec.Struct, frozen=True):
    """An exit of a state, or of another one into it: `state` is the other end. `callback` is what
    the platform sends in between, "" where the call goes on at once.
    """

    state: str
    label: str
    callback: str = ""


class StateDetails(msgspec.Struct, frozen=True):
    """All that the page of a state shows but scenarios."""

    flow: str
    name: str
    kind: str
    title: str
    file: str
    lines: tuple[SourceLine, ...]
    entered: tuple[str, ...]
    exits: tuple[StateLink, ...]
    origins: tuple[StateLink, ...]
    preview: StatePreview | None
    callee: str
    problems: tuple[Problem, ...]


def describe_state(
    compiled: CompileResult, explanation: FlowExplanation | None, flow: str, name: str
) -> StateDetails:
    """The details of a state that the flow has. Without an explanation, which flows with errors
    have none of, it is not told what the state sends.
    """
    program = compiled.programs[flow]
    state = program.states[name]
    lines = tuple(list_source_lines(program, state, compiled.problems))
    known = explanation.entered.get((flow, name), ()) if explanation else ()
    return StateDetails(
        flow=flow,
        name=name,
        kind=state.kind,
        title=STATE_KINDS[state.kind].title if state.kind in STATE_KINDS else state.kind,
        file=program.document.file,
        lines=lines,
        entered=tuple(CONTEXT_NAMES[way] for way in known),
        exits=tuple(list_exits(state)),
        origins=tuple(list_origins(program, name)),
        preview=preview_shown_state(explanation, flow, name) if explanation else None,
        callee=state.verb.entered_flow,
        problems=tuple(dict.fromkeys(one for line in lines for one in line.problems)),
    )


def preview_shown_state(explanation: FlowExplanation, flow: str, name: str) -> StatePreview | None:
    """What the state sends. The flows of the explanation have none of the secrets that those of the
    pages may be compiled with.
    """
    program = explanation.release.programs.get(flow)
    if program is None:
        return None
    known = explanation.entered.get((flow, name), ())
    return preview_state(explanation.release, program, program.states[name], known)


def list_source_lines(
    program: Program, state: CompiledState, problems: Iterable[Problem]
) -> Iterator[SourceLine]:
    """The lines of the state in its file, without what stands behind it."""
    document = program.document
    first = document.find_key_span(state.path).line
    last = max(first, document.find_span(state.path).end_line)
    texts = document.text.split("\n")[first - 1 : last]
    while len(texts) > 1 and (not texts[-1].strip() or texts[-1].lstrip().startswith("#")):
        texts.pop()
    found: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.span.file == document.file:
            found.setdefault(problem.span.line, []).append(problem)
    margin = min((len(text) - len(text.lstrip()) for text in texts if text.strip()), default=0)
    for number, text in enumerate(texts, first):
        yield SourceLine(number, text[margin:].rstrip(), tuple(found.get(number, ())))


def list_exits(state: CompiledState) -> Iterator[StateLink]:
    for name, target in state.exits.items():
        callbacks = " or ".join(
            name_callback(via, name) for via in target.contexts if via != "same"
        )
        yield StateLink(target.state, target.label or name, callbacks)
    for key, leads in state.verb.key_targets.items():
        if leads in SPECIAL_TARGETS:
            yield StateLink("", f"key {key}: {leads}")
    if state.error:
        yield StateLink(state.error, "when something fails")


def name_callback(context: str, exit_name: str) -> str:
    """What comes before an exit is taken. Silence ends a question, too: but for the exits of keys,
    and for the way on with an input.
    """
    name = CONTEXT_NAMES[context]
    is_pressed = exit_name.startswith(KEY_EXIT) or exit_name == "next"
    return f"{name} or silence" if context == "pie" and not is_pressed else name


def list_origins(program: Program, name: str) -> Iterator[StateLink]:
    """What leads to the state: ways into the flow, and exits of other states."""
    yield from (
        StateLink("", entry) for entry, first in program.list_entries().items() if first == name
    )
    for state in program.states.values():
        for exit_name, target in state.exits.items():
            if target.state == name:
                yield StateLink(state.name, target.label or exit_name)
