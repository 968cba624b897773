"""Slips that show on one line of a file that YAML cannot read: their place and their cure."""

import re
from typing import Final

from flowengine.problems import in_cure
from flowengine.source.intended_values import quote_as_yaml
from flowengine.source.spelling import SPACES, describe_spelling, name_space

Slip = tuple[str, int, int, str, str]  # code, first and last character of the line, message, cure

COLON_MESSAGE: Final = "a colon and a space inside text mean a key to YAML"
QUOTE_TEXT_CURE: Final = (
    "put quotes around the whole text, or write | and the text on the lines below"
)
_SPACE_BEFORE_KEY: Final = re.compile(rf"^ *([{SPACES}][{SPACES} ]*)[\w\"'-]")
_SPACE_AFTER_COLON: Final = re.compile(rf"^[ -]*\w+:([{SPACES}])")
_CRAMPED_KEY: Final = re.compile(r"^[ -]*([a-z_]\w*)(:)([^\s:/].*)$")
_BRACKETED_TEXT: Final = re.compile(
    r"^[ -]*[\w\"'.-]+:[ ]+((\{[^{}\[\]]*\}|\[[^{}\[\]]*\])[ ]*[^\s#,}\]].*)$"
)
_SMART_VALUE: Final = re.compile(r"^[ -]*\w+:[ ]+([\u2018-\u201f\u00ab\u00bb].*)$")
_VALUE_BEFORE: Final = re.compile(r"(?:[:,\[{]|^ *-|^)\s*([^\s:,\[\]{}](?:[^,\[\]{}:]|:(?=\S))*|)$")
_TEMPLATE_AND_TEXT: Final = re.compile(r"(?:\$\{[^{}]*\}[^,{}\[\]$]*)+")
_TEMPLATE_COLON: Final = re.compile(r"^[ -]+[^\s\"'\[{|>#][^#]*\$\{[^{}]*\?[^{}]*(:) [^{}]*$")
_NEXT_KEY: Final = re.compile(r"\n[ -]*[\w-]+:(?:[ ]|$)", re.MULTILINE)
_KEY_WITH_TEXT: Final = re.compile(r"^([ -]*)([\w-]+):[ ]+[^\s|>&*!{\[#].*$")


def find_odd_space(line: str) -> Slip | None:
    """A space that is none to YAML, before a key or behind its colon."""
    found = _SPACE_BEFORE_KEY.match(line) or _SPACE_AFTER_COLON.match(line)
    if found is None:
        return None
    odd = next(each for each in found[1] if each != " ")
    message = f"{name_space(odd)} where an ordinary space belongs"
    return "FE106", found.start(1), found.end(1), message, "write ordinary spaces"


def find_bracketed_text(line: str) -> Slip | None:
    """A text that begins with brackets, which YAML takes for a list or a group of keys."""
    found = _BRACKETED_TEXT.match(line)
    if found is None:
        return None
    text = found[1].rstrip()
    cure = f"put quotes around the whole text: {quote_as_yaml(text)}"
    if name := re.fullmatch(r"\{ *(\w+) *\}", found[2]):
        cure += f"; the value of a variable is written ${{vars.{name[1]}}}"
    message = f"text cannot begin with {text[0]} unless it is in quotes"
    return "FE117", found.start(1), found.start(1) + 1, message, cure


def find_open_quote(text: str, closing: int) -> int:
    """Where a text begins that ends at this quote of a later line, as its own closing quote is
    missing: keys stand in between. -1 where that is not so.
    """
    opened = text.rfind(text[closing], 0, closing)
    return opened if opened >= 0 and _NEXT_KEY.search(text[opened:closing]) else -1


def find_cramped_key(line: str) -> Slip | None:
    """A key whose colon no space follows, so that YAML takes all for one word."""
    found = _CRAMPED_KEY.match(line)
    if found is None:
        return None
    cure = f"write {found[1]}: {in_cure(found[3].rstrip())}"
    return "FE105", found.start(1), found.end(2), "no space follows this colon", cure


def find_smart_quote(line: str) -> Slip | None:
    """A value in the quotes of a word processor, which are text to YAML."""
    found = _SMART_VALUE.match(line)
    if found is None:
        return None
    message = f"{found[1][0]} is text to YAML, not a quote"
    cure = describe_spelling(found[1].rstrip()).partition(": ")[2]
    return "FE117", found.start(1), found.start(1) + 1, message, cure


def find_unquoted_template(line: str, start: int) -> Slip | None:
    """The text around the `${` at `start`, which stands within brackets of YAML without quotes."""
    before = _VALUE_BEFORE.search(line[:start])
    rest = _TEMPLATE_AND_TEXT.match(line, start)
    if before is None or rest is None:
        return None
    first, last = before.start(1), len(line[: rest.end()].rstrip())
    cure = f"put quotes around the whole text: {quote_as_yaml(line[first:last])}"
    return "FE117", first, last, "within brackets a text with ${…} needs quotes", cure


def find_template_colon(before: str) -> Slip | None:
    """The colon of `? :` in a `${…}` without quotes, where YAML found a key."""
    found = _TEMPLATE_COLON.search(before)
    if found is None:
        return None
    return "FE117", found.start(1), found.end(1), COLON_MESSAGE, QUOTE_TEXT_CURE


def suggest_indent(line: str, above: str) -> str:
    """The cure for a key that is indented further than the key with a text above it."""
    key = _KEY_WITH_TEXT.match(above)
    if key is None or len(line) - len(line.lstrip()) <= len(key[1]):
        return "is a colon missing on the line above?"
    return f"indent it as {key[2]}: above, or put quotes around what is text"
