"""What can be known at load about the words, markup and audio of a prompt."""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.expr import Template
from flowengine.limits import MAX_SAY
from flowengine.svaml import (
    address_problem,
    changed_attribute,
    is_silent,
    speakable,
    spoken_text,
    ssml,
    ssml_problem,
    url_problem,
)

PromptFault = tuple[str, str, str]  # code, message, cure
_BARE_KEY: Final = re.compile(r"(?<![\w*#])[*#](?![\w*#])")
_KEY_WORDS: Final = {"*": "star", "#": "hash, or pound"}


def prompt_faults(kind: str, template: Template) -> Iterator[PromptFault]:
    """What is wrong with one text of a prompt. `${…}` in it stand for a letter: values are made
    harmless when they are put in.
    """
    text = "".join(part if isinstance(part, str) else "x" for part in template.parts)
    if kind == "audio":
        yield from _audio_faults(text, constant=template.constant is not None)
    elif kind == "ssml":
        yield from _markup_faults(text)
    else:
        yield from _text_faults(text, constant=template.constant is not None)


def _text_faults(text: str, *, constant: bool) -> Iterator[PromptFault]:
    if constant and len(text) > MAX_SAY:
        yield (
            "FE410",
            f"this text has {len(text)} characters; the platform speaks at most {MAX_SAY}",
            "split it into a list of prompts or into two states",
        )
    yield from _wordless(text=speakable(text))
    yield from _bare_keys(text)


def _markup_faults(xml: str) -> Iterator[PromptFault]:
    if fault := ssml_problem(xml):
        yield "FE411", fault, "close every element that you open"
        return
    if attribute := changed_attribute(xml):
        yield (
            "FE418",
            f"the attribute {attribute} has a character that a prompt cannot hold",
            "leave & ; < [ and ] out of it; play an address with & by a prompt of its own",
        )
    part = ssml(xml)
    yield from _wordless("" if is_silent(part) else part)
    yield from _bare_keys(spoken_text(part))


def _audio_faults(address: str, *, constant: bool) -> Iterator[PromptFault]:
    cure = "write an https:// address, or the name of a file uploaded to the platform"
    if re.search(r"[;\[\]\s]", address) or not address:
        fault = "the name or address of an audio file has no spaces and none of ; [ ]"
    else:
        fault = url_problem(address) if "://" in address else ""
        fault = fault or (address_problem(address) if constant else "")
    if fault:
        yield "FE417", fault, cure


def _wordless(text: str) -> Iterator[PromptFault]:
    if not text.strip():
        yield "FE419", "this prompt says nothing, and is left out", "write words, or remove it"


def _bare_keys(text: str) -> Iterator[PromptFault]:
    if found := _BARE_KEY.search(text):
        yield (
            "FE420",
            f"some voices are silent at a bare {found[0]}",
            f"write the word for the key: {_KEY_WORDS[found[0]]}",
        )
