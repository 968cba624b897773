"""States as facts. Whatever the model knows is read, so that no option of a state can change
unseen.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from flowengine.model import Flow, Project, State
from flowengine.releases.diff import normal
from flowengine.releases.diff.difference import Part
from flowengine.releases.diff.facts import Fact, StateFacts, Way
from flowengine.releases.diff.wording import Wording, inherited
from flowengine.source import Path
from flowengine.states import KINDS
from flowengine.states.choose import Choice
from flowengine.states.collect import Collect
from flowengine.states.connect import Connect
from flowengine.states.fetch import Fetch
from flowengine.states.fields import SPECIAL, millis
from flowengine.states.menu import Menu, Option, Submenu
from flowengine.states.split import Share
from flowengine.states.spoken_input import fold_words
from flowengine.states.subflow import Subflow

WORDS = frozenset(
    {"say", "prompt", "again", "no_input", "no_match", "invalid", "confirm", "intro", "hold"}
)
EXITS = frozenset(
    {"next", "otherwise", "failed", "answered", "person", "machine", "unsure", "beep"}
)
DURATIONS = frozenset({"timeout", "voice_timeout", "limit", "ring"})
INHERITED = (
    *("attempts", "timeout", "no_input", "no_match", "invalid", "otherwise"),
    *("hear_yes", "hear_no"),
)
ATTRIBUTES = {"continue": "continue_", "return": "return_"}


@dataclass(frozen=True, slots=True)
class Around:
    """What a state may draw on: its flow, and `defaults` with those of the project and of the
    engine beneath its own.
    """

    flow: Flow
    project: Project
    wording: Wording
    defaults: Mapping[str, Any]


@dataclass(slots=True)
class Reader:
    """Gathers the facts of one state, or of anything else that is a typed value."""

    around: Around
    facts: dict[str, Fact] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)

    def add(self, *facts: Fact) -> None:
        for fact in facts:
            self.facts[fact.label] = fact

    def struct(
        self, value: msgspec.Struct, path: Path, prefix: str = "", without: Iterable[str] = ()
    ) -> None:
        for attribute, name in zip(
            value.__struct_fields__, value.__struct_encode_fields__, strict=True
        ):
            if name not in without:
                self.part(name, getattr(value, attribute), (*path, name), prefix)
        if isinstance(value, (Menu, Collect)):
            self.inherit(value.__struct_encode_fields__)

    def part(self, name: str, value: Any, path: Path, prefix: str) -> None:
        label = f"{prefix}{name}"
        if value is UNSET:
            return
        if name in WORDS:
            self.add(*self.around.wording.worded(label, value, path))
        elif name in EXITS:
            self.exit(label, value, path)
        elif isinstance(value, Mapping):
            self.mapping(name, value, path, prefix)
        elif isinstance(value, msgspec.Struct):
            self.struct(value, path, f"{label} ")
        else:
            self.add(plain_fact(name, label, value, path))

    def mapping(self, name: str, value: Mapping[str, Any], path: Path, prefix: str) -> None:
        if name == "options":
            self.options(value, path, "")
            return
        for key, one in value.items():
            place = (*path, key)
            if name in ("on", "outcomes"):
                self.exit(f"{name.removesuffix('s')} {key}", one, place)
            elif name == "into":
                self.add(
                    expression_fact(
                        "value", f"into {key}", one, place, frozenset({f"variable {key}"})
                    )
                )
            else:
                self.add(value_fact("value", f"{prefix}{name} {key}", one, place))

    def exit(self, label: str, state: str, path: Path, part: Part = "exit") -> None:
        self.add(Fact(part, label, state, path, leads="state"))

    def options(self, options: Mapping[str, str | Option], path: Path, prefix: str) -> None:
        for key, authored in options.items():
            option = Option(next=authored) if isinstance(authored, str) else authored
            self.option(f"key {prefix}{key}", f"{prefix}{key}.", option, (*path, key))
        for key, leads in self.around.flow.keys.items():
            if key not in options:
                self.everywhere(f"key {prefix}{key}", key, leads)

    def option(self, label: str, prefix: str, option: Option, path: Path) -> None:
        if option.hear:
            heard = sorted({fold_words(word) for word in option.hear})
            self.add(Fact("option", f"{label} hear", ", ".join(heard), (*path, "hear")))
        if isinstance(option.menu, Submenu):
            self.add(Fact("option", label, "an inner menu", path))
            self.add(
                *self.around.wording.worded(
                    f"{label} prompt", option.menu.prompt, (*path, "menu", "prompt")
                )
            )
            self.options(option.menu.options, (*path, "menu", "options"), prefix)
        elif isinstance(option.next, str):
            self.add(option_fact(label, option.next, path))

    def everywhere(self, label: str, key: str, leads: str) -> None:
        self.add(inherited(option_fact(label, leads, ()), f"key {key}"))

    def inherit(self, known: Iterable[str]) -> None:
        """What a question does not say itself."""
        for name in INHERITED:
            authored = self.around.defaults.get(name, UNSET)
            if name in known and authored is not UNSET and name not in self.facts:
                below = Reader(self.around)
                below.part(name, authored, (), "")
                self.add(*(inherited(fact, f"default {name}") for fact in below.facts.values()))


def option_fact(label: str, leads: str, path: Path) -> Fact:
    return Fact("option", label, leads, path, leads="" if leads in SPECIAL else "state")


def plain_fact(name: str, label: str, value: Any, path: Path) -> Fact:
    """A single value."""
    if name in DURATIONS:
        return Fact("number", label, f"{millis(value)}ms", path, shown=value)
    if name == "valid":
        return expression_fact("condition", label, value, path)
    if isinstance(value, bool):
        return Fact("setting", label, "yes" if value else "no", path)
    if isinstance(value, int):
        return Fact("number", label, str(value), path)
    if isinstance(value, list):
        return Fact("setting", label, ", ".join(sorted(map(str, value))), path)
    text = SPELLINGS.get(name, str)(str(value))
    return Fact(
        "setting", label, normal.template(text), path, shown=text, uses=normal.used_in(text)
    )


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "phone": lambda text: text if "${" in text else text.replace(" ", ""),
    "caller_id": lambda text: text if "${" in text else text.replace(" ", ""),
    "sip": lambda text: text.removeprefix("sip:"),
}


def expression_fact(
    part: Part, label: str, text: str, path: Path, uses: frozenset[str] = frozenset()
) -> Fact:
    return Fact(
        part,
        label,
        normal.expression(text),
        path,
        shown=" ".join(text.split()),
        uses=uses | normal.used(text),
    )


def value_fact(
    part: Part, label: str, value: Any, path: Path, uses: frozenset[str] = frozenset()
) -> Fact:
    shown = value if isinstance(value, str) else ""
    return Fact(
        part, label, normal.scalar(value), path, shown=shown, uses=uses | (normal.used_in(shown))
    )


def read_state(name: str, state: State, around: Around) -> StateFacts:
    path: Path = ("states", name)
    reader = Reader(around)
    kind = next(
        (kind for kind in KINDS if getattr(state, ATTRIBUTES.get(kind, kind)) is not UNSET), ""
    )
    reader.add(Fact("kind", "kind", kind or "say", path))
    reader.struct(state, path, without={"note", "error", *KINDS})
    if kind:
        read_verb(reader, kind, getattr(state, ATTRIBUTES.get(kind, kind)), (*path, kind))
    read_error(reader, name, state, path)
    used = frozenset(reader.uses).union(*(fact.uses for fact in reader.facts.values()))
    return StateFacts(name, kind or "say", path, reader.facts, tuple(reader.ways), used)


def read_verb(reader: Reader, kind: str, verb: Any, path: Path) -> None:
    special = SPECIAL_KINDS.get(kind)
    if special:
        special(reader, verb, path)
    elif isinstance(verb, msgspec.Struct):
        reader.struct(verb, path)
    elif isinstance(verb, str):
        reader.add(plain_fact(kind, kind, verb, path))


def read_connect(reader: Reader, verb: str | Connect, path: Path) -> None:
    reader.struct(Connect(phone=verb) if isinstance(verb, str) else verb, path)


def read_collect(reader: Reader, verb: Collect, path: Path) -> None:
    reader.struct(verb, path, without=["digits"])
    reader.uses.add(f"variable {verb.into}")
    if verb.digits is not UNSET:
        least, _, most = str(verb.digits).partition("-")
        low, high = int(least), int(most or least)
        reader.add(
            Fact(
                "number", "digits", str(low) if low == high else f"{low}-{high}", (*path, "digits")
            )
        )
    for key, leads in reader.around.flow.keys.items():
        reader.everywhere(f"key {key}", key, leads)


def read_fetch(reader: Reader, verb: Fetch, path: Path) -> None:
    """What a lookup does not say itself is its service's."""
    reader.struct(verb, path)
    topic = f"service {verb.service}"
    reader.uses.add(topic)
    service = reader.around.project.services.get(verb.service)
    for name in ("timeout", "retries"):
        if service and name not in reader.facts:
            reader.add(inherited(plain_fact(name, name, getattr(service, name), ()), topic))


def read_subflow(reader: Reader, verb: Subflow, path: Path) -> None:
    reader.struct(verb, path, without=["flow"])
    reader.add(Fact("setting", "flow", verb.flow, (*path, "flow"), leads="flow"))


def read_set(reader: Reader, verb: Mapping[str, Any], path: Path) -> None:
    for name, value in verb.items():
        reader.add(
            value_fact(
                "value", f"set {name}", value, (*path, name), frozenset({f"variable {name}"})
            )
        )


def read_choose(reader: Reader, verb: list[Choice], path: Path) -> None:
    for index, choice in enumerate(verb):
        text = choice.when or ""
        reader.uses |= normal.used(text)
        reader.ways.append(
            Way(
                normal.expression(text),
                " ".join(text.split()) or "else",
                choice.next,
                (*path, index),
            )
        )


def read_split(reader: Reader, verb: list[Share], path: Path) -> None:
    given = [percent(share.share) for share in verb]
    rest = max(0.0, 100 - sum(share or 0 for share in given))
    for index, (share, size) in enumerate(zip(verb, given, strict=True)):
        key = f"{rest if size is None else size:g}%"
        reader.ways.append(Way(key, key, share.next, (*path, index)))


def percent(share: str | UnsetType) -> float | None:
    return float(share.rstrip("%")) if isinstance(share, str) else None


def read_error(reader: Reader, name: str, state: State, path: Path) -> None:
    """Where a call goes on failure, which the flow says for most of its states."""
    if isinstance(state.error, str):
        reader.exit("error", state.error, (*path, "error"))
    elif (shared := shared_error(reader.around)) and shared != name:
        reader.add(
            replace(
                inherited(Fact("exit", "error", shared, (), leads="state"), "error"), topic="error"
            )
        )


def shared_error(around: Around) -> str:
    shared = around.flow.error or around.defaults.get("error", "")
    return str(shared) if shared in around.flow.states else ""


SPECIAL_KINDS: Mapping[str, Callable[[Reader, Any, Path], None]] = {
    "connect": read_connect,
    "collect": read_collect,
    "fetch": read_fetch,
    "subflow": read_subflow,
    "set": read_set,
    "choose": read_choose,
    "split": read_split,
}
