"""Files of scenarios to cases that can be run, with every mistake in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

import msgspec

from flowengine.compile import Compiled
from flowengine.model.schema import schema
from flowengine.problems import Problem, Span
from flowengine.scenarios.checks import Checking, written
from flowengine.scenarios.model import Given, Scenarios, Step, Then
from flowengine.scenarios.opening import joined
from flowengine.source import Document, Path, check, read

FOLDER = "scenarios"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario, ready to be run. Whatever its file gives to all is in `given` already."""

    flow: str
    name: str
    given: Given
    steps: tuple[str | Step, ...]
    then: Then
    document: Document = field(repr=False, compare=False)

    @property
    def path(self) -> Path:
        return ("scenarios", self.name)

    @property
    def span(self) -> Span:
        return self.document.key_span(self.path)

    @property
    def title(self) -> str:
        return f"{self.flow}: {self.name}"

    def step_span(self, place: int) -> Span:
        """A step's value; of the words that are a step, the words."""
        step = self.steps[place]
        path: Path = (*self.path, "when", place)
        return self.document.span(path if isinstance(step, str) else (*path, *written(step)[:1]))

    def then_span(self, key: str) -> Span:
        """What a key of `then` expects; where it says nothing of it, the name of the scenario."""
        path: Path = (*self.path, "then", key)
        return self.document.span(path) if path in self.document.values else self.span

    def lookup_span(self, place: int) -> Span:
        own: Path = (*self.path, "given", "lookups", place)
        return self.document.span(
            own if own in self.document.values else ("given", "lookups", place)
        )


def read_scenarios(folder: FilePath) -> dict[str, bytes]:
    """The files of scenarios beside the flows of a project, by their path in it; for a single flow,
    those beside its file.
    """
    root = folder.parent if folder.is_file() else folder
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / FOLDER).glob("*.y*ml"))
    }


def load_scenarios(
    files: Mapping[str, bytes], compiled: Compiled
) -> tuple[list[Case], list[Problem]]:
    """All cases of these files. Files with problems of form are left out."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for name, content in files.items():
        document, found = read(content, name)
        found = list(found) + (check(document, schema("scenario")) if document else [])
        if document is not None and not any(problem.severity == "error" for problem in found):
            authored = msgspec.convert(document.data, Scenarios)
            Checking(compiled, document, authored.flow, found).file(authored)
            cases += taken(authored, document)
        problems += found
    return cases, problems


def taken(authored: Scenarios, document: Document) -> Iterator[Case]:
    for name, scenario in authored.scenarios.items():
        yield Case(
            authored.flow,
            name,
            joined(scenario.given or Given(), authored.given or Given()),
            tuple(scenario.when),
            scenario.then or Then(),
            document,
        )
