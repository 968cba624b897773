"""Answers the lookups of a flow: by the person at the phone, by a file, or by the real systems."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import click
import msgspec

from flowengine.compile import Release
from flowengine.phone.call_narrator import CallNarrator
from flowengine.phone.line_sources import LineSource
from flowengine.scenarios.backend import Backend
from flowengine.scenarios.doubles import (
    FETCH_ERRORS,
    LookupDoubles,
    ServiceDouble,
    list_service_addresses,
)
from flowengine.scenarios.scenario_checks import list_written_keys
from flowengine.scenarios.scenario_given import ExpectedLookup as Authored
from flowengine.scenarios.scenario_run import to_service_double
from flowengine.scenarios.trial_inputs import TrialInputs
from flowengine.scenarios.trial_plan import TrialLookup
from flowengine.source import read_document
from flowengine.states import LookupRequest, LookupResult
from flowengine.states.fetch_options import HTTP_METHODS
from flowengine.states.response_body import parse_body

FAILURE_NAMES = {"": "", **{kind: name for name, kind in FETCH_ERRORS.items()}}
ANSWER_PATTERN = re.compile(r"([1-5][0-9]{2})?\s*([{\[].*)?", re.DOTALL)
ANSWER_HELP = 'an answer is a status, a body or both, such as 404 or 200 {"name": "Ann"}; or timeout, or unreachable'


class PerformRequest(Protocol):
    """Really asks."""

    def __call__(self, request: LookupRequest) -> LookupResult: ...


class LookupFile(msgspec.Struct, forbid_unknown_fields=True):
    """A file of lookups and their answers."""

    lookups: list[Authored]


@dataclass
class LookupAnswerer:
    """Answers lookups: by `live` where it is there, else by the doubles of a file, else by hand.
    What was asked is kept.
    """

    release: Release
    doubles: LookupDoubles
    inputs: TrialInputs
    lines: LineSource
    live: PerformRequest | None = None
    narrator: CallNarrator | None = None
    backend: Backend | None = None
    lookups: list[TrialLookup] = field(default_factory=list)
    has_quit: bool = False
    """The person who answers by hand has had enough"""

    @classmethod
    def from_release(
        cls,
        release: Release,
        doubles: Iterable[ServiceDouble],
        inputs: TrialInputs,
        lines: LineSource,
    ) -> "LookupAnswerer":
        return cls(release, LookupDoubles(doubles, list_service_addresses(release)), inputs, lines)

    def __call__(self, request: LookupRequest) -> LookupResult:
        assert self.narrator is not None  # noqa: S101  # both are set before the call begins
        assert self.backend is not None  # noqa: S101
        made, place = self.doubles.read_request(request), self.backend.lookup_state
        self.narrator.add_line("flow", f"asks {made}")
        found = self.live(request) if self.live else self.answer_request(request, place)
        answer = to_scenario_data(found)
        self.narrator.add_line(request.service, describe_answer(answer))
        self.lookups.append(TrialLookup(0, place, made, answer))
        return found

    def answer_request(self, request: LookupRequest, place: tuple[str, str]) -> LookupResult:
        """By the file, or by hand."""
        known = len(self.doubles.unexpected_requests)
        found = self.doubles(request)
        return (
            found
            if len(self.doubles.unexpected_requests) == known
            else self.ask_person(request.service, place)
        )

    def ask_person(self, service: str, place: tuple[str, str]) -> LookupResult:
        usual = self.inputs.list_answers(place)[0]
        while True:
            line = (
                None
                if self.has_quit
                else self.lines.read_line(
                    f"{service} answers: status? body? [{format_answer(usual)}]"
                )
            )
            if line is None:
                self.has_quit = True
                return LookupResult(0, error="connection")
            found = parse_answer(line, usual)
            if found is not None:
                return found
            if not self.lines.is_interactive:
                raise click.UsageError(
                    f'the flow asks {service}, and "{line}" is no answer: {ANSWER_HELP}'
                )
            print(ANSWER_HELP)


def parse_answer(line: str, usual: dict[str, Any]) -> LookupResult | None:
    """An answer as it is typed; nothing is the usual one."""
    text = line.strip()
    if not text:
        return LookupResult(200, usual.get("answer"))
    if text in FETCH_ERRORS:
        return LookupResult(0, error=FETCH_ERRORS[text])
    found = ANSWER_PATTERN.fullmatch(text)
    if found is None:
        return None
    status = int(found[1] or 200)
    if found[2] is None:
        return LookupResult(status)
    document, problems = read_document(f"body: {found[2]}".encode(), "answer")
    if document is None or problems:
        return None
    return LookupResult(status, parse_body(msgspec.json.encode(document.data["body"])))


def to_scenario_data(found: LookupResult) -> dict[str, Any]:
    """An answer as scenarios have it. What cannot be written there is as good as unreachable."""
    if found.error:
        return {"fails": FAILURE_NAMES.get(found.error, "unreachable")}
    return {
        **({"status": found.status} if found.status != 200 else {}),
        **({"answer": found.body} if found.body is not None else {}),
    }


def format_answer(answer: dict[str, Any]) -> str:
    """An answer in one line."""
    body = f" {msgspec.json.encode(answer['answer']).decode()}" if "answer" in answer else ""
    return f"{answer.get('status', 200)}{body}"


def describe_answer(answer: dict[str, Any]) -> str:
    if "fails" in answer:
        return "does not answer in time" if answer["fails"] == "timeout" else "cannot be reached"
    return f"answers {format_answer(answer)}"


def load_doubles(file: Path | None) -> list[ServiceDouble]:
    """The lookups of a file. Its mistakes end the command."""
    if file is None:
        return []
    document, problems = read_document(file.read_bytes(), file.as_posix())
    if document is None or problems:
        raise click.UsageError(f"{file} cannot be read: {problems[0].message}")
    try:
        lookups = msgspec.convert(document.data, LookupFile).lookups
    except msgspec.ValidationError as error:
        raise click.UsageError(
            f"{file}: {error}; write `lookups:` and below it a list, as scenarios have it"
        ) from error
    for lookup in lookups:
        if len(set(HTTP_METHODS) & set(list_written_keys(lookup))) != 1:
            raise click.UsageError(
                f"{file}: a lookup of {lookup.service} has exactly one of "
                "get, post, put, patch and delete"
            )
    return [to_service_double(lookup) for lookup in lookups]
