"""Mistakes in the words, markup and audio of a prompt that are visible when it is compiled."""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.expr import Scope, Template
from flowengine.limits import MAX_SAY
from flowengine.svaml import (
    extract_spoken_text,
    find_address_problem,
    find_changed_attribute,
    find_empty_attribute,
    find_ssml_problem,
    find_url_problem,
    format_ssml,
    is_silent,
    to_speakable,
)

PromptFault = tuple[str, str, str]  # code, message, cure
_BARE_KEY: Final = re.compile(r"(?<![\w*#])[*#](?![\w*#])")
_QUOTED_KEY: Final = re.compile(r"""["'][^"']*[*#]""")
MUSIC_NAMES: Final = frozenset({"music1", "music2", "music3"})
MUSIC_HINT: Final = (
    "write {audio: https://…} for music in a prompt; music1 to music3 go with music: and wait:"
)
_LOCAL_FILE: Final = re.compile(r"[/~.]|[A-Za-z]:[\\/]")
_WORDS_BY_KEY: Final = {"*": "star", "#": "hash, or pound"}


def find_prompt_faults(kind: str, template: Template) -> Iterator[PromptFault]:
    """What is wrong with one text of a prompt. A letter stands for each `${…}`, as values are
    escaped when they are put in.
    """
    text = "".join(part if isinstance(part, str) else "x" for part in template.parts)
    if kind == "audio":
        yield from _find_audio_faults(text, constant=template.constant is not None)
    elif kind == "ssml":
        yield from _find_ssml_faults(text)
    else:
        yield from _find_text_faults(text, constant=template.constant is not None)


def find_literal_faults(scope: Scope, template: Template) -> Iterator[tuple[int, PromptFault]]:
    """What is wrong with the texts in `${…}` of a spoken text, each with its place in it."""
    for piece in template.interpolations:
        text = piece.expression.text
        # most have no key in quotes, and a tree takes time
        if not _QUOTED_KEY.search(text):
            continue
        for words, offset in scope.list_literal_results(text):
            for fault in find_bare_keys(words):
                yield piece.start + offset, fault


def _find_text_faults(text: str, *, constant: bool) -> Iterator[PromptFault]:
    if constant and len(text) > MAX_SAY:
        yield (
            "FE410",
            f"this text has {len(text)} characters; the platform speaks at most {MAX_SAY}",
            "split it into a list of prompts or into two states",
        )
    if text.strip() in MUSIC_NAMES:
        yield "FE945", f'a voice says "{text.strip()}" here', MUSIC_HINT
    yield from _find_empty_prompt(text=to_speakable(text))
    yield from find_bare_keys(text)


def _find_ssml_faults(xml: str) -> Iterator[PromptFault]:
    # later checks read the SSML as XML
    if fault := find_ssml_problem(xml):
        yield "FE411", fault, "close every element that you open"
        return
    if attribute := find_empty_attribute(xml):
        yield "FE411", f"the attribute {attribute} is empty", "give it a value, or leave it out"
    if attribute := find_changed_attribute(xml):
        yield (
            "FE418",
            f"the attribute {attribute} has a character that a prompt cannot hold",
            "leave & ; < [ and ] out of it; play an address with & by a prompt of its own",
        )
    part = format_ssml(xml)
    yield from _find_empty_prompt("" if is_silent(part) else part)
    yield from find_bare_keys(extract_spoken_text(part))


def _find_audio_faults(address: str, *, constant: bool) -> Iterator[PromptFault]:
    cure = "write an https:// address, or the name of a file uploaded to the platform"
    if re.search(r"[;\[\]\s]", address) or not address:
        fault = "the name or address of an audio file has no spaces and none of ; [ ]"
    else:
        fault = find_url_problem(address) if "://" in address else ""
        if constant and _LOCAL_FILE.match(address):
            fault = "the platform cannot play a file of a computer"
        fault = fault or (find_address_problem(address) if constant else "")
    if fault:
        yield "FE417", fault, cure


def _find_empty_prompt(text: str) -> Iterator[PromptFault]:
    if not text.strip():
        yield "FE419", "this prompt says nothing, and is left out", "write words, or remove it"


def find_bare_keys(text: str) -> Iterator[PromptFault]:
    """Keys in words to be spoken that are no words themselves."""
    if found := _BARE_KEY.search(text):
        yield (
            "FE420",
            f"some voices are silent at a bare {found[0]}",
            f"write the word for the key: {_WORDS_BY_KEY[found[0]]}",
        )
