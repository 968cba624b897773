"""Files of scenarios to cases that can be run, with every mistake in them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from flowengine.compile import CompileResult
from flowengine.model.json_schemas import load_schema
from flowengine.problems import Problem, Span
from flowengine.scenarios.call_setup import merge_given
from flowengine.scenarios.party_checks import list_step_keys
from flowengine.scenarios.scenario_checks import ScenarioChecker
from flowengine.scenarios.scenario_given import Given
from flowengine.scenarios.scenario_model import Scenarios, Then
from flowengine.scenarios.scenario_parties import Parties, list_party_names, merge_parties
from flowengine.scenarios.scenario_steps import ScenarioStep
from flowengine.source import Document, KeyPath, read_document
from flowengine.source.schema_validation import validate_document


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario, ready to be run. Whatever its file gives to all is in `given` already."""

    flow: str
    name: str
    given: Given
    steps: tuple[str | ScenarioStep, ...]
    then: Then
    document: Document = field(repr=False, compare=False)
    parties: Parties = field(default_factory=dict)

    @property
    def path(self) -> KeyPath:
        return ("scenarios", self.name)

    @property
    def span(self) -> Span:
        return self.document.find_key_span(self.path)

    @property
    def title(self) -> str:
        return f"{self.flow}: {self.name}"

    def get_step_span(self, place: int) -> Span:
        """A step's value; of the words that are a step, the words."""
        step = self.steps[place]
        path: KeyPath = (*self.path, "when", place)
        return self.document.find_span(
            path if isinstance(step, str) else (*path, *list_step_keys(step)[:1])
        )

    def get_then_span(self, key: str) -> Span:
        """What a key of `then` expects; where it says nothing of it, the name of the scenario."""
        path: KeyPath = (*self.path, "then", key)
        return self.document.find_span(path) if path in self.document.values else self.span

    def get_lookup_span(self, place: int) -> Span:
        own: KeyPath = (*self.path, "given", "lookups", place)
        return self.document.find_span(
            own if own in self.document.values else ("given", "lookups", place)
        )


def load_scenarios(
    files: Mapping[str, bytes], compiled: CompileResult
) -> tuple[list[Case], list[Problem]]:
    """All cases of these files. Files with problems of form are left out."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for name, content in files.items():
        document, found = read_document(content, name)
        names = list_party_names(document.data) if document else []
        found = list(found) + (
            validate_document(document, build_file_schema(names)) if document else []
        )
        if document is not None and not any(problem.severity == "error" for problem in found):
            authored = msgspec.convert(gather_party_steps(document.data, names), Scenarios)
            ScenarioChecker(compiled, document, authored.flow, found).check_file(authored)
            cases += build_cases(authored, document)
        problems += found
    return cases, problems


def build_cases(authored: Scenarios, document: Document) -> Iterator[Case]:
    for name, scenario in authored.scenarios.items():
        yield Case(
            authored.flow,
            name,
            merge_given(scenario.given or Given(), authored.given or Given()),
            tuple(scenario.when),
            scenario.then or Then(),
            document,
            merge_parties(scenario.parties, authored.parties),
        )


def build_file_schema(names: Collection[str]) -> Mapping[str, Any]:
    """The schema of a file whose parties have these names. The published one takes any name in a
    step, as it cannot know them.
    """
    whole = load_schema("scenario")
    step = whole["$defs"][ScenarioStep.__name__]
    act = {key: value for key, value in step["additionalProperties"].items() if key != "examples"}
    own = {
        **step,
        "properties": {**step["properties"], **dict.fromkeys(names, act)},
        "additionalProperties": False,
    }
    return {**whole, "$defs": {**whole["$defs"], ScenarioStep.__name__: own}}


def gather_party_steps(data: Any, names: Collection[str]) -> Any:
    """The data of a file, with what a step says of parties below one key of the model."""
    if not names:
        return data
    scenarios = {
        name: {**scenario, "when": [gather_parties(step, names) for step in scenario["when"]]}
        if "when" in scenario
        else scenario
        for name, scenario in data["scenarios"].items()
    }
    return {**data, "scenarios": scenarios}


def gather_parties(step: Any, names: Collection[str]) -> Any:
    """A step, with what it says of parties below one key."""
    if not isinstance(step, dict) or not any(key in names for key in step):
        return step
    own = {key: value for key, value in step.items() if key not in names}
    return {**own, "parties": {key: value for key, value in step.items() if key in names}}
