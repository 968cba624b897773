"""What callers hear: the words, values, recordings and pauses of prompts."""

import re
from typing import Any, Final

from flowengine.importers.templates import (
    LANGUAGE,
    PART_LENGTH,
    SPOKEN_LENGTH,
    escape_words,
    split_spoken_text,
    to_recording_name,
)
from flowengine.importers.voicexml.document_import import ElementImport
from flowengine.importers.voicexml.ecmascript import ScriptError
from flowengine.importers.voicexml.voice_document import VoiceElement
from flowengine.limits import MAX_PAUSE_MILLIS

SPOKEN_TAGS: Final = frozenset(("prompt", "audio", "value", "enumerate", "break"))
_PLAIN_TAGS: Final = frozenset(
    ("p", "s", "paragraph", "sentence", "emphasis", "prosody", "voice", "say-as", "sub", "mark",
     "sayas", "emp", "div", "pros", "speak", "phoneme", "lang", "desc")
)  # fmt: skip
_CHARACTERS: Final = (
    "characters",
    "digits",
    "spell-out",
    "telephone",
    "vxml:digits",
    "number:digits",
)
_SECONDS: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s)?")
_PAUSES: Final = {"none": 0, "x-small": 200, "small": 400, "weak": 400, "medium": 800,
                  "large": 1500, "strong": 1500, "x-strong": 2500}  # fmt: skip
_MAX_PARTS: Final = 30


class PromptWriter:
    """Collects the parts of one prompt."""

    def __init__(self, origin: ElementImport, choices: str = "") -> None:
        self.origin = origin
        self.parts: list[Any] = []
        self.words = ""
        self.choices = choices

    def add(self, content: list["str | VoiceElement"], *, is_spelt: bool = False) -> None:
        """Add texts and elements in their order."""
        for each in content:
            if isinstance(each, str):
                self.words += escape_words(each)
            elif each.tag == "value":
                self.add_value(each, is_spelt=is_spelt)
            elif each.tag == "break":
                self.add_pause(each)
            elif each.tag == "audio":
                self.add_recording(each)
            elif each.tag == "enumerate":
                self.words += f" {self.choices} "
            elif each.tag == "sub" and each.get("alias"):
                self.words += escape_words(each.get("alias"))
            elif each.tag in _PLAIN_TAGS or each.tag == "prompt":
                spelt = is_spelt or each.get("interpret-as") in _CHARACTERS
                self.add(each.content, is_spelt=spelt)
            else:
                self.origin.note_change(f"nothing stands for <{each.tag[:30]}>: its words are said")
                self.add(each.content, is_spelt=is_spelt)

    def add_value(self, element: VoiceElement, *, is_spelt: bool) -> None:
        document = self.origin.document
        origin = document.begin_element(element, self.origin.entry.state)
        value = origin.read_script(element.get("expr"))
        if value is None:
            self.origin.note_change("a value in it is not spoken")
            return
        for name in re.findall(r"vars\.(\w+)", value.code):
            declared = document.draft.variables.get(name, {})
            if declared.get("type") == "text":
                declared["max"] = max(declared["max"], SPOKEN_LENGTH)
        self.words += f"${{{f'spell({value.to_text()})' if is_spelt else value.code}}}"

    def add_pause(self, element: VoiceElement) -> None:
        millis = read_millis(element.get("time") or element.get("msecs"))
        if millis is None:
            size = element.get("strength") or element.get("size")
            millis = _PAUSES.get(size, _PAUSES["medium"])
        if millis > 0:
            self.end_words()
            self.parts.append({"pause": write_millis(min(millis, MAX_PAUSE_MILLIS))})

    def add_recording(self, element: VoiceElement) -> None:
        """A recording; its words where the address is a value that nothing stands for."""
        source, script = element.get("src"), element.get("expr")
        origin = self.origin.document.begin_element(element, self.origin.entry.state)
        if source:
            self.end_words()
            self.parts.append({"audio": self.name_recording(source)})
            if element.text:
                origin.add_remark("the words that stand in for a recording are left out")
            return
        try:
            value = self.origin.document.read_script(script) if script else None
        except ScriptError as error:
            remark = f"the recording {script[:60]} is left out: {error}"[:200]
            if element.text:
                origin.note_change(f"{remark}; its words are said")
            else:
                origin.note_loss(remark)
            value = None
        if value is not None and value.code.startswith("vars."):
            self.end_words()
            self.parts.append({"audio": f"${{{value.to_text()}}}"})
            origin.add_remark("the value has to be a web address, or the name of a file")
        else:
            self.add(element.content)

    def name_recording(self, source: str) -> str:
        if source.startswith(("https://", "http://")) and not set(source) & set(";[] {}$"):
            return source
        name = to_recording_name(re.split("[?#]", source)[0].rsplit("/", 1)[-1].rsplit(".", 1)[0])
        self.origin.document.project.draft.report.add_recording(name)
        return name

    def end_words(self) -> None:
        """The words so far are a part of their own."""
        line = " ".join(self.words.split())
        self.words = ""
        if line:
            spoken = split_spoken_text(line)
            self.parts += spoken if isinstance(spoken, list) else [spoken]

    def to_prompt(self) -> list[Any]:
        """All parts in their order."""
        self.end_words()
        if len(self.parts) > _MAX_PARTS:
            self.origin.note_change(
                f"a prompt has {_MAX_PARTS} parts at most: the rest is not said"
            )
        return self.parts[:_MAX_PARTS]


def read_millis(text: str) -> int | None:
    """A time such as 2s or 500ms, in milliseconds; None for what is none."""
    found = _SECONDS.fullmatch(text.strip().removeprefix("+"))
    if not found:
        return None
    return round(float(found[1]) * (1 if found[2] == "ms" or found[2] is None else 1_000))


def write_millis(millis: int) -> str:
    """A time as authors write it."""
    return f"{millis}ms" if millis % 1_000 else f"{millis // 1_000}s"


def build_parts(
    origin: ElementImport,
    content: list["str | VoiceElement"],
    choices: str = "",
    *,
    is_question: bool = False,
) -> list[Any]:
    """The parts of a prompt with this content; with the language of its element."""
    writer = PromptWriter(origin, choices)
    writer.add(content)
    parts = writer.to_prompt()
    language = origin.element.get("lang") if origin.element.tag == "prompt" else ""
    if is_question and LANGUAGE.fullmatch(language):
        origin.add_remark("a question speaks in the language of the call: choose it by locale:")
        return parts
    flow_locale = origin.document.draft.head.get("locale", "en-US")
    if not LANGUAGE.fullmatch(language) or to_locale(language) == flow_locale:
        return parts
    return [
        {"text": each, "locale": to_locale(language)}
        if isinstance(each, str) and len(each) <= PART_LENGTH
        else each
        for each in parts
    ]


def to_locale(language: str) -> str:
    """A language such as en-us as the language of flows writes it."""
    return f"{language[:2].lower()}-{language[3:].upper()}"


def join_parts(parts: list[Any]) -> Any:
    """Parts as a prompt: one, or a list."""
    return parts[0] if len(parts) == 1 else parts
