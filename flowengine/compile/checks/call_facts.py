"""Facts that may hold when a call comes to a state: the event that it reports, its locale, its
origin, whether it is recorded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

import msgspec

from flowengine.compile.checks.dataflow import (
    FAILED_OUTCOME,
    UNCHANGED,
    FlowTransfers,
    PathCall,
    PathEdge,
    PathGraph,
    Transfer,
    compute_transfers,
)
from flowengine.compile.checks.program_graph import (
    list_entered_flows,
    list_flow_links,
    order_by_entry,
    order_by_use,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Template, find_whole_expression
from flowengine.model import AuthoredProject, CompileCache
from flowengine.model.project_file import Route
from flowengine.states.field_types import LOCALE_PATTERN
from flowengine.states.verb import ConditionalExit

# facts are bits of an integer: uniting and comparing sets of them is most of the work
REACHABLE: Final = 1  # a call may come here at all
INCOMING: Final = 1 << 1
CALLEE_CONNECTED: Final = 1 << 2  # a callee of `connect` has answered
CALLOUT_ANSWERED: Final = 1 << 3  # a placed call was answered
QUESTION_ANSWERED: Final = 1 << 4
CONFERENCE_KEYS: Final = 1 << 5
CALL_ENDED: Final = 1 << 6
FILE_NOTICE: Final = 1 << 7
ERROR_NOTICE: Final = 1 << 8
OTHER_NOTICE: Final = 1 << 9
AMD_KNOWN: Final = 1 << 10  # machine detection has a verdict
FROM_APP: Final = 1 << 11  # by a route that only apps take
FROM_SERVER: Final = 1 << 12
FROM_OTHERS: Final = 1 << 13
CALL_RECORDED: Final = 1 << 14
OTHERS_CALLED: Final = 1 << 15  # calls to others are over, and the caller is back
SOME_LOCALE: Final = 1 << 16  # one that only the call knows
FIRST_LOCALE: Final = 17
NOTICES: Final = FILE_NOTICE | ERROR_NOTICE | OTHER_NOTICE
EVENT_FACTS: Final = (
    INCOMING
    | CALLEE_CONNECTED
    | CALLOUT_ANSWERED
    | QUESTION_ANSWERED
    | CONFERENCE_KEYS
    | CALL_ENDED
    | NOTICES
    | AMD_KNOWN
    | OTHERS_CALLED
)
LOCALE_FACTS: Final = -1 << 16  # all bits from SOME_LOCALE on
NOTICE_FACTS: Final = {
    "recording_available": FILE_NOTICE,
    "transcription_available": FILE_NOTICE,
    "recording_finished": OTHER_NOTICE,
    "callingerror": ERROR_NOTICE,
}
_ORIGIN_TEST: Final = re.compile(r"""call\.origin\s*(==|!=)\s*["'](pstn|mxp|sip|server)["']""")
_APP_ADDRESS: Final = re.compile(r"(?!sips?[:-]|\+)(?=.*[^\W\d_])[^@*]+", re.IGNORECASE)
_LOCALE_LITERAL: Final = re.compile(r"""["']([a-z]{2,3}(?:-[A-Za-z]{2,4}){1,2})["']""")


class CallFacts(msgspec.Struct, frozen=True):
    """The facts at each state of one flow that a call may come to."""

    program: Program
    facts_by_state: Mapping[str, int]
    locales: tuple[str, ...]

    def can_hold(self, state: str, facts: int) -> bool:
        return bool(self.facts_by_state.get(state, 0) & facts)

    def list_spoken_locales(self, state: CompiledState) -> list[str]:
        """The locales in which this state may speak."""
        change = get_locale_transfer(self.program, state, self.locales)
        return self._decode_locales(change.apply_to(self.facts_by_state.get(state.name, 0)))

    def list_locales_before(self, state: CompiledState) -> list[str]:
        """The locales in which a call may come to this state; "" stands for one that is unknown at
        compile time.
        """
        here = self.facts_by_state.get(state.name, 0)
        return [*self._decode_locales(here), *([""] if here & SOME_LOCALE else [])]

    def _decode_locales(self, facts: int) -> list[str]:
        return [
            locale for index, locale in enumerate(self.locales) if facts >> FIRST_LOCALE + index & 1
        ]


def compute_call_facts(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> dict[str, CallFacts]:
    """The facts of all flows, worked out from the subflows up and from the callers down."""
    named = [program.compute_once(collect_flow_locales) for name, program in programs.items()]
    locales = tuple(sorted(authored.outside.locales.union(*named)))
    reached: dict[str, FlowTransfers] = {}
    for name in order_by_use(programs):
        program = programs[name]
        used = {
            flow: reached[flow].outcomes for flow in list_entered_flows(program) if flow in reached
        }
        reached[name] = memory.get_or_compute(
            ("call paths", name),
            (program, locales, used),
            partial(compute_flow_transfers, program, locales, used),
        )
    links = list_flow_links(programs)
    entering = find_incoming_facts(programs, authored, locales)
    found: dict[str, CallFacts] = {}

    def enter_flow(name: str) -> None:
        """Find what holds in a flow, and hand it to those that it begins."""
        key = (programs[name], reached[name], entering.get(name, 0), locales)
        found[name] = memory.get_or_compute(
            ("call facts", name), key, partial(compute_flow_facts, *key)
        )
        for state in links[name]:
            flow = state.verb.entered_flow
            inside = get_locale_transfer(programs[name], state, locales).apply_to(
                found[name].facts_by_state.get(state.name, 0)
            )
            entering[flow] = entering.get(flow, 0) | inside

    # callers first, as they decide with which facts a flow is entered
    for cycle in order_by_entry(programs):
        before: list[int] = []
        # flows that go over to each other: until nothing new comes
        while before != (now := [entering.get(name, 0) for name in cycle]):
            before = now
            for name in cycle:
                enter_flow(name)
    return {name: found[name] for name in programs}


def compute_flow_facts(
    program: Program, reached: FlowTransfers, entering: int, locales: tuple[str, ...]
) -> CallFacts:
    """What holds at each state when the flow is entered with these facts."""
    at = (
        {state: transfer.apply_to(entering) for state, transfer in reached.start.items()}
        if entering
        else {}
    )
    # an event finds the call in the locale of any state, as it may come at any time
    spoken = 0
    for facts in at.values():
        spoken |= facts & LOCALE_FACTS
    for state, transfer in reached.events.items():
        at[state] = at.get(state, 0) | transfer.apply_to(spoken)
    return CallFacts(program, at, locales)


def find_incoming_facts(
    programs: Mapping[str, Program], authored: AuthoredProject, locales: tuple[str, ...]
) -> dict[str, int]:
    """By flow: the facts of calls that come in."""
    origins: dict[str, int] = {}
    for route in authored.project.routes:
        if route.flow in programs:
            origins[route.flow] = origins.get(route.flow, 0) | find_route_origins(route)
    if not authored.project.routes and len(authored.flows) == 1:
        origins = dict.fromkeys(programs, FROM_SERVER | FROM_OTHERS)
    for name, (flow, _) in authored.flows.items():
        # a flow with outcomes is a subflow
        if not flow.outcomes:  # a placed call may name it
            origins[name] = origins.get(name, 0) | FROM_SERVER
    return {
        name: REACHABLE | INCOMING | origin | get_locale_bit(programs[name].locale, locales)
        for name, origin in origins.items()
        if name in programs
    }


def find_route_origins(route: Route) -> int:
    """Where calls of a route can come from; users and conferences are dialled by apps only."""
    if route.origin == "mxp" or (not route.origin and is_dialled_by_app(route)):
        return FROM_APP
    if not route.origin:
        # not FROM_APP: callers from apps are considered only where a route names them
        # (docs/decisions/0059)
        return FROM_SERVER | FROM_OTHERS
    return FROM_SERVER if route.origin == "server" else FROM_OTHERS


def is_dialled_by_app(route: Route) -> bool:
    """Whether only an app can dial this address. A name without `type:` is that of a user or a
    conference; one with * may be the beginning or the end of a SIP address.
    """
    if route.type:
        return route.type in ("username", "conference")
    return _APP_ADDRESS.fullmatch(route.to or "") is not None


def compute_flow_transfers(
    program: Program, locales: tuple[str, ...], used: Mapping[str, Mapping[str, Transfer]]
) -> FlowTransfers:
    return compute_transfers(
        program,
        build_path_graph(program, locales),
        [*iterate_event_entries(program, locales)],
        used,
    )


def build_path_graph(program: Program, locales: tuple[str, ...]) -> PathGraph:
    questions = [name for name, state in program.states.items() if state.verb.is_question]
    edges, used, returns = {}, {}, {}
    for name, state in program.states.items():
        spoken = get_locale_transfer(program, state, locales)
        edges[name] = [*iterate_edges(state, spoken, questions)]
        if flow := state.verb.callee:
            leads = {
                exit_.removeprefix("outcome "): target.state
                for exit_, target in state.exits.items()
            }
            used[name] = PathCall(flow, spoken, {**leads, FAILED_OUTCOME: state.error})
        elif state.verb.returned_outcome:
            returns[name] = state.verb.returned_outcome
    return PathGraph(edges, used, returns)


def iterate_edges(
    state: CompiledState, spoken: Transfer, questions: list[str]
) -> Iterator[PathEdge]:
    """All ways from a state to others of its flow, except through a subflow."""
    here = spoken.chain_with(get_recording_transfer(state)) if state.preamble else UNCHANGED
    pressed = AFTER_QUESTION if here is UNCHANGED else here.chain_with(AFTER_QUESTION)
    if not state.verb.callee:
        yield from iterate_exit_edges(state, here, pressed)
    for leads in state.verb.key_targets.values():
        asked = [state.name] if leads == "repeat" else questions if leads == "back" else []
        yield from (PathEdge(question, pressed) for question in asked)
    if state.error:
        yield PathEdge(state.error, spoken)
        if state.verb.is_question:
            yield PathEdge(state.error, pressed)


def iterate_exit_edges(
    state: CompiledState, here: Transfer, pressed: Transfer
) -> Iterator[PathEdge]:
    """The ways by the exits of a state; what holds then depends on the callback that takes them."""
    limits = find_origin_limits(state.verb.conditional_exits)
    for name, target in state.exits.items():
        for via in target.contexts:
            if via == "pie":
                yield PathEdge(target.state, pressed)
            elif via == "same":
                limit = limits.get(name)
                yield PathEdge(target.state, here.chain_with(limit) if limit else here)
            else:
                event = make_event_transfer(find_reported_event(state, via))
                yield PathEdge(target.state, here.chain_with(event))


def make_event_transfer(event: int) -> Transfer:
    """The transfer of an event: its facts replace those of the event before."""
    return Transfer(~EVENT_FACTS, event)


AFTER_QUESTION: Final = make_event_transfer(QUESTION_ANSWERED)
NO_LIMITS: Final[Mapping[str, Transfer]] = {}


def find_reported_event(state: CompiledState, via: str) -> int:
    """The event that an exit of a connection, or of calls to others, reports."""
    if via == "ice":
        return OTHERS_CALLED
    if via == "notify":
        return OTHER_NOTICE | AMD_KNOWN
    detects = state.verb.has_machine_detection
    return CALLEE_CONNECTED | AMD_KNOWN if detects else CALLEE_CONNECTED


def get_recording_transfer(state: CompiledState) -> Transfer:
    first = state.preamble
    if first and first.stop:
        return Transfer(~CALL_RECORDED, 0)
    return Transfer(-1, CALL_RECORDED) if first and first.record else UNCHANGED


def find_origin_limits(branches: tuple[ConditionalExit, ...]) -> Mapping[str, Transfer]:
    """By exit: the origins that a condition on `call.origin` leaves to it."""
    if not any(condition and "call.origin" in condition.text for condition, _ in branches):
        return NO_LIMITS
    found, left = {}, -1
    for condition, leads in branches:
        keep = left
        for part in condition.text.split("&&") if condition else ():
            if tested := _ORIGIN_TEST.fullmatch(part.strip()):
                holds, fails = get_origin_masks(tested[2])
                if tested[1] == "!=":
                    holds, fails = fails, holds
                keep &= holds
                left &= fails if part == condition.text else -1  # type: ignore[union-attr]
        found[leads.name] = Transfer(keep, 0)
    return found


def get_origin_masks(origin: str) -> tuple[int, int]:
    """The facts that may hold where a call comes from there, and where it does not."""
    if origin == "server":
        return ~(FROM_APP | FROM_OTHERS), ~FROM_SERVER
    if origin == "mxp":
        return ~FROM_SERVER, ~FROM_APP
    return ~(FROM_SERVER | FROM_APP), -1


def iterate_event_entries(program: Program, locales: tuple[str, ...]) -> Iterator[PathEdge]:
    """Where events enter the flow. An answer begins a placed call, in its flow's locale: one that
    follows a `connect` goes on there. The other events come in a locale of any state before.
    """
    first = get_locale_bit(program.locale, locales)
    facts = REACHABLE | CALLOUT_ANSWERED | AMD_KNOWN | FROM_SERVER | first
    for entry in filter(None, (program.answered, program.answered_by_machine)):
        yield PathEdge(entry, Transfer(0, facts))
    named = [
        (program.pressed, CONFERENCE_KEYS),
        (program.ended, CALL_ENDED),
        *(
            (state, NOTICES if kind == "any" else NOTICE_FACTS.get(kind, NOTICES))
            for kind, state in program.notified.items()
        ),
    ]
    for state, facts in named:
        if state:
            yield PathEdge(state, Transfer(LOCALE_FACTS, REACHABLE | facts))


def collect_flow_locales(program: Program) -> frozenset[str]:
    return frozenset(
        {
            program.locale,
            *(
                locale
                for state in program.states.values()
                if state.preamble and state.preamble.locale
                for locale in find_chosen_locales(state.preamble.locale, program)
            ),
        }
    )


def find_chosen_locales(template: Template, program: Program) -> list[str]:
    """The locales that `locale:` may choose: the one that it names, the choices of its variable, or
    those that stand in its expression.
    """
    if template.constant is not None:
        values: Iterable[str] = [template.constant]
    else:
        variable = program.variables.get(find_variable_name(template))
        values = variable.choices if variable else _LOCALE_LITERAL.findall(template.text)
    return [value for value in values if re.fullmatch(LOCALE_PATTERN, value)]


def find_variable_name(template: Template) -> str:
    """The variable that is the whole of a text, or ""."""
    inside = find_whole_expression(template.text)
    return inside.strip().removeprefix("vars.") if inside else ""


def get_locale_transfer(
    program: Program, state: CompiledState, locales: tuple[str, ...]
) -> Transfer:
    """What `locale:` does to the locale. A variable that is still empty leaves it as it is."""
    template = state.preamble.locale if state.preamble else None
    if template is None:
        return UNCHANGED
    bits = 0
    for locale in find_chosen_locales(template, program):
        bits |= get_locale_bit(locale, locales)
    variable = program.variables.get(find_variable_name(template))
    # an empty variable leaves the locale, and only one with a default is never empty
    stays = -1 if variable and not variable.default else ~LOCALE_FACTS
    return Transfer(stays, bits or SOME_LOCALE)


def get_locale_bit(locale: str, locales: tuple[str, ...]) -> int:
    return 1 << FIRST_LOCALE + locales.index(locale) if locale in locales else SOME_LOCALE
