"""What of a callback stays hidden from those who may read the journal, as the project says."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.journal.masking import STARS, masked
from flowengine.runtime.call import Call
from flowengine.runtime.engine import Record

HIDDEN = "***"
AUTHORED = frozenset({
    "name", "id", "mainMenu", "locale", "mode", "type", "transport", "indications", "format", "options", "currencyId", "applicationKey",
})  # fmt: skip
"""Parts of an answer or event that the platform or the author has worded"""
NUMBERS = frozenset({"number", "cli", "endpoint", "from", "user", "rdnis"})
SECRET = frozenset({"credentials", "custom", "callHeaders"})
"""Parts that may hold anything"""
CREDENTIALS = b'"credentials"'
_RUNS = {least: re.compile(rf"\d(?:[\s,.()-]{{0,2}}\d){{{least - 1},}}") for least in (1, 3, 5)}
_WORD = re.compile(r"\w{2,}")
_to_json = msgspec.json.Encoder().encode


class Veil(msgspec.Struct, frozen=True):
    """What to hide: `run` is the least length of rows of digits, spelled out or not (0 hides none);
    `values` are hidden wherever they stand.
    """

    numbers: bool
    words: bool
    run: int
    values: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """A text that may hold what a caller has said or pressed."""
        if self.values:
            text = without(text, self.values)
        if self.run:
            text = _RUNS[self.run].sub(lambda found: found[0].translate(STARS), text)
        return text

    def number(self, text: str) -> str:
        return masked(text) if self.numbers else self.text(text)

    def part(self, name: str, value: Any) -> Any:
        """A named part of an answer or an event."""
        if (name in AUTHORED and not isinstance(value, dict)) or value in (
            None,
            "",
        ):  # options of a menu are a list
            return value
        if name in SECRET:
            return HIDDEN if self.numbers or self.words or name == "credentials" else value
        if isinstance(value, str):
            return self.number(value) if name in NUMBERS else self.text(value)
        if isinstance(value, dict):
            return {key: self.part(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.part("", item) for item in value]
        return value

    def answer(self, body: bytes) -> bytes:
        """An answer, hidden where need be. Most answers are the same for many callers."""
        if not (self.numbers or self.words or self.run or CREDENTIALS in body):
            return body
        return (_answer if self.values else _constant_answer)(self, body)


def _answer(veil: Veil, body: bytes) -> bytes:
    return _to_json(veil.part("", msgspec.json.decode(body)))


_constant_answer = lru_cache(maxsize=1024)(_answer)


def without(text: str, words: Iterable[str]) -> str:
    """A text with stars in place of these (lower case) words, however they are written in it."""
    lower = text.lower()
    if len(lower) != len(
        text
    ):  # of the few letters that are longer in lower case, none may shift the others
        text = lower
    for word in words:
        while (at := lower.find(word)) >= 0:
            text, lower = (it[:at] + HIDDEN + it[at + len(word) :] for it in (text, lower))
    return text


def veil(record: Record, release: Release) -> Veil:
    """What to hide of this callback."""
    policy = release.journal
    numbers, words = policy.numbers == "masked", policy.words == "masked"
    guarded = record.call is None or record.call.root().flow in release.guarded
    secrets = set(secret_values(record, release)) if guarded else set[str]()
    run = (
        1
        if secrets or (guarded and release.guarded and unsure(record, release))
        else 3
        if words
        else 5
        if numbers
        else 0
    )
    values = secrets | spoken_values(record, release) if words else secrets
    if not values:
        return plain_veil(numbers, words, run)
    return Veil(
        numbers,
        words,
        run,
        frozenset(
            word for value in values for word in _WORD.findall(value.lower()) if not word.isdigit()
        ),
    )


@cache
def plain_veil(numbers: bool, words: bool, run: int) -> Veil:
    return Veil(numbers, words, run)


def spoken_values(record: Record, release: Release) -> set[str]:
    """The texts in variables that did not stand there from the beginning: they came from the
    caller, or from a lookup.
    """
    program = release.programs.get(record.flow)
    initial = program.initial if program else {}
    return {
        value
        for name, value in record.names.items()
        if value.__class__ is str
        and len(value) > 1
        and value != initial.get(name, "")
        and name.startswith("vars.")
    }


def secret_values(record: Record, release: Release) -> Iterator[str]:
    """The values of secret variables, wherever in the call they stand."""
    for flow, values in places(record):
        program = release.programs.get(flow)
        if program is not None:
            held = (
                (values.get(name, ""), program.initial.get(name, "")) for name in program.secret
            )
            yield from (str(value) for value, initial in held if value not in ("", initial))


def places(record: Record) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All values of a call by the flow that they belong to, before the step and after it."""
    yield from ((flow, record.names) for flow in {entry.flow for entry in record.trace})
    for call in (record.call, record.found.call if record.found else None):
        if call is not None:
            yield from call.value_places()


def unsure(record: Record, release: Release) -> bool:
    """Whether what came may be a secret that no variable holds: an input that would not do, or one
    of which no more is known.
    """
    found = record.found.call if record.found else None
    return record.call is None or record.repeated or asks_for_secret(found, release)


def asks_for_secret(call: Call | None, release: Release) -> bool:
    program = release.programs.get(call.flow) if call else None
    state = program.states.get(call.state) if program and call else None
    variable = getattr(state.verb, "variable", None) if state else None
    return bool(getattr(variable, "secret", False))
