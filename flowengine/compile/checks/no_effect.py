"""Options, steps and branches without any effect."""

from collections.abc import Iterator

from flowengine.compile.checks.call_facts import (
    CALL_ENDED,
    CALL_RECORDED,
    CONFERENCE_KEYS,
    NOTICES,
    CallFacts,
    find_chosen_locales,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem
from flowengine.states import STATE_KINDS, NoEffect

SIDE_EVENTS = CONFERENCE_KEYS | NOTICES | CALL_ENDED  # events that leave the call in its place


def check(facts: CallFacts, deadline: float) -> Iterator[Problem]:
    program = facts.program
    for state in program.states.values():
        for path, message, hint in find_no_effects(facts, state, deadline):
            yield Problem(
                "FE936", program.document.find_key_span((*state.path, *path)), message, hint
            )


def find_no_effects(facts: CallFacts, state: CompiledState, deadline: float) -> Iterator[NoEffect]:
    yield from find_idle_preamble(facts, state)
    yield from find_unread_values(facts, state)
    if state.kind in STATE_KINDS:
        authored = facts.program.document.get_value((*state.path, state.kind))
        for found in state.verb.find_no_effects(authored, deadline):
            yield found._replace(path=(state.kind, *found.path))


def find_idle_preamble(facts: CallFacts, state: CompiledState) -> Iterator[NoEffect]:
    first, here = state.preamble, facts.facts_by_state.get(state.name, 0)
    if first and first.stop and here and not here & CALL_RECORDED:
        yield NoEffect(
            ("record",),
            "nothing is recorded here, so nothing stops",
            "remove it, or start a recording before by `record: {to: …}`",
        )
    locale = first.locale.constant if first and first.locale else None
    idle = locale and here and facts.list_locales_before(state) == [locale]
    if idle and not has_locale_changes(facts.program):
        hint = "remove it, or choose another locale"
        yield NoEffect(("locale",), f"the call speaks {locale} already", hint)


def has_locale_changes(program: Program) -> bool:
    """Whether any state chooses another locale than the flow's: then each may name its own."""
    found = [state.preamble.locale for state in program.states.values() if state.preamble]
    return any(
        find_chosen_locales(template, program) != [program.locale] for template in found if template
    )


def find_unread_values(facts: CallFacts, state: CompiledState) -> Iterator[NoEffect]:
    """Values that are set and that no state reads before they are overwritten. FE902 reports
    variables that no state reads at all.
    """
    if not state.assignments:
        return
    program = facts.program
    later = {target.state for target in state.exits.values()} | {state.error}
    later |= {program.answered, program.answered_by_machine, program.pressed, program.ended}
    later |= {*program.notified.values()}
    needed = frozenset().union(*(program.entry_reads.get(name, frozenset()) for name in later))
    if facts.can_hold(state.name, SIDE_EVENTS):  # the call goes on where it waits
        needed = needed.union(*program.live.values())
    needed = needed.union(state.other_reads, state.late_reads)
    for item in state.list_set_values():
        name = f"vars.{item.variable.name}"
        if name not in needed and is_read(program, name):
            yield NoEffect(
                item.path,
                f"no state that follows reads {item.variable.name}",
                "remove it, or set it where it is read after",
            )


def is_read(program: Program, name: str) -> bool:
    return any(name in state.reads or name in state.late_reads for state in program.states.values())
