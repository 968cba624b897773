"""What `$.Attributes.name` and its kind are in the language of flows."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from flowengine.importers.templates import write_literal

REFERENCE: Final = re.compile(
    r"\$\.[A-Za-z][A-Za-z0-9_]{0,60}"
    r"(?:\.[A-Za-z0-9_-]{1,120}|\['[^'\]]{1,120}'\]|\[\"[^\"\]]{1,120}\"\]|\[[0-9]{1,4}\]){0,12}"
)
_PART: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[([0-9]+)\]")
_SYSTEM_NAMES: Final = {
    ("CustomerEndpoint", "Address"): "call.from",
    ("SystemEndpoint", "Address"): "call.to",
    ("ContactId",): "call.id",
    ("InitialContactId",): "call.id",
    ("LanguageCode",): "call.locale",
    ("Channel",): '"VOICE"',
}
ANSWER_ROOT: Final = "External"
# roots whose values a flow has in variables; all others are of Connect alone
_VARIABLE_PREFIXES: Final = {"Attributes": "", "FlowAttributes": "flow_", ANSWER_ROOT: "answer_"}
STORED_INPUT: Final = ("StoredCustomerInput",)
CALLBACK_NUMBER: Final = ("CustomerCallBackPhoneNumber",)
TARGET_QUEUE: Final = ("Queue",)
INTENT_NAME: Final = ("Lex", "IntentName")
_NAMED_VARIABLES: Final = {
    STORED_INPUT: "stored_input",
    CALLBACK_NUMBER: "callback_number",
    INTENT_NAME: "intent",
}


class ConnectReference(msgspec.Struct, frozen=True):
    """A reference by its parts, such as Attributes and name."""

    parts: tuple[str, ...]

    @property
    def root(self) -> str:
        """Where the value comes from."""
        return self.parts[0]

    @property
    def system_name(self) -> str:
        """The name of the language that stands for it; nothing where it is a variable."""
        return _SYSTEM_NAMES.get(self.parts, "")

    @property
    def wanted_name(self) -> str:
        """What its variable should be called."""
        if self.parts in _NAMED_VARIABLES:
            return _NAMED_VARIABLES[self.parts]
        prefix = _VARIABLE_PREFIXES.get(self.root)
        if prefix is None or len(self.parts) == 1:
            return "_".join(self.parts)
        return prefix + "_".join(self.parts[1:])

    @property
    def is_set_by_flows(self) -> bool:
        """Whether actions that are imported give it its value."""
        return self.root in _VARIABLE_PREFIXES or self.parts in _NAMED_VARIABLES

    def to_body_expression(self) -> str:
        """What takes the value from the answer of a service: an empty text where it has none."""
        first = write_literal(self.parts[1])
        rest = "".join(f"[{write_literal(each)}]" for each in self.parts[1:])
        return f'{first} in body ? text(body{rest}) : ""'


def parse_reference(text: str) -> ConnectReference | None:
    """The reference, where the text is nothing else."""
    found = REFERENCE.fullmatch(text.strip())
    return to_reference(found[0]) if found else None


def to_reference(text: str) -> ConnectReference:
    parts = tuple(next(each for each in found if each) for found in _PART.findall(text[1:]))
    # keys of attributes may be written as Attributes.['key']; their parts are the same
    return ConnectReference(parts)


def iterate_references(value: Any) -> Iterator[ConnectReference]:
    """All references in the texts of a value."""
    if isinstance(value, str):
        yield from (to_reference(found) for found in REFERENCE.findall(value))
    elif isinstance(value, dict):
        for each in value.values():
            yield from iterate_references(each)
    elif isinstance(value, list):
        for each in value:
            yield from iterate_references(each)
