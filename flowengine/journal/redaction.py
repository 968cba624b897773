"""What of a callback stays hidden from those who may read the journal, as the project says."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.model.project_file import Journal
from flowengine.runtime.call_state import Call
from flowengine.runtime.engine import CallbackRecord
from flowengine.sinch.address_mask import mask_address
from flowengine.sinch.digit_mask import DIGIT_MASK
from flowengine.states.call_offer import is_room_of_ring

REDACTED_TEXT = "***"
AUTHORED_PARTS = frozenset({
    "name", "id", "mainMenu", "locale", "mode", "type", "transport", "indications", "format", "options", "currencyId", "applicationKey",
    "menuId", "moh", "callResourceUrl",
})  # fmt: skip
"""Parts of an answer or event that the platform or the author has worded"""
NUMBER_PARTS = frozenset({"number", "cli", "endpoint", "from", "user", "rdnis"})
ROOM_PARTS = frozenset({"conferenceId", "endpoint"})
"""Parts that name a conference. Only names that the server has made are sure to quote nobody"""
FREE_TEXT_PARTS = frozenset({"credentials", "custom", "callHeaders"})
"""Parts that may hold anything"""
MAX_CACHED_POLICIES = 64
MAX_CACHED_NAMES = 1024
SECRET_DIGIT_RUN = 1  # each digit of a call that may hold a secret is hidden
CREDENTIALS_KEY = b'"credentials"'
_DIGIT_RUN_PATTERNS = {
    least: re.compile(rf"\d(?:[\s,.()-]{{0,2}}\d){{{least - 1},}}") for least in (1, 3, 5)
}
_WORD_PATTERN = re.compile(r"\w{2,}")
_to_json = msgspec.json.Encoder().encode


class Redaction(msgspec.Struct, frozen=True):
    """What to hide: `run` is the least length of rows of digits, spelled out or not (0 hides none);
    `values` are hidden wherever they stand.
    """

    numbers: bool
    words: bool
    run: int
    values: frozenset[str] = frozenset()

    def redact_text(self, text: str) -> str:
        """A text that may hold what a caller has said or pressed."""
        return mask_digit_runs(self._redact_values(text), self.run)

    def redact_number(self, text: str) -> str:
        """A number or address. Where numbers are in clear, only a secret may hide one."""
        if self.numbers:
            return mask_address(text)
        found = self._redact_values(text)
        return mask_digit_runs(found, self.run) if self.run == SECRET_DIGIT_RUN else found

    def _redact_values(self, text: str) -> str:
        return redact_words(text, self.values) if self.values else text

    def redact_part(self, name: str, value: Any) -> Any:
        """A named part of an answer or an event."""
        if name in FREE_TEXT_PARTS:
            is_hidden = self.numbers or self.words or name == "credentials"
            return REDACTED_TEXT if is_hidden and value not in (None, "") else value
        kind = value.__class__
        # `options` of a menu are a list of the author's, those of a recording a dict
        if kind is dict:
            return {key: self.redact_part(key, item) for key, item in value.items()}
        if not value or name in AUTHORED_PARTS:
            return value
        if kind is str:
            return self._redact_named_text(name, value)
        if kind is list:
            return [self.redact_part("", item) for item in value]
        return value

    def _redact_named_text(self, name: str, value: str) -> str:
        if name in ROOM_PARTS and is_room_of_ring(value):
            return value
        return self.redact_number(value) if name in NUMBER_PARTS else self.redact_text(value)

    def redact_answer(self, body: bytes) -> bytes:
        """An answer, hidden where need be."""
        if not (self.numbers or self.words or self.run or CREDENTIALS_KEY in body):
            return body
        return _to_json(self.redact_part("", msgspec.json.decode(body)))


def mask_digit_runs(text: str, run: int) -> str:
    """A text with stars in place of rows of digits that are at least so long; 0 hides none."""
    if not run or text.isalpha():  # the usual word, without an expression
        return text
    return _DIGIT_RUN_PATTERNS[run].sub(lambda found: found[0].translate(DIGIT_MASK), text)


def may_hold_words(body: str, words: Iterable[str]) -> bool:
    """Whether JSON may have one of these (lower case) words in one of its texts. Words hold no
    character that JSON must escape; what is escaped all the same may be anything.
    """
    lower = body.lower()
    return "\\u" in lower or any(word in lower for word in words)


def redact_words(text: str, words: Iterable[str]) -> str:
    """A text with stars in place of these (lower case) words, however they are written in it."""
    lower = text.lower()
    if len(lower) != len(
        text
    ):  # of the few letters that are longer in lower case, none may shift the others
        text = lower
    for word in words:
        while (at := lower.find(word)) >= 0:
            text, lower = (it[:at] + REDACTED_TEXT + it[at + len(word) :] for it in (text, lower))
    return text


def build_redaction(record: CallbackRecord, release: Release) -> Redaction:
    """What to hide of this callback."""
    policy = release.journal
    secrets: set[str] = set()
    has_secret = False
    if release.secret_flows and is_guarded(record.call, release):
        secrets.update(find_secret_values(record, release))
        has_secret = bool(secrets) or may_contain_secret(record, release)
    plain = build_plain_redaction(policy, has_secret)
    values = find_caller_values(record, release) | secrets if plain.words else secrets
    if not values:
        return plain
    return msgspec.structs.replace(
        plain,
        values=frozenset(
            word
            for value in values
            for word in _WORD_PATTERN.findall(value.lower())
            if not word.isdigit()
        ),
    )


def is_guarded(call: Call | None, release: Release) -> bool:
    """Whether a call may hold a secret; so may one of which no more is known."""
    if call is None:
        return True
    flow = call.stack[0].flow if call.stack else call.flow
    return flow in release.secret_flows or flow not in release.programs


def choose_digit_run(*, has_secret: bool, words: bool, numbers: bool) -> int:
    """How many digits in a row are hidden; 0 hides none."""
    if has_secret:
        return SECRET_DIGIT_RUN
    if words:
        return 3
    return 5 if numbers else 0


@lru_cache(maxsize=MAX_CACHED_POLICIES)
def build_plain_redaction(policy: Journal, has_secret: bool) -> Redaction:
    """What to hide of a callback that holds no values to hide."""
    numbers, words = policy.numbers == "masked", policy.words == "masked"
    run = choose_digit_run(has_secret=has_secret, words=words, numbers=numbers)
    return Redaction(numbers, words, run)


def find_caller_values(record: CallbackRecord, release: Release) -> set[str]:
    """The texts in variables that did not stand there from the beginning: they came from the
    caller, or from a lookup.
    """
    found, values = set(), record.names
    for name in list_variables(tuple(values)):
        value = values[name]
        if value and value.__class__ is str and len(value) > 1:
            program = release.programs.get(record.flow)
            if value != (program.initial if program else {}).get(name, ""):
                found.add(value)
    return found


@lru_cache(maxsize=MAX_CACHED_NAMES)
def list_variables(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of these names that are variables: the steps of a flow have few sets of names."""
    return tuple(name for name in names if name.startswith("vars."))


def find_secret_values(record: CallbackRecord, release: Release) -> Iterator[str]:
    """The values of secret variables, wherever in the call they stand."""
    for flow, values in iter_record_values(record):
        program = release.programs.get(flow)
        if program is not None:
            held = (
                (values.get(name, ""), program.initial.get(name, ""))
                for name in program.secret_names
            )
            yield from (str(value) for value, initial in held if value not in ("", initial))


def iter_record_values(record: CallbackRecord) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All values of a call by the flow that they belong to, before the step and after it."""
    yield from ((flow, record.names) for flow in {entry.flow for entry in record.trace})
    for call in (record.call, record.located.call if record.located else None):
        if call is not None:
            yield from call.iter_flow_values()


def may_contain_secret(record: CallbackRecord, release: Release) -> bool:
    """Whether what came may be a secret that no variable holds: an input that would not do, or one
    of which no more is known.
    """
    found = record.located.call if record.located else None
    return record.call is None or record.repeated or is_asking_for_secret(found, release)


def is_asking_for_secret(call: Call | None, release: Release) -> bool:
    program = release.programs.get(call.flow) if call else None
    state = program.states.get(call.state) if program and call else None
    return state is not None and state.verb.asks_for_secret
