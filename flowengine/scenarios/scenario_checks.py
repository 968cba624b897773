"""What a scenario says against what the project has: flows, states, variables, services, times and
patterns.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from flowengine.compile import CompileResult, Program
from flowengine.expr import list_zone_names, suggest_zone
from flowengine.expr.value_domains import suggest_words
from flowengine.problems import Problem, quote_value, suggest_name, suggest_or_list_names
from flowengine.scenarios.call_setup import find_route_fault
from flowengine.scenarios.party_checks import check_parties, check_party_step, list_step_keys
from flowengine.scenarios.scenario_given import ExpectedLookup, Given
from flowengine.scenarios.scenario_model import Scenario, Scenarios, Then
from flowengine.scenarios.scenario_parties import Parties, merge_parties, parse_party_act
from flowengine.scenarios.scenario_steps import CalleeStep, ScenarioStep
from flowengine.sinch import vocabulary
from flowengine.sinch.vocabulary import fold_word
from flowengine.source import Document, KeyPath
from flowengine.states.fetch_options import HTTP_METHODS, describe_empty_value
from flowengine.svaml.header_format import find_header_name_fault, find_header_value_fault

TEXT_KEYS = ("hears", "hears only", "does not hear", "callee hears")


class ScenarioChecker(msgspec.Struct, frozen=True):
    """One file of scenarios being checked."""

    compiled: CompileResult
    document: Document
    flow: str
    problems: list[Problem]

    def report(
        self, code: str, path: KeyPath, message: str, hint: str = "", *, key: bool = False
    ) -> None:
        span = self.document.find_key_span(path) if key else self.document.find_span(path)
        self.problems.append(Problem(code, span, message, hint))

    def check_file(self, authored: Scenarios) -> None:
        if self.flow not in self.compiled.programs:
            self.report(
                "FE701",
                ("flow",),
                f"there is no flow {self.flow}",
                suggest_or_list_names(self.flow, list(self.compiled.programs)),
            )
            return
        shared = authored.given or Given()
        self.check_given(("given",), shared)
        parties = authored.parties or {}
        check_parties(self.report, ("parties",), parties, parties)
        for name, scenario in authored.scenarios.items():
            self.check_scenario(("scenarios", name), scenario, shared, parties)

    def check_scenario(
        self, path: KeyPath, scenario: Scenario, shared: Given, shared_parties: Parties
    ) -> None:
        own = scenario.given or Given()
        self.check_given((*path, "given"), own)
        self.check_route(path, own, shared)
        parties = merge_parties(scenario.parties, shared_parties)
        check_parties(self.report, (*path, "parties"), scenario.parties or {}, parties)
        for place, step in enumerate(scenario.when):
            if isinstance(step, ScenarioStep):
                self.check_step((*path, "when", place), step)
                check_party_step(self.report, (*path, "when", place), step, parties)
        if isinstance(scenario.then, Then):
            self.check_then((*path, "then"), scenario.then)

    def check_given(self, path: KeyPath, given: Given) -> None:
        self.check_clock(path, given)
        for name, text in (given.headers or {}).items():
            if fault := find_header_name_fault(name) or find_header_value_fault(text):
                self.report(
                    "FE224", (*path, "headers", name), fault, "write for example X-Tier: gold"
                )
        for place, lookup in enumerate(given.lookups or ()):
            self.check_lookup((*path, "lookups", place), lookup)

    def check_clock(self, path: KeyPath, given: Given) -> None:
        if isinstance(given.time, str) and not is_time(given.time):
            self.report(
                "FE706",
                (*path, "time"),
                f"there is no {given.time}",
                "write a date and time of the calendar",
            )
        if isinstance(given.zone, str) and given.zone not in list_zone_names():
            self.report(
                "FE706",
                (*path, "zone"),
                f"there is no time zone {given.zone}",
                suggest_zone(given.zone),
            )

    def check_lookup(self, path: KeyPath, lookup: ExpectedLookup) -> None:
        methods = [name for name in HTTP_METHODS if getattr(lookup, name) is not UNSET]
        if len(methods) != 1:
            self.report(
                "FE705",
                path,
                "a lookup has exactly one of get, post, put, patch and delete",
                "write for example `get: /accounts/1`",
            )
        if lookup.body is not UNSET:
            for empty in self.document.find_empty_values((*path, "body")):
                self.report("FE152", empty, *describe_empty_value(empty), key=True)
        services = list_services(self.compiled.programs.values())
        if lookup.service not in services:
            hint = suggest_name(lookup.service, services) or "no flow asks it"
            self.report(
                "FE705", (*path, "service"), f"no flow asks a service {lookup.service}", hint
            )
        if lookup.fails is not UNSET and (lookup.answer is not UNSET or lookup.status != 200):
            self.report(
                "FE705",
                (*path, "fails"),
                "a lookup that fails has no answer",
                "remove fails:, or the answer and status",
            )

    def check_route(self, path: KeyPath, own: Given, shared: Given) -> None:
        release = self.compiled.release
        fault = find_route_fault(release, self.flow, own, shared) if release else ""
        if fault:
            self.report(
                "FE708",
                path,
                fault,
                "say in `given` what is dialled (to, type, origin), or how the call is placed",
                key=True,
            )

    def check_step(self, path: KeyPath, step: ScenarioStep) -> None:
        keys = list_step_keys(step)
        if len(keys) != 1:
            says = "says nothing" if not keys else f"has {' and '.join(keys)}"
            self.report(
                "FE702",
                path,
                f"a step is one thing, and this one {says}",
                "write one step for each, in their order",
            )
        self.check_texts(path, step)
        if isinstance(step.asked, str):
            self.check_state_reference((*path, "asked"), step.asked)
        if step.notified is not UNSET:
            own = step.notified if isinstance(step.notified, str) else step.notified.type
            at = (*path, "notified") if own is step.notified else (*path, "notified", "type")
            self.check_word(at, "the type of a notice", own, vocabulary.NOTICE_TYPES)
        for name, written in (step.parties or {}).items():
            if isinstance(act := parse_party_act(written), CalleeStep):
                at = (*path, name)
                self.check_texts(at, act, at if isinstance(written, str) else None)
        if isinstance(step.callee, CalleeStep):
            self.check_texts((*path, "callee"), step.callee)
            if len(list_written_keys(step.callee)) != 1:
                self.report(
                    "FE702",
                    (*path, "callee"),
                    "a step is one thing",
                    "write one step for each, in their order",
                )

    def check_word(self, path: KeyPath, what: str, word: str, words: Sequence[str]) -> None:
        """A word of the platform that is expected, in whatever spelling."""
        if fold_word(word) not in words:
            self.report(
                "FE315", path, f"{what} is never {quote_value(word)}", suggest_words(word, words)
            )

    def check_then(self, path: KeyPath, then: Then) -> None:
        self.check_texts(path, then)
        if isinstance(then.result, str):
            self.check_word((*path, "result"), "the result", then.result, vocabulary.RESULTS)
        if isinstance(then.reason, str):
            self.check_word((*path, "reason"), "the reason", then.reason, vocabulary.REASONS)
        self.check_choices((*path, "vars"), then.vars or {})
        if isinstance(then.state, str):
            self.check_state_reference((*path, "state"), then.state)
        known = set().union(*(program.variables for program in self.compiled.programs.values()))
        for name in then.vars or {}:
            if name not in known:
                self.report(
                    "FE704",
                    (*path, "vars", name),
                    f"there is no variable {name}",
                    suggest_or_list_names(name, sorted(known))
                    if known
                    else "declare it under vars: of the flow",
                    key=True,
                )

    def check_choices(self, path: KeyPath, values: Mapping[str, Any]) -> None:
        """Variables of type choice hold one of their choices, or nothing."""
        for name, value in values.items():
            declared = [
                program.variables[name]
                for program in self.compiled.programs.values()
                if name in program.variables
            ]
            words = [word for variable in declared for word in variable.choices]
            closed = declared and all(variable.choices for variable in declared)
            if closed and value not in ("", *words):
                hint = suggest_words(str(value), list(dict.fromkeys(words)))
                self.report("FE315", (*path, name), f"{name} is never {quote_value(value)}", hint)

    def check_state_reference(self, path: KeyPath, place: str) -> None:
        flow, _, state = place.rpartition(".")
        program = self.compiled.programs.get(flow or self.flow)
        if program is None:
            self.report(
                "FE703",
                path,
                f"there is no flow {flow}",
                suggest_or_list_names(flow, list(self.compiled.programs)),
            )
        elif state not in program.states:
            self.report(
                "FE703",
                path,
                f"{program.flow} has no state {state}",
                self.suggest_state(state, program),
            )

    def suggest_state(self, state: str, program: Program) -> str:
        """The state that may be meant: one of another flow, such as a subflow, or one of this."""
        found = [
            f"{flow}.{state}"
            for flow, other in self.compiled.programs.items()
            if state in other.states
        ]
        if len(found) == 1:
            return f"did you mean {quote_value(found[0])}?"
        return suggest_or_list_names(state, found or list(program.states))

    def check_texts(
        self, path: KeyPath, owner: msgspec.Struct, place: KeyPath | None = None
    ) -> None:
        """The patterns of these texts; they stand at `place`, or below their keys."""
        for name, value in to_authored_dict(owner).items():
            if name in TEXT_KEYS:
                for text in [value] if isinstance(value, str) else value:
                    self.check_pattern(place or (*path, name), text)

    def check_pattern(self, path: KeyPath, text: str) -> None:
        if fault := find_pattern_fault(text):
            self.report(
                "FE707",
                path,
                f"this pattern cannot be read: {fault}",
                "mend it, or leave out the slashes to look for plain text",
            )


def to_authored_dict(struct: msgspec.Struct) -> Mapping[str, Any]:
    """What the author wrote, by the keys in the file."""
    fields = msgspec.structs.fields(struct)
    return {
        field.encode_name: value
        for field in fields
        if (value := getattr(struct, field.name)) is not UNSET
    }


def list_written_keys(struct: msgspec.Struct) -> list[str]:
    return list(to_authored_dict(struct))


def is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


def find_pattern_fault(text: str) -> str:
    """Why a text between slashes is no regular expression, or nothing."""
    try:
        re.compile(text[1:-1] if is_pattern(text) else "")
    except re.error as error:
        return str(error)
    return ""


def is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def list_services(programs: Iterable[Program]) -> set[str]:
    services = (
        state.verb.lookup_service for program in programs for state in program.states.values()
    )
    return {service.name for service in services if service}
