"""States as facts. Whatever the model knows is read, so that no option of a state can change
unseen.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from flowengine.diff import normalisation
from flowengine.diff.difference import DiffPart
from flowengine.diff.project_facts import ExitFact, Fact, StateFacts
from flowengine.diff.prompt_facts import PromptReader, mark_inherited
from flowengine.model import Flow, Project, State
from flowengine.source import KeyPath
from flowengine.states import STATE_KINDS
from flowengine.states.choose import Choice
from flowengine.states.collect import Collect
from flowengine.states.connect_options import Connect
from flowengine.states.fetch import Fetch
from flowengine.states.field_types import SPECIAL_TARGETS, parse_millis
from flowengine.states.menu import AuthoredMenu, AuthoredOption, Submenu
from flowengine.states.split import SplitShare
from flowengine.states.spoken_input import fold_words
from flowengine.states.subflow import Subflow

PROMPT_FIELDS = frozenset(
    {"say", "prompt", "again", "no_input", "no_match", "invalid", "confirm", "intro", "hold"}
)
EXIT_FIELDS = frozenset(
    {"next", "otherwise", "failed", "answered", "person", "machine", "unsure", "beep"}
)
DURATION_FIELDS = frozenset({"timeout", "voice_timeout", "limit", "ring"})
INHERITED_FIELDS = (
    *("attempts", "timeout", "no_input", "no_match", "invalid", "otherwise"),
    *("hear_yes", "hear_no"),
)
STRUCT_ATTRIBUTES = {"continue": "continue_", "return": "return_"}


@dataclass(frozen=True, slots=True)
class FactContext:
    """What a state may draw on: its flow, and `defaults` with those of the project and of the
    engine beneath its own.
    """

    flow: Flow
    project: Project
    wording: PromptReader
    defaults: Mapping[str, Any]


@dataclass(slots=True)
class FactReader:
    """Gathers the facts of one state, or of anything else that is a typed value."""

    around: FactContext
    facts: dict[str, Fact] = field(default_factory=dict)
    ways: list[ExitFact] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)

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
        if isinstance(value, (AuthoredMenu, Collect)):
            self.add_inherited_fields(value.__struct_encode_fields__)

    def read_field(self, name: str, value: Any, path: KeyPath, prefix: str) -> None:
        label = f"{prefix}{name}"
        if value is UNSET:
            return
        if name in PROMPT_FIELDS:
            self.add_facts(*self.around.wording.read_attempts(label, value, path))
        elif name in EXIT_FIELDS:
            self.add_exit(label, value, path)
        elif isinstance(value, Mapping):
            self.read_mapping(name, value, path, prefix)
        elif isinstance(value, msgspec.Struct):
            self.read_struct(value, path, f"{label} ")
        else:
            self.add_facts(build_plain_fact(name, label, value, path))

    def read_mapping(self, name: str, value: Mapping[str, Any], path: KeyPath, prefix: str) -> None:
        if name == "options":
            self.read_options(value, path, "")
            return
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
                self.add_facts(build_value_fact("value", f"{prefix}{name} {key}", one, place))

    def add_exit(self, label: str, state: str, path: KeyPath, part: DiffPart = "exit") -> None:
        self.add_facts(Fact(part, label, state, path, leads="state"))

    def read_options(
        self, options: Mapping[str, str | AuthoredOption], path: KeyPath, prefix: str
    ) -> None:
        for key, authored in options.items():
            option = AuthoredOption(next=authored) if isinstance(authored, str) else authored
            self.read_option(f"key {prefix}{key}", f"{prefix}{key}.", option, (*path, key))
        for key, leads in self.around.flow.keys.items():
            if key not in options:
                self.add_flow_key(f"key {prefix}{key}", key, leads)

    def read_option(self, label: str, prefix: str, option: AuthoredOption, path: KeyPath) -> None:
        if option.hear:
            heard = sorted({fold_words(word) for word in option.hear})
            self.add_facts(Fact("option", f"{label} hear", ", ".join(heard), (*path, "hear")))
        if isinstance(option.menu, Submenu):
            self.add_facts(Fact("option", label, "an inner menu", path))
            self.add_facts(
                *self.around.wording.read_attempts(
                    f"{label} prompt", option.menu.prompt, (*path, "menu", "prompt")
                )
            )
            self.read_options(option.menu.options, (*path, "menu", "options"), prefix)
        elif isinstance(option.next, str):
            self.add_facts(build_option_fact(label, option.next, path))

    def add_flow_key(self, label: str, key: str, leads: str) -> None:
        self.add_facts(mark_inherited(build_option_fact(label, leads, ()), f"key {key}"))

    def add_inherited_fields(self, known: Iterable[str]) -> None:
        """What a question does not say itself."""
        for name in INHERITED_FIELDS:
            authored = self.around.defaults.get(name, UNSET)
            if name in known and authored is not UNSET and name not in self.facts:
                below = FactReader(self.around)
                below.read_field(name, authored, (), "")
                self.add_facts(
                    *(mark_inherited(fact, f"default {name}") for fact in below.facts.values())
                )


def build_option_fact(label: str, leads: str, path: KeyPath) -> Fact:
    return Fact("option", label, leads, path, leads="" if leads in SPECIAL_TARGETS else "state")


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


def read_state_facts(name: str, state: State, around: FactContext) -> StateFacts:
    path: KeyPath = ("states", name)
    reader = FactReader(around)
    kind = next(
        (
            kind
            for kind in STATE_KINDS
            if getattr(state, STRUCT_ATTRIBUTES.get(kind, kind)) is not UNSET
        ),
        "",
    )
    reader.add_facts(Fact("kind", "kind", kind or "say", path))
    reader.read_struct(state, path, without={"note", "error", *STATE_KINDS})
    if kind:
        read_verb(reader, kind, getattr(state, STRUCT_ATTRIBUTES.get(kind, kind)), (*path, kind))
    read_error(reader, name, state, path)
    used = frozenset(reader.uses).union(*(fact.uses for fact in reader.facts.values()))
    return StateFacts(name, kind or "say", path, reader.facts, tuple(reader.ways), used)


def read_verb(reader: FactReader, kind: str, verb: Any, path: KeyPath) -> None:
    special = READER_BY_KIND.get(kind)
    if special:
        special(reader, verb, path)
    elif isinstance(verb, msgspec.Struct):
        reader.read_struct(verb, path)
    elif isinstance(verb, str):
        reader.add_facts(build_plain_fact(kind, kind, verb, path))


def read_connect(reader: FactReader, verb: str | Connect, path: KeyPath) -> None:
    reader.read_struct(Connect(phone=verb) if isinstance(verb, str) else verb, path)


def read_collect(reader: FactReader, verb: Collect, path: KeyPath) -> None:
    reader.read_struct(verb, path, without=["digits"])
    reader.uses.add(f"variable {verb.into}")
    if verb.digits is not UNSET:
        least, _, most = str(verb.digits).partition("-")
        low, high = int(least), int(most or least)
        reader.add_facts(
            Fact(
                "number", "digits", str(low) if low == high else f"{low}-{high}", (*path, "digits")
            )
        )
    for key, leads in reader.around.flow.keys.items():
        reader.add_flow_key(f"key {key}", key, leads)


def read_fetch(reader: FactReader, verb: Fetch, path: KeyPath) -> None:
    """What a lookup does not say itself is its service's."""
    reader.read_struct(verb, path)
    topic = f"service {verb.service}"
    reader.uses.add(topic)
    service = reader.around.project.services.get(verb.service)
    for name in ("timeout", "retries"):
        if service and name not in reader.facts:
            reader.add_facts(
                mark_inherited(build_plain_fact(name, name, getattr(service, name), ()), topic)
            )


def read_subflow(reader: FactReader, verb: Subflow, path: KeyPath) -> None:
    reader.read_struct(verb, path, without=["flow"])
    reader.add_facts(Fact("setting", "flow", verb.flow, (*path, "flow"), leads="flow"))


def read_set(reader: FactReader, verb: Mapping[str, Any], path: KeyPath) -> None:
    for name, value in verb.items():
        reader.add_facts(
            build_value_fact(
                "value", f"set {name}", value, (*path, name), frozenset({f"variable {name}"})
            )
        )


def read_choose(reader: FactReader, verb: list[Choice], path: KeyPath) -> None:
    for index, choice in enumerate(verb):
        text = choice.when or ""
        reader.uses |= normalisation.find_topics(text)
        reader.ways.append(
            ExitFact(
                normalisation.normalise_expression(text),
                " ".join(text.split()) or "else",
                choice.next,
                (*path, index),
            )
        )


def read_split(reader: FactReader, verb: list[SplitShare], path: KeyPath) -> None:
    given = [parse_percent(share.share) for share in verb]
    rest = max(0.0, 100 - sum(share or 0 for share in given))
    for index, (share, size) in enumerate(zip(verb, given, strict=True)):
        key = f"{rest if size is None else size:g}%"
        reader.ways.append(ExitFact(key, key, share.next, (*path, index)))


def parse_percent(share: str | UnsetType) -> float | None:
    return float(share.rstrip("%")) if isinstance(share, str) else None


def read_error(reader: FactReader, name: str, state: State, path: KeyPath) -> None:
    """Where a call goes on failure, which the flow says for most of its states."""
    if isinstance(state.error, str):
        reader.add_exit("error", state.error, (*path, "error"))
    elif (shared := find_shared_error(reader.around)) and shared != name:
        reader.add_facts(
            replace(
                mark_inherited(Fact("exit", "error", shared, (), leads="state"), "error"),
                topic="error",
            )
        )


def find_shared_error(around: FactContext) -> str:
    shared = around.flow.error or around.defaults.get("error", "")
    return str(shared) if shared in around.flow.states else ""


READER_BY_KIND: Mapping[str, Callable[[FactReader, Any, KeyPath], None]] = {
    "connect": read_connect,
    "collect": read_collect,
    "fetch": read_fetch,
    "subflow": read_subflow,
    "set": read_set,
    "choose": read_choose,
    "split": read_split,
}
