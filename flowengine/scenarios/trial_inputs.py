"""Inputs to try on a flow: keys, numbers, responses of other systems, callers, times.

Nothing here is certain. Values come from what the author wrote (literals, tables, choices) and from
the kinds of variables; the search that tries them finds out which lead to something new.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import msgspec

from flowengine.compile import Program, Release
from flowengine.expr import Expression
from flowengine.expr.compared_texts import find_compared_texts
from flowengine.limits import MAX_INTEGER_DIGITS
from flowengine.scenarios.call_setup import (
    DEFAULT_TIME,
    build_call_setup,
    find_route_fault,
    is_placed_by_flows,
)
from flowengine.scenarios.sample_bodies import to_body
from flowengine.scenarios.sample_texts import choose_sample_text
from flowengine.scenarios.scenario_given import Given
from flowengine.states import Variable
from flowengine.states.verb import Verb

COMPARISON_PATTERN = re.compile(r'vars\.(\w+)\s*(?:==|!=|<=|>=|<|>)\s*("[^"]*"|-?\d+(?:\.\d+)?)')
MIN_HIDDEN_CHARACTERS = 3
MAX_BODIES = 100  # of one lookup
MAX_COMBINED = 4  # from so many values on, each is varied by itself
TRIAL_TIMES = (
    DEFAULT_TIME,
    "2026-03-02 23:00",
    "2026-03-02 15:00",
    "2026-03-02 06:30",
    "2026-12-25 12:00",
)
TRIAL_VALUES: Mapping[str, tuple[Any, ...]] = {
    "text": (), "digits": ("1234",), "integer": (2, 0, 30), "decimal": (12.5,), "boolean": (True, False),
    "date": ("2026-12-24", "2026-01-15"), "time": ("14:30",), "choice": (),
}  # fmt: skip
JsonObject = dict[str, Any]


class TrialInputs(msgspec.Struct, frozen=True):
    """What to try in one project. `words` are the keys of its tables and the texts in them;
    `hidden` the values of secret variables that stand in the flows, which are tried nowhere.
    """

    release: Release
    words: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    literals: dict[str, dict[str, list[Any]]] = msgspec.field(default_factory=dict)
    hidden: tuple[str, ...] = ()

    @classmethod
    def from_release(
        cls, release: Release, tables: Mapping[str, Any], secrets: tuple[str, ...] = ()
    ) -> "TrialInputs":
        found: dict[str, dict[str, list[Any]]] = {}
        for name, program in release.programs.items():
            for variable, text in COMPARISON_PATTERN.findall(program.document.text):
                found.setdefault(name, {}).setdefault(variable, []).extend(list_nearby_values(text))
            for variable in program.variables:
                compared = find_compared_texts(program.document.text, f"vars.{variable}")
                found.setdefault(name, {}).setdefault(variable, []).extend(
                    word for _, word in compared
                )
        hidden = secret_values(release, found)
        known = tuple(
            word for word in dict.fromkeys(list_table_words(tables)) if word not in hidden
        )
        return cls(release, known, secrets, found, hidden)

    def list_values(self, program: Program, variable: Variable) -> list[Any]:
        """Values of a variable that make a difference, as far as can be told; the first is an
        ordinary one.
        """
        written = [
            value
            for value in self.literals.get(program.flow, {}).get(variable.name, ())
            if value != ""
        ]
        usual = (choose_sample_text(variable),) if variable.kind == "text" else ()
        tried = dict.fromkeys([*variable.choices, *usual, *TRIAL_VALUES[variable.kind], *written])
        return [value for value in tried if str(value) not in self.hidden] or [""]

    def list_moves(self, program: Program, state: str, attempts: int) -> list[JsonObject | str]:
        """What a caller can do where this state asks."""
        keys = program.states[state].verb.list_sample_keys(self.words, attempts)
        return [
            *({"press": one} for one in keys if one.removesuffix("#") not in self.hidden),
            "stays silent",
        ]

    def list_answers(self, place: tuple[str, str]) -> list[JsonObject]:
        """What the system that a state asks may answer; the first is what it is asked for."""
        program = self.release.programs[place[0]]
        verb = program.states[place[1]].verb
        good = [{"answer": body} if body else {} for body in self.list_bodies(program, verb)]
        return [
            *(item for at, item in enumerate(good) if item not in good[:at]),
            *map(to_failed_answer, sorted(verb.lookup_statuses)),
            {"fails": "unreachable"},
        ]

    def list_bodies(self, program: Program, verb: Verb) -> Iterator[Any]:
        """Bodies with values for all that the state reads from them."""
        read = [
            (item.value.text, self.list_values(program, item.variable))
            for item in verb.list_written_values()
            if isinstance(item.value, Expression)
        ]
        texts = [text for text, _ in read]
        for chosen in list_combinations([values for _, values in read]):
            yield to_body(texts, chosen)

    def list_given_variants(self, flow: str) -> list[JsonObject]:
        """Ways in which a call can come to a flow."""
        program = self.release.programs[flow]
        text = program.document.text
        ways = [
            way
            for way in self.list_entry_variants(program)
            if not find_route_fault(self.release, flow, to_given(way), Given())
        ]
        times = TRIAL_TIMES if re.search(r"\b(hours|now)\.", text) else (DEFAULT_TIME,)
        timed = [
            {**way, **({"time": time} if time != DEFAULT_TIME else {})}
            for time in times
            for way in ways
        ]
        # callers and missing secrets do not depend on the way, so one way is enough for them
        first = ways[:1]
        more = self.list_secret_variants(text)
        if not any("placed" in way for way in first):  # nobody calls where the call is placed
            more += list_caller_variants(text)
        known = dict.fromkeys(
            state.verb.known_callers[0]
            for state in program.states.values()
            if state.verb.known_callers
        )
        members = [{**way, "caller": number} for number in known for way in ways]
        return timed + members + [{**way, **variant} for way in first for variant in more]

    def list_secret_variants(self, text: str) -> list[JsonObject]:
        """Each secret missing from the environment, where the flow reads secrets."""
        names = self.secrets if "${secrets." in text else ()
        return [{"environment": {name: ""}} for name in names]

    def list_entry_variants(self, program: Program) -> Iterator[JsonObject]:
        flow = program.flow
        origins = {route.origin for route in self.release.routes if route.flow == flow}
        if origins - {"server"} or (not self.release.routes and program.start):
            yield {}
            yield from ({"to": to} for to in self.list_dialled_addresses(program))
        starts_with_data = program.start and not origins and program.signature.inputs
        if program.answered or "server" in origins or starts_with_data:
            yield from self.list_placed_variants(program)

    def list_placed_variants(self, program: Program) -> Iterator[JsonObject]:
        """Ways to place a call, with inputs and without."""
        samples = {
            item.name: self.list_values(program, item)[0] for item in program.signature.inputs
        }
        kinds = ("tts", "conference") if program.answered else ("custom",)
        if is_placed_by_flows(self.release, program.flow):
            kinds = ("flow",)
        for kind in kinds:
            yield {"placed": kind, "data": samples}
            yield {"placed": kind}

    def list_dialled_addresses(self, program: Program) -> Iterator[str]:
        """What else might be dialled."""
        yield from re.findall(r'call\.to\s*==\s*"([^"]+)"', program.document.text)
        if "call.to" not in program.document.text:
            return
        usual = build_call_setup(self.release, program.flow, Given()).to
        for word in self.words:
            if word.startswith("+"):
                yield f"{word}5550100000"[:12]
            elif "@" in usual:
                yield f"{word}@{usual.partition('@')[2]}"


def secret_values(
    release: Release, literals: Mapping[str, Mapping[str, list[Any]]]
) -> tuple[str, ...]:
    """What secret variables begin with or are compared with, the longest first. Shorter values
    stand in too much else to be kept out of it.
    """
    found = {
        str(value)
        for program in release.programs.values()
        for name, variable in program.variables.items()
        if variable.secret
        for value in (variable.default, *literals.get(program.flow, {}).get(name, ()))
    }
    return tuple(
        sorted((value for value in found if len(value) >= MIN_HIDDEN_CHARACTERS), key=len)
    )[::-1]


def list_caller_variants(text: str) -> list[JsonObject]:
    """Callers that make a difference to a flow of this text. Shares of a split are drawn by the
    number, so many callers meet all of them.
    """
    found: list[JsonObject] = [
        {"caller": f"{prefix}5550123456"[:12]}
        for prefix in re.findall(r'call\.from\b[^\n"]*"(\+\d+)"', text)
    ]
    if "call.from" in text:
        found.append({"caller": "private"})
    if re.search(r"\bsplit:", text):
        found += [{"caller": f"+1404555{number:04}"} for number in range(100, 400)]
    return found


def list_combinations(values: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    """Combinations with one value of each, first the first of each: all where they are few, else
    those in which a single value is another.
    """
    if len(values) < MAX_COMBINED and prod(map(len, values)) <= MAX_BODIES:
        yield from map(list, product(*values))
        return
    usual = [each[0] for each in values]
    yield usual
    for at, each in enumerate(values):
        for value in each[1:]:
            yield [*usual[:at], value, *usual[at + 1 :]]


def to_failed_answer(status: str) -> JsonObject:
    """The answer with a status such as `404`, `5xx` or `timeout`."""
    return (
        {"fails": "timeout"} if status == "timeout" else {"status": int(status.replace("x", "0"))}
    )


def to_given(way: JsonObject) -> Given:
    return Given(**way)


def list_nearby_values(text: str) -> list[Any]:
    """A literal, and of a number those beside it."""
    if text.startswith('"'):
        return [text[1:-1]]
    number = float(text) if "." in text else int(text[:MAX_INTEGER_DIGITS])
    return [number, number + 1, number - 1]


def list_table_words(data: Any) -> Iterator[str]:
    """The keys and texts of tables, where callers could know them."""
    for table in data.values() if isinstance(data, dict) else ():
        for key, row in (table.get("rows") or {}).items() if isinstance(table, dict) else ():
            yield str(key)
            yield from (
                value
                for value in row.values()
                if isinstance(value, str) and re.fullmatch(r"[0-9]{2,8}", value)
            )
