"""The platform's prompt notation: parts like `#tts[Hello]`, separated by `;`.

It has no escapes. Whatever a caller or a looked-up record brings into a text must not be able to
end its part, so the characters that could are exchanged for neighbours that sound the same. No
exchange makes a text longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# control characters and line separators would be read as white space at best; lone surrogates
# cannot be encoded at all
_CONTROL_CODES = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0xD800, 0xE000))
# speech engines read `12<U+202F>500` as two numbers, and break words at other blanks as they like
_BLANK_CODES = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x2800, 0x3000, 0x3164)
# soft hyphens, zero-width blanks and marks of direction are for the eye; joiners (U+200C, U+200D)
# stay, as Persian and Indic words are others without them
_INVISIBLE_CODES = (
    *(0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060),
    *(*range(0x2066, 0x206A), 0xFEFF, 0xFFFE, 0xFFFF),
)
_SPEECH_REPLACEMENTS: dict[int, str | None] = {
    **dict.fromkeys((*_CONTROL_CODES, *_BLANK_CODES), " "),
    **dict.fromkeys(_INVISIBLE_CODES),
    **{ord(sign): other for sign, other in zip(";[]", ",()", strict=True)},
}


def _format_ranges(codes: Iterable[int]) -> str:
    """These characters as ranges of a pattern, which is compiled in a tenth of the time."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


_UNSAFE_IN_SPEECH = re.compile(f"[{_format_ranges(_SPEECH_REPLACEMENTS)}]")

# inside a URL the same characters have an escape of their own
_UNSAFE_IN_URL = re.compile(r"[;\[\]<>\"\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_UNSAFE_IN_ADDRESS = re.compile(r"[;\[\]<>\"\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_URL_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

# an XML reference needs `;`, which the notation cannot hold: the character itself, or a word for
# it, takes its place
_XML_REFERENCE = re.compile(r"&#?\w{1,32};")
_MARKUP_REPLACEMENTS = str.maketrans({"&": " and ", "<": " ", ">": " ", '"': "”", "'": "\u2019"})


def to_speakable(text: str) -> str:
    """The text without anything that could end or open a part, with ordinary blanks only; plain
    text comes back as it is
    """
    return text.translate(_SPEECH_REPLACEMENTS) if _UNSAFE_IN_SPEECH.search(text) else text


def format_tts(text: str) -> str:
    return f"#tts[{to_speakable(text)}]"


def format_ssml(xml: str) -> str:
    """A part from SSML that passed `find_ssml_problem`; `<speak>` is put around it where it is missing"""
    safe = to_speakable(_XML_REFERENCE.sub(_resolve_reference, xml) if "&" in xml else xml).strip()
    return f"#ssml[{safe}]" if safe.startswith("<speak") else f"#ssml[<speak>{safe}</speak>]"


def _resolve_reference(reference: re.Match[str]) -> str:
    # imported when needed, as it takes as long as compiling a flow
    from html import unescape  # noqa: PLC0415

    character = unescape(reference[0])
    return character if character == reference[0] else character.translate(_MARKUP_REPLACEMENTS)


def find_ssml_problem(xml: str) -> str:
    """What is wrong with SSML, or nothing"""
    if "<!" in xml or "<?" in xml:
        return "SSML may hold elements and text only: no comments, no CDATA, no declarations"
    try:
        _parse_xml(format_ssml(xml)[len("#ssml[") : -1])
    except SyntaxError as error:
        return f"SSML is not well-formed: {error}"
    return ""


def find_empty_attribute(xml: str) -> str:
    """The first attribute of well-formed SSML without a value, or nothing. No attribute of SSML may
    be empty.
    """
    try:
        found = _parse_ssml(xml)
    except SyntaxError:
        return ""
    return next(
        (
            f"{element.tag} {name}"
            for element in found.iter()
            for name, value in element.attrib.items()
            if not value.strip()
        ),
        "",
    )


def _parse_ssml(xml: str) -> Element:
    """SSML as its author wrote it."""
    opened = xml.strip()
    return _parse_xml(opened if opened.startswith("<speak") else f"<speak>{xml}</speak>")


def _parse_xml(text: str) -> Element:
    """Raises SyntaxError, of which ParseError is one."""
    # imported when needed, as it takes as long as compiling three flows
    from xml.etree.ElementTree import fromstring  # noqa: PLC0415

    return fromstring(text)  # noqa: S314 - without declarations there are no entities to expand


def find_changed_attribute(xml: str) -> str:
    """The first attribute of well-formed SSML that would not reach the platform as it is written,
    or nothing: the notation has no way to write `&`, `<` or `;` inside a part.
    """
    try:
        written = _parse_ssml(xml)
        sent = _parse_xml(format_ssml(xml)[len("#ssml[") : -1])
    except SyntaxError:
        return ""
    for before, after in zip(written.iter(), sent.iter(), strict=False):
        for name, value in before.attrib.items():
            if after.attrib.get(name) != value:
                return f"{before.tag} {name}"
    return ""


def is_silent(part: str) -> bool:
    """Whether a part of a prompt has nothing in it to be heard"""
    if part.startswith("#ssml["):
        return not re.sub(r"</?speak[^>]*>", "", part[len("#ssml[") : -1]).strip()
    inside = (
        part.partition("[")[2].removesuffix("]") if part.startswith(("#tts[", "#href[")) else part
    )
    return not inside.strip()


def format_href(url: str) -> str:
    return f"#href[{_UNSAFE_IN_URL.sub(_percent_encode, url)}]"


def _percent_encode(character: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in character[0].encode(errors="replace"))


def find_url_problem(url: str) -> str:
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


def find_address_problem(name: str) -> str:
    """Why an address or file name that a value brought could not be played, or nothing. It is not
    repeated, as it may be a caller's.
    """
    if _UNSAFE_IN_ADDRESS.search(name) or name.startswith("#"):
        return "an audio address has a character that the platform's notation cannot hold"
    if "://" in name:
        return "an audio address is no http:// or https:// URL" if find_url_problem(name) else ""
    return "an audio address is no http:// or https:// URL" if _URL_SCHEME.match(name) else ""


def join_prompt(parts: Iterable[str]) -> str:
    return ";".join(parts)


def split_prompt(prompt: str) -> list[str]:
    """The parts of a prompt made by `join_prompt`: no part holds a `;`"""
    return [part for part in prompt.split(";") if part]


def extract_spoken_text(part: str) -> str:
    """The words of a spoken part, of SSML too; nothing for audio"""
    if part.startswith("#tts["):
        return part[len("#tts[") : -1]
    return re.sub(r"<[^>]*>", "", part[len("#ssml[") : -1]) if part.startswith("#ssml[") else ""
