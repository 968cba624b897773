"""Strict doubles of the systems that flows ask: each answers what it is for, and whatever was not
expected or did not come is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from re import Pattern
from re import compile as pattern
from typing import Any
from urllib.parse import unquote

import msgspec

from flowengine.compile import Release
from flowengine.problems import format_count
from flowengine.states import LookupRequest, LookupResult
from flowengine.states.response_body import parse_body

FETCH_ERRORS: Mapping[str, str] = {"timeout": "timeout", "unreachable": "connection"}


class ServiceDouble(msgspec.Struct, frozen=True):
    """What one request must look like, and what comes of it. `*` in a text stands for anything;
    `times` 0 is as often as it likes.
    """

    service: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    status: int = 200
    answer: Any = None
    fails: str = ""
    times: int = 1

    def __str__(self) -> str:
        return f"{self.service}: {self.method} {self.path}"

    def _parse_answer(self) -> Any:
        """The answer as a server would read it."""
        return None if self.answer is None else parse_body(msgspec.json.encode(self.answer))

    def to_fetched(self) -> LookupResult:
        return (
            LookupResult(0, error=FETCH_ERRORS[self.fails])
            if self.fails
            else LookupResult(self.status, self._parse_answer())
        )


class MadeRequest(msgspec.Struct, frozen=True):
    """A request that a flow made, as a person reads it."""

    service: str
    method: str
    path: str
    body: Any
    headers: Mapping[str, str]

    def __str__(self) -> str:
        body = "" if self.body is None else f" {msgspec.json.encode(self.body).decode()}"
        return f"{self.service}: {self.method} {self.path}{body}"


class LookupDoubles:
    """The doubles of one call at work."""

    def __init__(self, doubles: Iterable[ServiceDouble], addresses: Mapping[str, str]) -> None:
        self.doubles = tuple(doubles)
        self.addresses = addresses
        self.made_requests: list[MadeRequest] = []
        self.unexpected_requests: list[tuple[MadeRequest, str]] = []
        self._use_counts = [0] * len(self.doubles)

    def __call__(self, request: LookupRequest) -> LookupResult:
        """The answer of the first double that fits and has not been used up; without one the system
        cannot be reached.
        """
        made = self.read_request(request)
        self.made_requests.append(made)
        for place, double in enumerate(self.doubles):
            if (not double.times or self._use_counts[place] < double.times) and not find_difference(
                double, made
            ):
                self._use_counts[place] += 1
                return double.to_fetched()
        self.unexpected_requests.append((made, self.explain_mismatch(made)))
        return LookupResult(0, error="refused")

    def read_request(self, request: LookupRequest) -> MadeRequest:
        address = self.addresses.get(request.service, "")
        body = msgspec.json.decode(request.body) if request.body else None
        path = unquote(request.url.removeprefix(address))
        return MadeRequest(
            request.service,
            request.method,
            path,
            body,
            {name.lower(): value for name, value in request.headers.items()},
        )

    def explain_mismatch(self, made: MadeRequest) -> str:
        """Why the double that comes nearest did not answer."""
        alike = [double for double in self.doubles if double.service == made.service]
        reasons = sorted(
            (find_difference(double, made) or (9, "it has been used up") for double in alike),
            reverse=True,
        )
        return reasons[0][1] if reasons else f"no lookup of this scenario is for {made.service}"

    def count_uses(self) -> list[tuple[ServiceDouble, int]]:
        """The doubles, and how often each was asked."""
        return list(zip(self.doubles, self._use_counts, strict=True))


def find_difference(double: ServiceDouble, made: MadeRequest) -> tuple[int, str] | None:
    """How far a request came with a double, and what differs; None where it fits."""
    if double.service != made.service:
        return 0, f"it asks {double.service}"
    if double.method != made.method:
        return 1, f"it expects {double.method}"
    if not matches_wildcard(double.path, made.path):
        return 2, f"it expects {double.path}"
    if double.body is not None and made.body is None:
        return 3, "it expects a body"
    if double.body is not None and (fault := find_body_difference(double.body, made.body, "body")):
        return 3, fault
    wrong = [
        name
        for name, value in double.headers.items()
        if not matches_wildcard(value, made.headers.get(name.lower(), ""))
    ]
    return (4, f"it expects the header {wrong[0]}: {double.headers[wrong[0]]}") if wrong else None


def find_body_difference(expected: Any, found: Any, where: str) -> str:
    """The first place where two bodies differ, or nothing."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return _find_group_difference(expected, found, where)
    if isinstance(expected, list) and isinstance(found, list):
        return _find_list_difference(expected, found, where)
    if expected == "*" or (
        isinstance(expected, str) and isinstance(found, str) and matches_wildcard(expected, found)
    ):
        return ""
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return (
        ""
        if same
        else f"it expects {where} {format_expected(expected)}, not {format_expected(found)}"
    )


def _find_group_difference(
    expected: Mapping[str, Any], found: Mapping[str, Any], where: str
) -> str:
    if strangers := sorted(found.keys() - expected.keys()):
        return f"it expects no {where}.{strangers[0]}"
    for name, value in expected.items():
        place = f"{where}.{name}"
        if name not in found and value != "*":
            return f"it expects {place} {format_expected(value)}, which is not there"
        if name in found and (fault := find_body_difference(value, found[name], place)):
            return fault
    return ""


def _find_list_difference(expected: Sequence[Any], found: Sequence[Any], where: str) -> str:
    if len(expected) != len(found):
        count = format_count(len(expected), "item")
        return f"it expects {count} in {where}, not {len(found)}"
    pairs = enumerate(zip(expected, found, strict=True))
    faults = (find_body_difference(*pair, f"{where}[{place}]") for place, pair in pairs)
    return next(filter(None, faults), "")


def format_expected(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def matches_wildcard(expected: str, found: str) -> bool:
    return expected == found or (
        "*" in expected and _compile_wildcard(expected).fullmatch(found) is not None
    )


@lru_cache(maxsize=256)
def _compile_wildcard(text: str) -> Pattern[str]:
    return pattern(translate(text.replace("[", "[[]").replace("?", "[?]")))


def list_service_addresses(release: Release) -> dict[str, str]:
    """The services that the flows ask, each with the address in front of its paths."""
    services = (
        state.verb.lookup_service
        for program in release.programs.values()
        for state in program.states.values()
    )
    return {service.name: service.url for service in services if service}
