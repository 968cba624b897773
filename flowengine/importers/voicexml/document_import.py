"""One document on its way: names, variables, expressions, and the entries of the report."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import msgspec

from flowengine.importers.flow_parts import TEXT_LENGTH, FlowParts, ReportedImport
from flowengine.importers.import_report import ReportEntry
from flowengine.importers.project_draft import ProjectDraft, StateDraft
from flowengine.importers.unique_names import MAX_FLOW_NAME_LENGTH, UniqueNames, get_file_stem
from flowengine.importers.voicexml.ecmascript import (
    NUMBER_KIND,
    TEXT_KIND,
    ScriptError,
    ScriptReader,
    ScriptValue,
    is_decimal,
)
from flowengine.importers.voicexml.voice_document import VoiceElement

_SESSION_NAMES: Final = {
    "connection.remote.uri": "call.from",
    "connection.local.uri": "call.to",
    "connection.originator.uri": "call.from",
    "telephone.ani": "call.from",
    "telephone.dnis": "call.to",
    "callerid": "call.from",
    "calledid": "call.to",
    "sessionid": "call.id",
    "id": "call.id",
}
_SCOPES: Final = ("application", "document", "dialog", "form")
_WHOLE_NUMBER: Final = re.compile("-?[0-9]{1,15}")
_ITEM_TAGS: Final = ("field", "record", "transfer", "subdialog", "initial", "object")
_MAX_ROUNDS: Final = 8
MAX_STATES: Final = 3_000
RECORDING_LENGTH: Final = 256


class StateName(str):
    """The name of a state, told apart from texts that are alike."""

    __slots__ = ()


class DocumentLink(msgspec.Struct, frozen=True):
    """A state that leads to another document, and the element that it comes from."""

    origin: "ElementImport"
    state: str
    target: str
    is_for_good: bool


@dataclass
class VoiceProject:
    """The project that all documents of an import share."""

    draft: ProjectDraft
    flow_names: UniqueNames = field(default_factory=lambda: UniqueNames("-", MAX_FLOW_NAME_LENGTH))
    service_names: UniqueNames = field(default_factory=UniqueNames)
    documents: "list[DocumentImport]" = field(default_factory=list)
    links: list[DocumentLink] = field(default_factory=list)

    def find_document(self, address: str) -> "DocumentImport | None":
        """The imported document that an address means, by the name of its file."""
        name = re.split("[?#]", address)[0].rsplit("/", 1)[-1]
        wanted = name.rpartition(".")[0] or name
        return next((each for each in self.documents if wanted and each.stem == wanted), None)


@dataclass(kw_only=True)
class ElementImport(ReportedImport):
    """One element and what the report says of it."""

    element: VoiceElement
    document: "DocumentImport"

    def read_script(self, source: str) -> ScriptValue | None:
        """An expression; None for one that nothing stands for, which is told."""
        if "$.confidence" in source:
            self.add_remark("the platform tells no confidence in what it has heard: it counts as 1")
        try:
            return self.document.read_script(source)
        except ScriptError as error:
            self.note_loss(f"the expression {source[:60]} is left out: {error}"[:200])
            return None


@dataclass(kw_only=True)
class DocumentImport(FlowParts):
    """One document on its way."""

    project: VoiceProject
    file: str
    root: VoiceElement
    entries: dict[int, ElementImport] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    is_full: bool = False
    made_names: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    kept: list[VoiceElement] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """The name of the file without its folder and its ending."""
        return get_file_stem(self.file)

    @cached_property
    def returns(self) -> bool:
        """Whether other documents use it, and it goes back to them."""
        forms = {each.get("src") for each in self.root.walk() if each.tag == "subdialog"}
        returning = [
            form
            for form in self.root.list_children("form")
            if any(each.tag == "return" for each in form.walk())
        ]
        return any(f"#{form.get('id')}" not in forms for form in returning)

    @cached_property
    def known_names(self) -> set[str]:
        """All names that the document gives a value."""
        found: set[str] = set()
        for each in self.root.walk():
            if each.tag in ("var", "param", *_ITEM_TAGS) and each.get("name"):
                found.add(each.get("name"))
            elif each.tag == "assign":
                found.add(strip_scope(each.get("name")))
        return found

    def begin_element(self, element: VoiceElement, state: str) -> ElementImport:
        """The element with its entry, which is made at the first time."""
        key = id(element)
        if key not in self.entries:
            identifier = element.get("id") or element.get("name") or element.get("event")
            entry = ReportEntry(
                self.file,
                f"line {element.line}",
                identifier[:80],
                element.tag[:60],
                self.draft.name,
                state,
            )
            self.entries[key] = ElementImport(element=element, document=self, entry=entry)
        return self.entries[key]

    def share_entry(self, element: VoiceElement, origin: ElementImport) -> VoiceElement:
        """Have an element that is made here tell its remarks under another one."""
        self.kept.append(element)  # an element is known by its identity, so it has to live on
        self.entries[id(element)] = origin
        return element

    def build_unreported_entry(self, state: str) -> ReportEntry:
        """For words that no element holds: their remarks stand in no report."""
        return ReportEntry(self.file, "", "", "prompt", self.draft.name, state)

    def add_state(self, name: str, body: dict[str, Any], origin: ElementImport | None) -> str:
        """Add a state and give its name; a document cannot have more states than people can read."""
        if len(self.draft.states) >= MAX_STATES:
            self.is_full = True
            return self.get_end_state()
        self.draft.states[name] = StateDraft(body, origin.entry if origin else None)
        return name

    def get_hang_up_state(self) -> str:
        """The state that ends the call also where the end of the document goes back."""
        if not self.returns:
            return self.get_end_state()
        name = self.state_names.get_name("\nhang up", "hang_up")
        self.draft.states.setdefault(name, StateDraft({"hangup": None}))
        return name

    def replace_state(self, name: str, first: str, known: set[str], origin: ElementImport) -> None:
        """Have `name` do what the state `first` does, where nothing else leads to that one."""
        draft = None if first in known else self.draft.states.pop(first, None)
        if draft is None:
            self.add_state(name, {"next": first}, origin)
            return
        others = [each for each in [draft.entry, *draft.others] if each]
        self.draft.states[name] = StateDraft(draft.body, origin.entry, others=others)
        self.renamed[first] = name

    def make_state_name(self, wanted: str) -> str:
        """A name that no other state has; a `StateName`, so that it can be replaced."""
        self.made_names += 1
        name = self.state_names.get_name(f"{wanted}\n{self.made_names}", wanted, "state")
        return StateName(name)

    def get_variable(self, name: str, length: int = TEXT_LENGTH) -> str:
        """The variable of a name of the document."""
        plain = strip_scope(name)
        if plain in self.numbers:
            made = self.variable_names.get_name(plain, plain.replace(".", "_"), "value")
            self.draft.variables.setdefault(made, {"type": "integer"})
            return made
        return self.declare_text(plain, plain.replace(".", "_"), length)

    def resolve_name(self, name: str) -> ScriptValue:
        """What a name of the document stands for. Raises ScriptError."""
        plain = strip_scope(name)
        if plain.startswith("session."):
            known = _SESSION_NAMES.get(plain.removeprefix("session."))
            if known:
                return ScriptValue(known, TEXT_KIND)
        plain = plain.removesuffix("$.utterance").removesuffix("$.inputmode")
        if name.endswith("$.confidence"):
            return ScriptValue("1", NUMBER_KIND)
        if name.endswith("$.inputmode"):
            return ScriptValue("event.input", TEXT_KIND)
        owner, _, member = plain.partition(".")
        if plain in ("lastresult$", "lastresult$.utterance"):
            return ScriptValue("event.digits", TEXT_KIND)
        if member and owner in self.known_names and member in self.known_names:
            plain = member  # the result of a subdialog, which is a variable of its form
        if plain not in self.known_names:
            raise ScriptError(f"nothing gives {name[:40]} a value")
        kind = NUMBER_KIND if plain in self.numbers else TEXT_KIND
        return ScriptValue(f"vars.{self.get_variable(plain)}", kind)

    def read_script(self, source: str) -> ScriptValue:
        """An expression of ECMAScript. Raises ScriptError."""
        return ScriptReader(source, self.resolve_name).read()

    def find_numbers(self) -> None:
        """Find the variables that hold whole numbers, whatever is assigned."""
        assigned: dict[str, list[str]] = {}
        for each in self.root.walk():
            if each.tag in ("var", "assign", "param") and each.get("name"):
                name = strip_scope(each.get("name"))
                assigned.setdefault(name, []).append(each.get("expr") or each.get("value"))
            elif each.tag in _ITEM_TAGS and each.get("name"):
                assigned.setdefault(each.get("name"), []).append("''")
        self.numbers = {name for name, sources in assigned.items() if any(sources)}
        # each round finds the names that hold what the round before has found to be no number
        for _ in range(_MAX_ROUNDS):
            wrong = {
                name
                for name in self.numbers
                if not all(self._is_number(each) for each in assigned[name] if each)
            }
            self.numbers -= wrong
            self.draft.variables.clear()  # they were declared as what they are not
            if not wrong:
                break
        else:
            self.numbers.clear()
        self.draft.variables.clear()
        self.variable_names = UniqueNames()

    def _is_number(self, source: str) -> bool:
        if _WHOLE_NUMBER.fullmatch(source.strip()):
            return True
        try:
            value = self.read_script(source)
        except ScriptError:
            return False
        return value.kind == NUMBER_KIND and not is_decimal(value)


def strip_scope(name: str) -> str:
    """A name without the scope in front of it: all variables are of their flow here."""
    while name.split(".", 1)[0] in _SCOPES and "." in name:
        name = name.split(".", 1)[1]
    return name


def iterate_handlers(elements: list[VoiceElement], event: str) -> Iterator[VoiceElement]:
    """The handlers of an event, the innermost ones first."""
    for element in elements:
        for each in element.handlers:
            names = each.get("event").split() if each.tag == "catch" else [each.tag]
            if any(is_caught(name, event) for name in names) or not names:
                yield each


def is_caught(name: str, event: str) -> bool:
    """Whether a handler of this name takes the event: its whole name, or a first part of it."""
    return name in (event, ".") or event.startswith(f"{name.rstrip('.')}.")
