"""Comparisons of `call.failed_state` with a name that no state has which can fail before."""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.event_values import find_compared_words
from flowengine.compile.checks.program_graph import find_components, list_flow_links
from flowengine.compile.program import Program
from flowengine.problems import Problem, quote_value, suggest_name
from flowengine.source import Document, KeyPath
from flowengine.states.state_results import FAILED_STATE_FACT

NO_STATE_HINT = "write the name of a state of this flow, or of one that calls come from or go to"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    """`programs` are all that are linked with each other: a call keeps the name of the state that
    failed when it goes from one to another.
    """
    reading = [one for one in programs.values() if FAILED_STATE_FACT in one.document.text]
    if not reading:
        return
    groups = find_linked_groups(programs)
    for program in reading:
        states = sorted({name for one in groups[program.flow] for name in programs[one].states})
        for path, offset, word in find_compared_states(program.document):
            if word and word not in states:
                span = program.document.find_inner_span(path, offset, len(word) + 2)
                message = f"{FAILED_STATE_FACT} is never {quote_value(word)}"
                yield Problem("FE315", span, message, suggest_name(word, states) or NO_STATE_HINT)


def find_linked_groups(programs: Mapping[str, Program]) -> dict[str, list[str]]:
    """By flow: all flows that are linked with it by whatever way, itself among them."""
    both: dict[str, set[str]] = {name: set() for name in programs}
    for name, states in list_flow_links(programs).items():
        for state in states:
            both[name].add(state.verb.entered_flow)
            both[state.verb.entered_flow].add(name)
    return {name: group for group in find_components(both) for name in group}


def find_compared_states(document: Document) -> Iterator[tuple[KeyPath, int, str]]:
    """Each text that a flow compares with the name of the failed state: path, offset, text."""
    return find_compared_words(document, FAILED_STATE_FACT)
