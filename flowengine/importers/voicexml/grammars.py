"""What callers may key in or say: built-in types and simple grammars."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs

from flowengine.importers.flow_parts import INPUT_LENGTH
from flowengine.importers.voicexml.voice_document import VoiceElement

_BUILTIN: Final = re.compile(r"builtin:(?P<mode>dtmf|grammar)/(?P<type>[a-z]+)(?:\?(?P<query>.*))?")
_REPEAT: Final = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2})?)?")
_TAG: Final = re.compile(r"""['"]([^'"]{1,60})['"]""")
_WORDS: Final = re.compile(r"[^\W_][\w' -]{0,60}", re.UNICODE)
_MARKS: Final = re.compile(r"\{[^{}]*\}|<[^<>]*>|/[0-9.]+/")
_ALTERNATIVE_PREFIX: Final = re.compile(r"^(?:#(?:JSGF|ABNF)[^;]*;)?\s*(?:grammar [^;]*;)?\s*")
KEYS_IN_ORDER: Final = "1234567890*#"
_MAX_CHOICES: Final = 12
BUILTIN_TYPES: Final = frozenset(
    ("digits", "number", "phone", "currency", "boolean", "date", "time")
)


@dataclass
class GrammarChoice:
    """One thing that callers may say or press, and the value that it stands for."""

    value: str
    key: str = ""
    words: list[str] = field(default_factory=list)


@dataclass
class AnswerShape:
    """What a question takes: a number of keys, choices, or any words."""

    least: int = 1
    most: int = INPUT_LENGTH
    builtin: str = ""
    choices: list[GrammarChoice] = field(default_factory=list)
    hears: bool = False
    keys: bool = False

    def add_choice(self, choice: GrammarChoice) -> None:
        """Add it; the key and the words of one value are one choice."""
        for each in self.choices:
            if each.value == choice.value and (not each.key or not choice.key):
                each.key = each.key or choice.key
                each.words += choice.words
                return
        self.choices.append(choice)


def read_builtin(text: str, shape: AnswerShape) -> bool:
    """Take a built-in type such as digits?length=4; whether it is known."""
    name, _, query = text.partition("?")
    if name not in BUILTIN_TYPES:
        return False
    shape.builtin = name
    settings = parse_qs(query.replace(";", "&"), max_num_fields=20)

    def read_count(key: str, default: int) -> int:
        value = settings.get(key, [""])[-1]
        return int(value) if re.fullmatch("[0-9]{1,2}", value) and int(value) else default

    shape.least = read_count("length", read_count("minlength", shape.least))
    shape.most = max(read_count("length", read_count("maxlength", shape.most)), shape.least)
    return True


def read_grammar(element: VoiceElement, shape: AnswerShape) -> str:
    """Take one grammar; why it cannot be taken, or nothing."""
    source = element.get("src")
    if element.get("srcexpr") or element.get("expr"):
        return "the grammar is a value there"
    if found := _BUILTIN.fullmatch(source):
        if read_builtin(f"{found['type']}?{found['query'] or ''}", shape):
            shape.keys = True
            shape.hears = shape.hears or found["mode"] == "grammar"
            return ""
        return f"the type {found['type']} is not known"
    if source:
        return "the grammar stands in another file"
    is_keys = element.get("mode") == "dtmf" or "dtmf" in element.get("type")
    if element.list_children("rule"):
        return read_rules(element, shape, is_keys=is_keys)
    return read_alternatives(element.text, shape, is_keys=is_keys)


def read_rules(element: VoiceElement, shape: AnswerShape, *, is_keys: bool) -> str:
    """SRGS in XML: a rule of alternatives, or a number of keys."""
    rules = {rule.get("id"): rule for rule in element.list_children("rule")}
    root = rules.get(element.get("root")) or element.list_children("rule")[0]
    repeated = [each for each in root.walk() if each.tag == "item" and each.get("repeat")]
    if is_keys and repeated:
        found = _REPEAT.fullmatch(repeated[0].get("repeat"))
        if not found:
            return "a repetition is not understood"
        shape.keys = True
        shape.builtin = "digits"
        shape.least = max(int(found[1]), 1)
        open_end = INPUT_LENGTH if "-" in found[0] else shape.least
        shape.most = max(int(found[2]) if found[2] else open_end, shape.least)
        return ""
    items = [
        item for each in root.walk() if each.tag == "one-of" for item in each.list_children("item")
    ]
    items = items or root.list_children("item")
    if not items or any(each.tag == "ruleref" for each in root.walk()):
        return "the grammar is more than a list of words or keys"
    for item in items:
        tags = " ".join(each.text for each in item.walk() if each.tag == "tag") or item.get("tag")
        words = "".join(each for each in item.content if isinstance(each, str))
        add_alternative(shape, words, read_tag(tags), is_keys=is_keys)
    return "" if shape.choices else "the grammar names no words"


def read_tag(text: str) -> str:
    """The value in a tag, such as out='red'."""
    found = _TAG.search(text)
    return found[1] if found else text.strip() if _WORDS.fullmatch(text.strip()) else ""


def read_alternatives(text: str, shape: AnswerShape, *, is_keys: bool) -> str:
    """Words between bars, as JSGF and ABNF have them, or in brackets, as GSL does."""
    body = _ALTERNATIVE_PREFIX.sub("", text).strip().rstrip(";")
    if "=" in body.split("|")[0]:
        body = body.split("=", 1)[1]
    tags = re.findall(r"\{\s*(?:[^{}=]*=)?\s*['\"]?([^{}'\"]{1,40})['\"]?\s*\}", body)
    plain = _MARKS.sub(" ", body).strip()
    if plain.startswith("[") and plain.endswith("]"):
        options = re.findall(r"\(([^()]*)\)|([^\s()]+)", plain[1:-1])
        parts = [one or other for one, other in options]
    else:
        parts = plain.split("|")
    parts = [each.strip(' ()"[]') for each in parts]
    if not parts or len(parts) > _MAX_CHOICES or not all(parts):
        return "the grammar is more than a list of words or keys"
    if any(re.search(r"[$()<>{}\[\]=;]", each) for each in parts):
        return "the grammar is more than a list of words or keys"
    values = tags if len(tags) == len(parts) else [""] * len(parts)
    for words, value in zip(parts, values, strict=True):
        add_alternative(shape, words, value.strip(), is_keys=is_keys)
    return ""


def add_alternative(shape: AnswerShape, words: str, value: str, *, is_keys: bool) -> None:
    line = " ".join(words.replace('"', " ").split())
    line = line.removeprefix("dtmf-") if line.startswith("dtmf-") else line
    if not line:
        return
    if len(line) == 1 and line in KEYS_IN_ORDER:
        shape.keys = True
        shape.add_choice(GrammarChoice(value or line, key=line))
    elif is_keys and re.fullmatch("[0-9 ]{1,40}", line):
        shape.keys = True
        joined = line.replace(" ", "")
        shape.add_choice(GrammarChoice(value or joined, key=joined))
    else:
        shape.hears = True
        shape.add_choice(GrammarChoice(value or line, words=[line.lower()]))
