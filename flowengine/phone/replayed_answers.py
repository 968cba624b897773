"""Lookups of a call that is made again and again: each is answered as it was the time before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flowengine.phone.call_narrator import CallNarrator
from flowengine.phone.lookup_answers import describe_answer
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.backend import Backend
from flowengine.scenarios.doubles import FETCH_ERRORS, LookupDoubles, MadeRequest
from flowengine.scenarios.trial_plan import TrialLookup
from flowengine.states import LookupRequest, LookupResult


class LookupAwaitedError(Exception):
    """A flow asks a system that nobody has answered for yet: the call stops here."""

    def __init__(
        self, made: MadeRequest, place: tuple[str, str], trace: Sequence[TraceEntry]
    ) -> None:
        super().__init__(str(made))
        self.made, self.place, self.trace = made, place, tuple(trace)


@dataclass
class ReplayedAnswers:
    """Answers lookups in their order; raises LookupAwaitedError at the first without an answer."""

    answers: Sequence[dict[str, Any]]
    reader: LookupDoubles
    narrator: CallNarrator | None = None
    backend: Backend | None = None
    lookups: list[TrialLookup] = field(default_factory=list)

    def __call__(self, request: LookupRequest) -> LookupResult:
        assert self.narrator is not None  # noqa: S101  # both are set before the call begins
        assert self.backend is not None  # noqa: S101
        made, place = self.reader.read_request(request), self.backend.lookup_state
        self.narrator.add_line("flow", f"asks {made}")
        if len(self.lookups) == len(self.answers):
            raise LookupAwaitedError(made, place, self.backend.lookup_trace)
        answer = self.answers[len(self.lookups)]
        self.narrator.add_line(request.service, describe_answer(answer))
        self.lookups.append(TrialLookup(0, place, made, answer))
        return to_lookup_result(answer)


def to_lookup_result(answer: dict[str, Any]) -> LookupResult:
    """An answer as scenarios have it, as the flow gets it."""
    if "fails" in answer:
        return LookupResult(0, error=FETCH_ERRORS[answer["fails"]])
    return LookupResult(answer.get("status", 200), answer.get("answer"))
