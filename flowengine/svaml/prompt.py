"""The platform's prompt notation: parts like `#tts[Hello]`, separated by `;`.

It has no escapes. Whatever a caller or a looked-up record brings into a text must not be able to
end its part, so the characters that could are exchanged for neighbours that sound the same. Each
exchange keeps the length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

# control characters and line separators would be read as white space at best; lone surrogates
# cannot be encoded at all
_CONTROL = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, *range(0xD800, 0xE000))
_SPOKEN = dict.fromkeys(_CONTROL, " ") | str.maketrans(";[]", ",()")
_UNSPEAKABLE = re.compile(r"[;\[\]\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")

# inside a URL the same characters have an escape of their own
_UNSAFE_IN_URL = re.compile(r"[;\[\]<>\"\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# an XML reference needs `;`, which the notation cannot hold: the character itself, or a word for
# it, takes its place
_REFERENCE = re.compile(r"&#?\w{1,32};")
_IN_MARKUP = str.maketrans({"&": " and ", "<": " ", ">": " ", '"': "”", "'": "\u2019"})


def speakable(text: str) -> str:
    """The text without anything that could end or open a part; plain text comes back as it is"""
    return text.translate(_SPOKEN) if _UNSPEAKABLE.search(text) else text


def tts(text: str) -> str:
    return f"#tts[{speakable(text)}]"


def ssml(xml: str) -> str:
    """A part from SSML that passed `ssml_problem`; `<speak>` is put around it where it is missing"""
    safe = speakable(_REFERENCE.sub(_resolved, xml) if "&" in xml else xml).strip()
    return f"#ssml[{safe}]" if safe.startswith("<speak") else f"#ssml[<speak>{safe}</speak>]"


def _resolved(reference: re.Match[str]) -> str:
    character = unescape(reference[0])
    return character if character == reference[0] else character.translate(_IN_MARKUP)


def ssml_problem(xml: str) -> str:
    """What is wrong with SSML, or nothing"""
    if "<!" in xml or "<?" in xml:
        return "SSML may hold elements and text only: no comments, no CDATA, no declarations"
    try:
        ET.fromstring(ssml(xml)[len("#ssml[") : -1])  # noqa: S314 - without declarations there are no entities to expand
    except ET.ParseError as error:
        return f"SSML is not well-formed: {error}"
    return ""


def href(url: str) -> str:
    return f"#href[{_UNSAFE_IN_URL.sub(_percent_encoded, url)}]"


def _percent_encoded(character: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in character[0].encode(errors="replace"))


def url_problem(url: str) -> str:
    """Why the platform could not fetch an audio file from here, or nothing"""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return f'"{url}" is not a URL'
    if parts.scheme not in {"http", "https"}:
        return f'"{url}" must begin with https:// or http://'
    if not host or ":" in host or parts.username is not None:
        return f'"{url}" needs a host name, without a user name'
    return ""


def join(parts: Iterable[str]) -> str:
    return ";".join(parts)


def split(prompt: str) -> list[str]:
    """The parts of a prompt made by `join`: no part holds a `;`"""
    return [part for part in prompt.split(";") if part]


def spoken_text(part: str) -> str:
    """The words of a spoken part, of SSML too; nothing for audio"""
    if part.startswith("#tts["):
        return part[len("#tts[") : -1]
    return re.sub(r"<[^>]*>", "", part[len("#ssml[") : -1]) if part.startswith("#ssml[") else ""
