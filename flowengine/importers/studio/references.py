"""What `flow.variables.name` and its kind are in the language of flows."""

import re
from typing import Final

import msgspec

from flowengine.importers.templates import write_literal

_PATH_PART: Final = re.compile(
    r"\.? *(?P<name>[A-Za-z0-9_-]+)|\['(?P<single>[^'\]]+)'\]|\[\"(?P<double>[^\"\]]+)\"\]"
    r"|\[(?P<place>[0-9]{1,4})\]"
)
LIQUID_PATH: Final = re.compile(
    r"[A-Za-z_][A-Za-z0-9_-]{0,120}"
    r"(?:\. ?[A-Za-z0-9_-]{1,120}|\['[^'\]]{1,120}'\]|\[\"[^\"\]]{1,120}\"\]|\[[0-9]{1,4}\]){0,12}"
)
_LIQUID_NAMES: Final[dict[tuple[str, ...], str]] = {
    ("trigger", "call", "From"): "call.from",
    ("trigger", "call", "Caller"): "call.from",
    ("contact", "channel", "address"): "call.from",
    ("trigger", "call", "To"): "call.to",
    ("trigger", "call", "Called"): "call.to",
    ("flow", "channel", "address"): "call.to",
    ("trigger", "call", "CallSid"): "call.id",
    ("trigger", "call", "ForwardedFrom"): "call.redirected_from",
    ("trigger", "call", "Direction"): '"inbound"',
}
_INPUT_PREFIXES: Final = (
    ("flow", "data"),
    ("trigger", "parent", "parameters"),
    ("trigger", "request", "parameters"),
)
INPUT_FIELDS: Final = frozenset(("Digits", "SpeechResult"))
ANSWER_FIELDS: Final = frozenset(("parsed", "body", "status_code"))


class StudioReference(msgspec.Struct, frozen=True):
    """A reference by its parts, such as flow, variables and name; places in lists are numbers."""

    parts: tuple[str, ...]

    @property
    def system_name(self) -> str:
        """The name of the language that stands for it; nothing where it is a variable."""
        return _LIQUID_NAMES.get(self.parts, "")

    @property
    def is_variable(self) -> bool:
        """Whether it is a variable of the flow."""
        return self.parts[:2] == ("flow", "variables") and len(self.parts) > 2

    @property
    def is_input(self) -> bool:
        """Whether it is handed in, by another flow or by who places the call."""
        return any(self.parts[: len(each)] == each for each in _INPUT_PREFIXES) and (
            len(self.parts) > 2
        )

    @property
    def widget(self) -> str:
        """The widget whose result it is; nothing where it is of none."""
        return self.parts[1] if self.parts[0] == "widgets" and len(self.parts) > 2 else ""

    @property
    def wanted_name(self) -> str:
        """What its variable should be called."""
        for prefix in (("flow", "variables"), *_INPUT_PREFIXES):
            if self.parts[: len(prefix)] == prefix and len(self.parts) > len(prefix):
                return "_".join(self.parts[len(prefix) :])
        if self.widget:
            kept = (each for each in self.parts[2:] if each not in ("parsed", "variables"))
            return "_".join((self.widget, *kept))
        return "_".join(self.parts)

    def to_body_expression(self) -> str:
        """What takes the value from the answer of a service: an empty text where it has none."""
        if self.parts[2] == "status_code":
            return "text(status)"
        names = list(self.parts[3:])
        if not names or self.parts[2] == "body":
            return "text(body)"
        counts = len(names) > 1 and names[-1] == "size"
        last = names.pop() if counts else ""
        rest = "".join(f"[{each if each.isdecimal() else write_literal(each)}]" for each in names)
        value = f"size(body{rest})" if last else f"body{rest}"
        if names[0].isdecimal():
            return f"text({value})"
        return f'{write_literal(names[0])} in body ? text({value}) : ""'


def to_reference(text: str) -> StudioReference:
    """The reference that a text has matched as."""
    parts = (
        each["name"] or each["single"] or each["double"] or each["place"]
        for each in _PATH_PART.finditer(text)
    )
    return StudioReference(tuple(parts))
