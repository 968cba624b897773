"""Who answers what a flow asks other systems: whoever sits at the phone, a file, or the systems
themselves.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import click
import msgspec

from flowengine.cli.phone.lines import Lines
from flowengine.cli.phone.screen import Screen
from flowengine.compile import Release
from flowengine.scenarios.backend import Backend
from flowengine.scenarios.checks import METHODS, written
from flowengine.scenarios.doubles import ERRORS, Double, Lookups, addresses
from flowengine.scenarios.explore import Lookup
from flowengine.scenarios.inputs import Inputs
from flowengine.scenarios.model import Lookup as Authored
from flowengine.scenarios.play import double
from flowengine.source import read
from flowengine.states import Fetched, Request
from flowengine.states.answer import parse_body

FAILS = {"": "", **{kind: name for name, kind in ERRORS.items()}}
ANSWER = re.compile(r"([1-5][0-9]{2})?\s*([{\[].*)?", re.DOTALL)
SHAPE = 'an answer is a status, a body or both, such as 404 or 200 {"name": "Ann"}; or timeout, or unreachable'


class Performs(Protocol):
    """Really asks."""

    def __call__(self, request: Request) -> Fetched: ...


class Answers(msgspec.Struct, forbid_unknown_fields=True):
    """A file of lookups and their answers."""

    lookups: list[Authored]


@dataclass
class Systems:
    """Answers lookups: by `live` where it is there, else by the doubles of a file, else by hand.
    What was asked is kept.
    """

    release: Release
    doubles: Lookups
    inputs: Inputs
    lines: Lines
    live: Performs | None = None
    screen: Screen | None = None
    backend: Backend | None = None
    asked: list[Lookup] = field(default_factory=list)
    left: bool = False
    """Whoever answers by hand has had enough"""

    @classmethod
    def of(
        cls, release: Release, doubles: Iterable[Double], inputs: Inputs, lines: Lines
    ) -> "Systems":
        return cls(release, Lookups(doubles, addresses(release)), inputs, lines)

    def __call__(self, request: Request) -> Fetched:
        assert self.screen is not None  # noqa: S101  # both are set before the call begins
        assert self.backend is not None  # noqa: S101
        made, place = self.doubles.read(request), self.backend.asking
        self.screen.line("flow", f"asks {made}")
        found = self.live(request) if self.live else self.answered(request, place)
        answer = as_data(found)
        self.screen.line(request.service, shown(answer))
        self.asked.append(Lookup(0, place, made, answer))
        return found

    def answered(self, request: Request, place: tuple[str, str]) -> Fetched:
        """By the file, or by hand."""
        known = len(self.doubles.unexpected)
        found = self.doubles(request)
        return (
            found if len(self.doubles.unexpected) == known else self.by_hand(request.service, place)
        )

    def by_hand(self, service: str, place: tuple[str, str]) -> Fetched:
        usual = self.inputs.answers(place)[0]
        while True:
            line = (
                None
                if self.left
                else self.lines.next(f"{service} answers: status? body? [{plain(usual)}]")
            )
            if line is None:
                self.left = True
                return Fetched(0, error="connection")
            found = parsed(line, usual)
            if found is not None:
                return found
            if not self.lines.typed:
                raise click.UsageError(
                    f'the flow asks {service}, and "{line}" is no answer: {SHAPE}'
                )
            print(SHAPE)


def parsed(line: str, usual: dict[str, Any]) -> Fetched | None:
    """An answer as it is typed; nothing is the usual one."""
    text = line.strip()
    if not text:
        return Fetched(200, usual.get("answer"))
    if text in ERRORS:
        return Fetched(0, error=ERRORS[text])
    found = ANSWER.fullmatch(text)
    if found is None:
        return None
    status = int(found[1] or 200)
    if found[2] is None:
        return Fetched(status)
    document, problems = read(f"body: {found[2]}".encode(), "answer")
    if document is None or problems:
        return None
    return Fetched(status, parse_body(msgspec.json.encode(document.data["body"])))


def as_data(found: Fetched) -> dict[str, Any]:
    """An answer as scenarios have it. What cannot be written there is as good as unreachable."""
    if found.error:
        return {"fails": FAILS.get(found.error, "unreachable")}
    return {
        **({"status": found.status} if found.status != 200 else {}),
        **({"answer": found.body} if found.body is not None else {}),
    }


def plain(answer: dict[str, Any]) -> str:
    """An answer in one line."""
    body = f" {msgspec.json.encode(answer['answer']).decode()}" if "answer" in answer else ""
    return f"{answer.get('status', 200)}{body}"


def shown(answer: dict[str, Any]) -> str:
    if "fails" in answer:
        return "does not answer in time" if answer["fails"] == "timeout" else "cannot be reached"
    return f"answers {plain(answer)}"


def doubles_in(file: Path | None) -> list[Double]:
    """The lookups of a file. Its mistakes end the command."""
    if file is None:
        return []
    document, problems = read(file.read_bytes(), file.as_posix())
    if document is None or problems:
        raise click.UsageError(f"{file} cannot be read: {problems[0].message}")
    try:
        lookups = msgspec.convert(document.data, Answers).lookups
    except msgspec.ValidationError as error:
        raise click.UsageError(
            f"{file}: {error}; write `lookups:` and below it a list, as scenarios have it"
        ) from error
    for lookup in lookups:
        if len(set(METHODS) & set(written(lookup))) != 1:
            raise click.UsageError(
                f"{file}: a lookup of {lookup.service} has exactly one of get, post and put"
            )
    return [double(lookup) for lookup in lookups]
