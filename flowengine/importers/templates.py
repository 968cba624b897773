"""Texts of other systems as templates, literals and prompts of the language."""

import json
import re
from typing import Any, Final

from flowengine.svaml.prompt_notation import (
    find_changed_attribute,
    find_empty_attribute,
    find_ssml_problem,
)

NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
LANGUAGE: Final = re.compile("[A-Za-z]{2}-[A-Za-z]{2}")
PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
PLACEHOLDER_NUMBER: Final = "+14045550100"
PART_LENGTH: Final = 500
SPOKEN_LENGTH: Final = 250
MARKUP: Final = re.compile(r"<[^<>]*>")
_NO_FILE_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_TEMPLATE_WORDS: Final = re.compile(r"\$\{(?:[^}\"]|\"(?:[^\"\\]|\\.)*\")*\}\S*|\S+")


def write_literal(text: str) -> str:
    """A text as an expression has it."""
    return json.dumps(text, ensure_ascii=False)


def escape_template(text: str) -> str:
    """A text of which nothing is a template."""
    return text.replace("${", "$${")


def escape_words(text: str) -> str:
    """The same where double brackets mean nothing: the check takes them for a slip."""
    return escape_template(text.replace("{{", "((").replace("}}", "))"))


def split_spoken_text(template: str) -> Any:
    """A template to speak, in parts where it is longer than one part may be."""
    parts = [""]
    for word in _TEMPLATE_WORDS.findall(template):
        if len(parts[-1]) + len(word) >= PART_LENGTH:
            parts.append("")
        parts[-1] = f"{parts[-1]} {word}".strip()
    return parts[0] if len(parts) == 1 else parts


def is_fit_markup(markup: str) -> bool:
    """Whether the platform gets the markup as it is."""
    return not (
        find_ssml_problem(markup) or find_empty_attribute(markup) or find_changed_attribute(markup)
    )


def to_recording_name(label: str) -> str:
    """The file name under which an author uploads a recording."""
    stem = label[:-4] if label.lower().endswith(".wav") else label
    return f"{_NO_FILE_NAME.sub('-', stem)[:60].strip('-') or 'recording'}.wav"
