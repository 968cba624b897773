"""The elements of a document with their lines; entities and all that is too much are refused."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final
from xml.parsers import expat

import msgspec

from flowengine.importers.source_json import MAX_SOURCE_BYTES, ImportSourceError, clean_text

MAX_ELEMENTS: Final = 8_000
_MAX_ELEMENT_DEPTH: Final = 60
_MAX_HANDLERS: Final = 100
_MAX_ATTRIBUTE: Final = 2_000


class VoiceElement(msgspec.Struct, dict=True):
    """An element; its content are texts and elements in their order."""

    tag: str
    attributes: dict[str, str]
    line: int
    content: "list[str | VoiceElement]" = msgspec.field(default_factory=list)

    def get(self, name: str) -> str:
        """The attribute without blanks at its ends; nothing where there is none."""
        return self.attributes.get(name, "").strip()

    @property
    def children(self) -> "list[VoiceElement]":
        """The elements in it."""
        return [each for each in self.content if isinstance(each, VoiceElement)]

    def list_children(self, *tags: str) -> "list[VoiceElement]":
        """The elements in it that have one of these tags."""
        return [each for each in self.children if each.tag in tags]

    @cached_property
    def handlers(self) -> "list[VoiceElement]":
        """The handlers of events in it; what is more than anybody writes is left out."""
        found = self.list_children("catch", "noinput", "nomatch", "help", "error")
        return found[:_MAX_HANDLERS]

    @cached_property
    def settings(self) -> dict[str, str]:
        """Its properties by name."""
        return {each.get("name"): each.get("value") for each in self.list_children("property")}

    def walk(self) -> "Iterator[VoiceElement]":
        """Go through the element and all in it, in the order of the document."""
        waiting = [self]
        while waiting:
            each = waiting.pop()
            yield each
            waiting += reversed(each.children)

    @property
    def text(self) -> str:
        """All its words on one line."""
        words: list[str] = []
        waiting: list[str | VoiceElement] = [self]
        while waiting:
            each = waiting.pop()
            if isinstance(each, str):
                words.append(each)
            else:
                waiting += reversed(each.content)
        return " ".join("".join(words).split())


class _TreeReader:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.add_text
        self.parser.StartDoctypeDeclHandler = self.check_doctype
        self.parser.EntityDeclHandler = self.refuse_entity
        self.root: VoiceElement | None = None
        self.open: list[VoiceElement] = []
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise ImportSourceError(f"it has more than {MAX_ELEMENTS:,} elements")
        if len(self.open) >= _MAX_ELEMENT_DEPTH:
            raise ImportSourceError("its elements are nested too deep")
        known = {
            clean_text(key.rpartition(":")[2]): clean_text(value[:_MAX_ATTRIBUTE])
            for key, value in attributes.items()
        }
        tag = name.rpartition(":")[2]
        element = VoiceElement(tag, known, self.parser.CurrentLineNumber)
        if self.open:
            self.open[-1].content.append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, _name: str) -> None:
        self.open.pop()

    def add_text(self, text: str) -> None:
        if self.open:
            self.open[-1].content.append(clean_text(text))

    def check_doctype(
        self, _name: str, _system: str | None, _public: str | None, has_subset: int
    ) -> None:
        if has_subset:
            raise ImportSourceError("its DOCTYPE declares something: remove what stands in [ ]")

    def refuse_entity(self, *_arguments: object) -> None:
        raise ImportSourceError("it declares entities: remove them")


def read_voice_document(content: bytes) -> VoiceElement:
    """The root element. Raises ImportSourceError."""
    if len(content) > MAX_SOURCE_BYTES:
        message = f"it is too long: at most {MAX_SOURCE_BYTES:,} bytes are read"
        raise ImportSourceError(message)
    reader = _TreeReader()
    try:
        reader.parser.Parse(content, True)  # the signature of expat
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        reason = expat.ErrorString(error.code)
        raise ImportSourceError(f"it is no XML: {reason}, {place}") from error
    except (ValueError, LookupError) as error:
        raise ImportSourceError(f"it is no XML that can be read: {error}") from error
    root = reader.root
    if root is None or root.tag != "vxml":
        raise ImportSourceError("it is no VoiceXML: its first element is no <vxml>")
    if not root.list_children("form", "menu"):
        raise ImportSourceError("it has no <form> and no <menu>")
    return root
