"""The result of a scenario, as values that travel between processes."""

import msgspec

from flowengine.problems import Span
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.conversation import TranscriptLine


class ExpectationMissedError(Exception):  # an expectation, not an error of the program
    """Something did not come as the scenario says."""

    def __init__(self, message: str, expected: str = "", found: str = "") -> None:
        super().__init__(message)
        self.message, self.expected, self.found = message, expected, found


class Failure(msgspec.Struct, frozen=True):
    """One thing that did not come as it should, at the line of the scenario that says so."""

    span: Span
    message: str
    expected: str = ""
    found: str = ""


class ScenarioResult(msgspec.Struct, frozen=True):
    """A scenario that was run. `state` is where its call was at the end, or when it failed, and
    `place` that state's line.
    """

    flow: str
    name: str
    span: Span
    failures: tuple[Failure, ...]
    transcript: tuple[TranscriptLine, ...]
    trace: tuple[TraceEntry, ...]
    state: str
    place: Span | None
    seconds: float

    @property
    def title(self) -> str:
        return f"{self.flow}: {self.name}"
