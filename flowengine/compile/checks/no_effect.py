"""What an author wrote, and what does nothing: options that have no part in the state, steps that
nothing sees, branches that are never taken.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from flowengine.compile.checks.call_facts import (
    CALL_ENDED,
    CALL_RECORDED,
    CONFERENCE_KEYS,
    NOTICES,
    CallFacts,
    find_chosen_locales,
)
from flowengine.compile.checks.unheard_events import get_key_options
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import EvalError
from flowengine.limits import FETCH_MARGIN_SECONDS
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states.assign import CompiledSet
from flowengine.states.choose import CompiledChoose
from flowengine.states.collect import CompiledCollect
from flowengine.states.connect import CompiledConnect
from flowengine.states.fetch import CompiledFetch
from flowengine.states.menu import CompiledMenu
from flowengine.states.split import CompiledSplit

SIDE_EVENTS = CONFERENCE_KEYS | NOTICES | CALL_ENDED  # events that leave the call in its place
RETRY_PROMPT_KEYS = ("again", "no_input", "no_match", "invalid")
NoEffect = tuple[KeyPath, str, str]  # below the state: where, why it does nothing, what to do


def check(known: CallFacts, deadline: float) -> Iterator[Problem]:
    program = known.program
    for state in program.states.values():
        for path, message, hint in find_no_effects(known, state, deadline):
            yield Problem(
                "FE936", program.document.find_key_span((*state.path, *path)), message, hint
            )


def find_no_effects(known: CallFacts, state: CompiledState, deadline: float) -> Iterator[NoEffect]:
    program, verb = known.program, state.verb
    yield from find_idle_preamble(known, state)
    if isinstance(verb, CompiledSet):
        yield from find_unread_values(known, state, verb)
    elif isinstance(verb, CompiledChoose):
        yield from find_dead_choices(verb)
    elif isinstance(verb, CompiledSplit):
        yield from find_empty_shares(verb)
    elif isinstance(verb, CompiledMenu | CompiledCollect):
        yield from find_idle_options(program, state, verb)
    elif isinstance(verb, CompiledConnect):
        yield from find_idle_keys(program, state)
    elif isinstance(verb, CompiledFetch):
        yield from find_cut_timeout(program, state, verb, deadline)


def find_idle_preamble(known: CallFacts, state: CompiledState) -> Iterator[NoEffect]:
    first, here = state.preamble, known.facts_by_state.get(state.name, 0)
    if first and first.stop and here and not here & CALL_RECORDED:
        yield (
            ("record",),
            "nothing is recorded here, so nothing stops",
            "remove it, or start a recording before by `record: {to: …}`",
        )
    locale = first.locale.constant if first and first.locale else None
    idle = locale and here and known.list_locales_before(state) == [locale]
    if idle and not has_locale_changes(known.program):
        hint = "remove it, or choose another locale"
        yield ("locale",), f"the call speaks {locale} already", hint


def has_locale_changes(program: Program) -> bool:
    """Whether any state chooses another locale than the flow's: then each may name its own."""
    found = [state.preamble.locale for state in program.states.values() if state.preamble]
    return any(
        find_chosen_locales(template, program) != [program.locale] for template in found if template
    )


def find_unread_values(
    known: CallFacts, state: CompiledState, verb: CompiledSet
) -> Iterator[NoEffect]:
    """Values that no state reads before they are overwritten; FE902 tells of those that none reads."""
    program = known.program
    later = {target.state for target in state.exits.values()} | {state.error}
    later |= {program.answered, program.pressed, program.ended, *program.notified.values()}
    needed = frozenset().union(*(program.entry_reads.get(name, frozenset()) for name in later))
    if known.can_hold(state.name, SIDE_EVENTS):  # the call goes on where it waits
        needed = needed.union(*program.live.values())
    for item in verb.assignments:
        name = f"vars.{item.variable.name}"
        if name not in needed and is_read(program, name):
            yield (
                ("set", item.variable.name),
                f"no state that follows reads {item.variable.name}",
                "remove it, or set it where it is read after",
            )


def is_read(program: Program, name: str) -> bool:
    return any(name in state.reads or name in state.late_reads for state in program.states.values())


def find_dead_choices(verb: CompiledChoose) -> Iterator[NoEffect]:
    seen: dict[str, int] = {}
    for index, (condition, _) in enumerate(verb.branches[:-1]):
        text = " ".join(condition.text.split()) if condition else ""
        if text in seen:
            yield (
                ("choose", index),
                f"this is the condition of entry {seen[text] + 1}, which is taken first",
                "remove it, or ask for something else",
            )
        seen.setdefault(text, index)
        if condition and not condition.names and "tables." not in text:
            always = evaluate_constant(condition.evaluate)
            if always is not None:
                yield (
                    ("choose", index),
                    f"this condition is {'always' if always else 'never'} true",
                    "compare a value of the call, or remove it",
                )


def evaluate_constant(evaluate: Any) -> bool | None:
    try:
        return bool(evaluate({}))
    except EvalError:
        return None


def find_empty_shares(verb: CompiledSplit) -> Iterator[NoEffect]:
    before = 0.0
    for index, (bound, _) in enumerate(verb.bounds):
        if bound <= before:
            yield (
                ("split", index),
                "no caller is sent here: its share is 0%",
                "give it a share, or remove it",
            )
        before = max(before, bound)


def find_idle_options(
    program: Program, state: CompiledState, verb: CompiledMenu | CompiledCollect
) -> Iterator[NoEffect]:
    authored = program.document.get_value((*state.path, state.kind))
    if "voice_timeout" in authored and not verb.question.accepts_voice:
        cure = "add `hear:` to an option" if state.kind == "menu" else "add `voice: true`"
        yield (
            (state.kind, "voice_timeout"),
            "nobody can speak here, so nothing is waited for",
            f"{cure}, or remove it",
        )
    for name in RETRY_PROMPT_KEYS if verb.question.attempts == 1 else ():
        if name in authored:
            yield (
                (state.kind, name),
                "the question is asked only once, so nobody hears this",
                "allow more attempts, or remove it",
            )
    for name in RETRY_PROMPT_KEYS if verb.question.attempts > 1 else ():
        words = authored.get(name)
        each = words.get("each") if isinstance(words, dict) else None
        if each and len(each) > verb.question.attempts - 1:
            last = verb.question.attempts - 1
            yield (
                (state.kind, name, "each", last),
                f"after {verb.question.attempts} attempts the call goes on, so nobody hears this",
                "allow more attempts, or remove it",
            )


def find_idle_keys(program: Program, state: CompiledState) -> Iterator[NoEffect]:
    options: Mapping[str, Any] = get_key_options(program, state)
    for name in ("max", "timeout") if options and options.get("mode") != "detect" else ():
        if name in options:
            yield (
                ("connect", "keys", name),
                f"keys are not counted in `mode: {options['mode']}`",
                "remove it, or use `mode: detect`",
            )


def find_cut_timeout(
    program: Program, state: CompiledState, verb: CompiledFetch, deadline: float
) -> Iterator[NoEffect]:
    most = deadline - FETCH_MARGIN_SECONDS
    if verb.timeout > most and "timeout" in program.document.get_value((*state.path, "fetch")):
        yield (
            ("fetch", "timeout"),
            f"a lookup is cut off after {most:g}s, as the platform waits {deadline:g}s for an answer",
            f"write `timeout: {most:g}s` or less",
        )
