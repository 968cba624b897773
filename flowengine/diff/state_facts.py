"""States as facts. Whatever the model knows is read, so that no option of a state can change
unseen.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from flowengine.diff import normalisation
from flowengine.diff.difference import DiffPart
from flowengine.diff.project_facts import ExitFact, Fact, StateFacts
from flowengine.diff.prompt_facts import PromptReader, mark_inherited
from flowengine.model import Flow, Project, State
from flowengine.source import KeyPath
from flowengine.states import STATE_KINDS, AuthoredFact, StateKind
from flowengine.states.field_types import SPECIAL_TARGETS, parse_millis

PROMPT_FIELDS = frozenset(
    {
        "say",
        "prompt",
        "again",
        "no_input",
        "no_match",
        "invalid",
        "confirm",
        "intro",
        "hold",
        "estimate",
    }
)
EXIT_FIELDS = frozenset(
    {"next", "otherwise", "failed", "answered", "person", "machine", "unsure", "beep"}
)
DURATION_FIELDS = frozenset(
    {
        "timeout",
        "voice_timeout",
        "digit_timeout",
        "limit",
        "ring",
        "each",
        "wrap_up",
        "every",
        "pause",
        "in",
    }
)
INHERITED_FIELDS = (
    *("attempts", "timeout", "no_input", "no_match", "invalid", "otherwise"),
    *("hear_yes", "hear_no"),
)


class FactContext(msgspec.Struct, frozen=True):
    """What a state may draw on: its flow, and `defaults` with those of the project and of the
    engine beneath its own.
    """

    flow: Flow
    project: Project
    wording: PromptReader
    defaults: Mapping[str, Any]


class FactReader(msgspec.Struct):
    """Gathers the facts of one state, or of anything else that is a typed value."""

    context: FactContext
    facts: dict[str, Fact] = msgspec.field(default_factory=dict)
    exits: list[ExitFact] = msgspec.field(default_factory=list)
    uses: set[str] = msgspec.field(default_factory=set)

    def add_facts(self, *facts: Fact) -> None:
        for fact in facts:
            self.facts[fact.label] = fact

    def read_struct(
        self, value: msgspec.Struct, path: KeyPath, prefix: str = "", without: Iterable[str] = ()
    ) -> None:
        for attribute, name in zip(
            value.__struct_fields__, value.__struct_encode_fields__, strict=True
        ):
            if name not in without:
                self.read_field(name, getattr(value, attribute), (*path, name), prefix)

    def read_field(self, name: str, value: Any, path: KeyPath, prefix: str) -> None:
        label = f"{prefix}{name}"
        if value is UNSET:
            return
        if name in PROMPT_FIELDS:
            self.add_facts(*self.context.wording.read_attempts(label, value, path))
        elif name in EXIT_FIELDS:
            self.add_exit(label, value, path)
        elif isinstance(value, Mapping):
            self.read_mapping(name, value, path, prefix)
        elif name == "body":
            self.add_nested_values(label, value, path)
        elif isinstance(value, msgspec.Struct):
            self.read_struct(value, path, f"{label} ")
        else:
            self.add_facts(build_plain_fact(name, label, value, path))

    def read_mapping(self, name: str, value: Mapping[str, Any], path: KeyPath, prefix: str) -> None:
        for key, one in value.items():
            place = (*path, key)
            if name in ("on", "outcomes"):
                self.add_exit(f"{name.removesuffix('s')} {key}", one, place)
            elif name == "into":
                self.add_facts(
                    build_expression_fact(
                        "value", f"into {key}", one, place, frozenset({f"variable {key}"})
                    )
                )
            else:
                self.add_nested_values(f"{prefix}{name} {key}", one, place)

    def add_nested_values(self, label: str, value: Any, path: KeyPath) -> None:
        """A value, or each value of a list or a group, as `body customer.name`, `body lines[0]`."""
        if value and isinstance(value, Mapping):
            for key, one in value.items():
                self.add_nested_values(f"{label}.{key}", one, (*path, key))
        elif value and isinstance(value, list):
            for place, one in enumerate(value):
                self.add_nested_values(f"{label}[{place}]", one, (*path, place))
        else:
            self.add_facts(build_value_fact("value", label, value, path))

    def add_exit(self, label: str, state: str, path: KeyPath, part: DiffPart = "exit") -> None:
        self.add_facts(Fact(part, label, state, path, refers_to="state"))

    def read_authored_fact(self, fact: AuthoredFact, below: KeyPath) -> None:
        """What a kind says of one of its options."""
        path = (*below, *fact.path)
        if fact.form == "topic":
            self.uses.add(fact.label)
        elif fact.form == "global keys":
            for key, leads in self.context.flow.keys.items():
                if key not in fact.value:
                    self.add_flow_key(f"{fact.label}{key}", key, leads)
        elif fact.form == "service":
            self.read_service_fields(fact.label, fact.value)
        elif fact.form == "condition":
            self.uses |= normalisation.find_topics(fact.value)
            key = normalisation.normalise_expression(fact.value)
            shown = " ".join(fact.value.split()) or "else"
            self.exits.append(ExitFact(key, shown, fact.target, path))
        elif fact.form == "share":
            self.exits.append(ExitFact(fact.value, fact.value, fact.target, path))
        elif fact.form == "prompt":
            self.add_facts(*self.context.wording.read_attempts(fact.label, fact.value, path))
        else:
            self.add_facts(FACT_BY_FORM[fact.form](fact, path))

    def read_service_fields(self, service: str, names: Iterable[str]) -> None:
        """What a state does not say itself is its service's."""
        known = self.context.project.services.get(service)
        for name in names:
            if known and name not in self.facts:
                fact = build_plain_fact(name, name, getattr(known, name), ())
                self.add_facts(mark_inherited(fact, f"service {service}"))

    def add_flow_key(self, label: str, key: str, leads: str) -> None:
        self.add_facts(mark_inherited(build_option_fact(label, leads, ()), f"key {key}"))

    def add_inherited_fields(self, known: Iterable[str]) -> None:
        """What a question does not say itself."""
        for name in INHERITED_FIELDS:
            authored = self.context.defaults.get(name, UNSET)
            if name in known and authored is not UNSET and name not in self.facts:
                below = FactReader(self.context)
                below.read_field(name, authored, (), "")
                self.add_facts(
                    *(mark_inherited(fact, f"default {name}") for fact in below.facts.values())
                )


FACT_BY_FORM: Mapping[str, Callable[[AuthoredFact, KeyPath], Fact]] = {
    "text": lambda fact, path: Fact("option", fact.label, fact.value, path),
    "number": lambda fact, path: Fact("number", fact.label, fact.value, path),
    "flow": lambda fact, path: Fact("setting", fact.label, fact.value, path, refers_to="flow"),
    "target": lambda fact, path: build_option_fact(fact.label, fact.value, path),
    "value": lambda fact, path: build_value_fact(
        "value", fact.label, fact.value, path, fact.topics
    ),
}


def build_option_fact(label: str, leads: str, path: KeyPath) -> Fact:
    return Fact("option", label, leads, path, refers_to="" if leads in SPECIAL_TARGETS else "state")


def build_plain_fact(name: str, label: str, value: Any, path: KeyPath) -> Fact:
    """A single value."""
    if name in DURATION_FIELDS:
        return Fact("number", label, f"{parse_millis(value)}ms", path, shown=value)
    if name == "valid":
        return build_expression_fact("condition", label, value, path)
    if isinstance(value, bool):
        return Fact("setting", label, "yes" if value else "no", path)
    if isinstance(value, int):
        return Fact("number", label, str(value), path)
    if isinstance(value, list):
        return Fact("setting", label, ", ".join(sorted(map(str, value))), path)
    text = NORMALISER_BY_FIELD.get(name, str)(str(value))
    return Fact(
        "setting",
        label,
        normalisation.normalise_template(text),
        path,
        shown=text,
        uses=normalisation.find_template_topics(text),
    )


NORMALISER_BY_FIELD: Mapping[str, Callable[[str], str]] = {
    "phone": lambda text: text if "${" in text else text.replace(" ", ""),
    "caller_id": lambda text: text if "${" in text else text.replace(" ", ""),
    "sip": lambda text: text.removeprefix("sip:"),
}


def build_expression_fact(
    part: DiffPart, label: str, text: str, path: KeyPath, uses: frozenset[str] = frozenset()
) -> Fact:
    return Fact(
        part,
        label,
        normalisation.normalise_expression(text),
        path,
        shown=" ".join(text.split()),
        uses=uses | normalisation.find_topics(text),
    )


def build_value_fact(
    part: DiffPart, label: str, value: Any, path: KeyPath, uses: frozenset[str] = frozenset()
) -> Fact:
    shown = value if isinstance(value, str) else ""
    return Fact(
        part,
        label,
        normalisation.format_scalar(value),
        path,
        shown=shown,
        uses=uses | (normalisation.find_template_topics(shown)),
    )


def read_state_facts(name: str, state: State, context: FactContext) -> StateFacts:
    path: KeyPath = ("states", name)
    reader = FactReader(context)
    given = [one for one in STATE_KINDS.values() if getattr(state, one.attribute) is not UNSET]
    beside = [one for one in given if one.compile_assignments]
    kind = next((one for one in given if one not in beside), next(iter(beside), None))
    name_of_kind = kind.name if kind else "say"
    reader.add_facts(Fact("kind", "kind", name_of_kind, path))
    reader.read_struct(state, path, without={"note", "error", *STATE_KINDS})
    for one in [kind, *(one for one in beside if one is not kind)] if kind else []:
        read_verb(reader, one, getattr(state, one.attribute), (*path, one.name))
    read_error(reader, name, state, path)
    used = frozenset(reader.uses).union(*(fact.uses for fact in reader.facts.values()))
    return StateFacts(name, name_of_kind, path, reader.facts, tuple(reader.exits), used)


def read_verb(reader: FactReader, kind: StateKind, authored: Any, path: KeyPath) -> None:
    """The options of a kind: what it says of them itself, each in its place, and the others by
    their names.
    """
    long_form = kind.expand(authored)
    by_option: dict[Any, list[AuthoredFact]] = {}
    for fact in kind.list_facts(long_form):
        by_option.setdefault(fact.path[0] if fact.path else None, []).append(fact)
    unplaced = by_option.pop(None, [])
    if isinstance(long_form, msgspec.Struct):
        read_options(reader, long_form, by_option, path)
    elif isinstance(long_form, str):
        reader.add_facts(build_plain_fact(kind.name, kind.name, long_form, path))
    else:
        unplaced = [*unplaced, *(fact for facts in by_option.values() for fact in facts)]
    if kind.has_defaults:
        reader.add_inherited_fields(long_form.__struct_encode_fields__)
    for fact in unplaced:
        reader.read_authored_fact(fact, path)


def read_options(
    reader: FactReader,
    authored: msgspec.Struct,
    by_option: Mapping[Any, list[AuthoredFact]],
    path: KeyPath,
) -> None:
    for attribute, name in zip(
        authored.__struct_fields__, authored.__struct_encode_fields__, strict=True
    ):
        if name not in by_option:
            reader.read_field(name, getattr(authored, attribute), (*path, name), "")
        for fact in by_option.get(name, ()):
            reader.read_authored_fact(fact, path)


def read_error(reader: FactReader, name: str, state: State, path: KeyPath) -> None:
    """Where a call goes on failure, which the flow says for most of its states."""
    if isinstance(state.error, str):
        reader.add_exit("error", state.error, (*path, "error"))
    elif (shared := find_shared_error(reader.context)) and shared != name:
        reader.add_facts(
            replace(
                mark_inherited(Fact("exit", "error", shared, (), refers_to="state"), "error"),
                topic="error",
            )
        )


def find_shared_error(context: FactContext) -> str:
    shared = context.flow.error or context.defaults.get("error", "")
    return str(shared) if shared in context.flow.states else ""
