"""Strict doubles of the systems that flows ask: each answers what it is for, and whatever was not
expected or did not come is told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from re import Pattern
from re import compile as pattern
from typing import Any
from urllib.parse import unquote

import msgspec

from flowengine.compile import Release
from flowengine.states import Fetched, Request
from flowengine.states.answer import parse_body

ERRORS: Mapping[str, str] = {"timeout": "timeout", "unreachable": "connection"}


@dataclass(frozen=True, slots=True)
class Double:
    """What one request must look like, and what comes of it. `*` in a text stands for anything;
    `times` 0 is as often as it likes.
    """

    service: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    answer: Any = None
    fails: str = ""
    times: int = 1

    def __str__(self) -> str:
        return f"{self.service}: {self.method} {self.path}"

    def _body(self) -> Any:
        """The answer as a server would read it."""
        return None if self.answer is None else parse_body(msgspec.json.encode(self.answer))

    def outcome(self) -> Fetched:
        return (
            Fetched(0, error=ERRORS[self.fails])
            if self.fails
            else Fetched(self.status, self._body())
        )


@dataclass(frozen=True, slots=True)
class Made:
    """A request that a flow made, as a person reads it."""

    service: str
    method: str
    path: str
    body: Any
    headers: Mapping[str, str]

    def __str__(self) -> str:
        body = "" if self.body is None else f" {msgspec.json.encode(self.body).decode()}"
        return f"{self.service}: {self.method} {self.path}{body}"


class Lookups:
    """The doubles of one call at work."""

    def __init__(self, doubles: Iterable[Double], addresses: Mapping[str, str]) -> None:
        self.doubles = tuple(doubles)
        self.addresses = addresses
        self.made: list[Made] = []
        self.unexpected: list[tuple[Made, str]] = []
        self._taken = [0] * len(self.doubles)

    def __call__(self, request: Request) -> Fetched:
        """The answer of the first double that fits and has not been used up; without one the system
        cannot be reached.
        """
        made = self.read(request)
        self.made.append(made)
        for place, double in enumerate(self.doubles):
            if (not double.times or self._taken[place] < double.times) and not difference(
                double, made
            ):
                self._taken[place] += 1
                return double.outcome()
        self.unexpected.append((made, self.nearest(made)))
        return Fetched(0, error="refused")

    def read(self, request: Request) -> Made:
        address = self.addresses.get(request.service, "")
        body = msgspec.json.decode(request.body) if request.body else None
        path = unquote(request.url.removeprefix(address))
        return Made(
            request.service,
            request.method,
            path,
            body,
            {name.lower(): value for name, value in request.headers.items()},
        )

    def nearest(self, made: Made) -> str:
        """Why the double that comes nearest did not answer."""
        alike = [double for double in self.doubles if double.service == made.service]
        reasons = sorted(
            (difference(double, made) or (9, "it has been used up") for double in alike),
            reverse=True,
        )
        return reasons[0][1] if reasons else f"no lookup of this scenario is for {made.service}"

    def counted(self) -> list[tuple[Double, int]]:
        """The doubles, and how often each was asked."""
        return list(zip(self.doubles, self._taken, strict=True))


def difference(double: Double, made: Made) -> tuple[int, str] | None:
    """How far a request came with a double, and what differs; None where it fits."""
    if double.service != made.service:
        return 0, f"it asks {double.service}"
    if double.method != made.method:
        return 1, f"it expects {double.method}"
    if not fits(double.path, made.path):
        return 2, f"it expects {double.path}"
    if double.body is not None and (fault := differing(double.body, made.body, "body")):
        return 3, fault
    wrong = [
        name
        for name, value in double.headers.items()
        if not fits(value, made.headers.get(name.lower(), ""))
    ]
    return (4, f"it expects the header {wrong[0]}: {double.headers[wrong[0]]}") if wrong else None


def differing(expected: Any, found: Any, where: str) -> str:
    """The first place where two bodies differ, or nothing."""
    if isinstance(expected, dict) and isinstance(found, dict):
        strangers = sorted(found.keys() - expected.keys())
        if strangers:
            return f"it expects no {where}.{strangers[0]}"
        return next(
            filter(
                None,
                (
                    differing(value, found.get(name), f"{where}.{name}")
                    for name, value in expected.items()
                ),
            ),
            "",
        )
    if expected == "*" or (
        isinstance(expected, str) and isinstance(found, str) and fits(expected, found)
    ):
        return ""
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return "" if same else f"it expects {where} {shown(expected)}, not {shown(found)}"


def shown(value: Any) -> str:
    return "to be there" if value is None else msgspec.json.encode(value).decode()


def fits(expected: str, found: str) -> bool:
    return expected == found or (
        "*" in expected and _pattern(expected).fullmatch(found) is not None
    )


@lru_cache(maxsize=256)
def _pattern(text: str) -> Pattern[str]:
    return pattern(translate(text.replace("[", "[[]").replace("?", "[?]")))


def addresses(release: Release) -> dict[str, str]:
    """The services that the flows ask, each with the address in front of its paths."""
    verbs: Iterable[Any] = (
        state.verb for program in release.programs.values() for state in program.states.values()
    )
    return {verb.service.name: verb.service.url for verb in verbs if hasattr(verb, "service")}
