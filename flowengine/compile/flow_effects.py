"""What a flow does to the flows that it uses: how calls come to them, and what it takes from them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from flowengine.compile.checks import prompt_sizes
from flowengine.compile.checks.call_facts import CallFacts, get_locale_transfer
from flowengine.compile.checks.call_paths import FlowPaths, FlowUse
from flowengine.compile.checks.cookie_size import measure_program
from flowengine.compile.checks.speech_budget import NO_SPEECH, SpeechByState, add_speech
from flowengine.compile.checks.unheard_events import find_event_sources
from flowengine.compile.program import CompiledState, Program

SPEECH_MEASURES = (prompt_sizes.count_characters, prompt_sizes.count_parts)


class UseEffects(msgspec.Struct, frozen=True, array_like=True):
    """How calls come from a flow to one that it uses. `facts` are the bits of all facts that may hold
    then, as hexadecimal digits; `contexts` are the callbacks under which they come, and `events` what
    the flow reports and hears. `sizes` are the most that was said before, in characters and in
    prompts, and the bytes of the cookie.
    """

    facts: str = "0"
    contexts: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (0, 0, 0)

    def unite_with(self, other: "UseEffects") -> "UseEffects":
        return UseEffects(
            f"{int(self.facts, 16) | int(other.facts, 16):x}",
            tuple(sorted({*self.contexts, *other.contexts})),
            tuple(sorted({*self.events, *other.events})),
            tuple(map(max, self.sizes, other.sizes)),
        )

    def has_kinds_of(self, other: "UseEffects") -> bool:
        """Whether both are alike but for the sizes."""
        return (self.facts, self.contexts, self.events) == (
            other.facts,
            other.contexts,
            other.events,
        )


class CallRecords(msgspec.Struct, frozen=True):
    """What a compilation has found of calls, by flow."""

    facts: Mapping[str, CallFacts] = msgspec.field(default_factory=dict)
    paths: Mapping[FlowUse, FlowPaths] = msgspec.field(default_factory=dict)
    speech: Mapping[tuple[str, str], SpeechByState] = msgspec.field(default_factory=dict)

    @classmethod
    def from_found(cls, found: Mapping[str, Mapping[Any, Any]]) -> "CallRecords":
        return cls(found["call facts"], found["walk"], found["speech before"])


def list_effects(
    program: Program, records: CallRecords, incoming: frozenset[str]
) -> dict[str, UseEffects]:
    """The effects of a flow by the flows that it uses, or goes over to."""
    found: dict[str, UseEffects] = {}
    if not program.linking_states:
        return found
    events = list_events(program, incoming)
    paths = records.paths.get(FlowUse(program.flow, ""))
    for state in program.linking_states:
        callee = state.verb.entered_flow
        contexts = sorted(use.context for use in paths.calls if use.flow == callee) if paths else ()
        effects = UseEffects(
            f"{find_entering_facts(program, state, records):x}",
            tuple(contexts),
            events,
            measure_sizes(program, state, records),
        )
        known = found.get(callee)
        found[callee] = known.unite_with(effects) if known else effects
    return found


def find_entering_facts(program: Program, state: CompiledState, records: CallRecords) -> int:
    facts = records.facts.get(program.flow)
    if facts is None:
        return 0
    here = facts.facts_by_state.get(state.name, 0)
    return get_locale_transfer(program, state, facts.locales).apply_to(here)


def measure_sizes(
    program: Program, state: CompiledState, records: CallRecords
) -> tuple[int, int, int]:
    characters, parts = (
        add_speech(
            state,
            records.speech.get((program.flow, measure.__name__), {}).get(state.name, NO_SPEECH),
            measure,
        ).size
        for measure in SPEECH_MEASURES
    )
    return characters, parts, program.compute_once(measure_program).calling.get(state.name, 0)


def list_events(program: Program, incoming: frozenset[str]) -> tuple[str, ...]:
    """What a flow reports and hears while a call is in a flow that it uses."""
    sources = program.compute_once(find_event_sources)
    named = {
        "answered": program.answered,
        "incoming": program.flow in incoming,
        "keys": sources.keys,
        "pressed": program.pressed,
        "records": sources.records,
        "transcribes": sources.transcribes,
    }
    return tuple(name for name, holds in named.items() if holds)


def can_change_nothing(before: UseEffects, now: UseEffects, *, ends_here: bool) -> bool:
    """Whether a flow without problems has none either by these effects: nothing comes that did not
    come before, and nothing that came is missing. `ends_here` says that it uses no other flow, for
    which sizes would count, too.
    """
    if before == now:
        return True
    return ends_here and before.has_kinds_of(now) and all(map(int.__ge__, before.sizes, now.sizes))
