"""Files of scenarios to cases that can be run, with every mistake in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

import msgspec

from flowengine.compile import CompileResult
from flowengine.model.json_schemas import load_schema
from flowengine.problems import Problem, Span
from flowengine.scenarios.call_setup import merge_given
from flowengine.scenarios.scenario_checks import ScenarioChecker, list_written_keys
from flowengine.scenarios.scenario_given import Given
from flowengine.scenarios.scenario_model import Scenarios, Then
from flowengine.scenarios.scenario_steps import ScenarioStep
from flowengine.source import Document, KeyPath, read_document
from flowengine.source.schema_validation import validate_document

SCENARIO_FOLDER = "scenarios"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario, ready to be run. Whatever its file gives to all is in `given` already."""

    flow: str
    name: str
    given: Given
    steps: tuple[str | ScenarioStep, ...]
    then: Then
    document: Document = field(repr=False, compare=False)

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
            path if isinstance(step, str) else (*path, *list_written_keys(step)[:1])
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


def read_scenario_files(folder: FilePath) -> dict[str, bytes]:
    """The files of scenarios beside the flows of a project, by their path in it; for a single flow,
    those beside its file.
    """
    root = folder.parent if folder.is_file() else folder
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / SCENARIO_FOLDER).glob("*.y*ml"))
    }


def load_scenarios(
    files: Mapping[str, bytes], compiled: CompileResult
) -> tuple[list[Case], list[Problem]]:
    """All cases of these files. Files with problems of form are left out."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for name, content in files.items():
        document, found = read_document(content, name)
        found = list(found) + (
            validate_document(document, load_schema("scenario")) if document else []
        )
        if document is not None and not any(problem.severity == "error" for problem in found):
            authored = msgspec.convert(document.data, Scenarios)
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
        )
