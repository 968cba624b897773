"""What the YAML parser could not read, said in words that name the cure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from yaml import MarkedYAMLError

from flowengine.problems import quoted
from flowengine.source.events import find_tag_fault
from flowengine.source.meant import in_quotes, meant_value
from flowengine.source.text import Findings, Text

_TAG: Final = re.compile(r"(?:^|[:\-,\[{])\s+(!\S*)")
_BRACES: Final = re.compile(r"[:\-,\[]\s+(\{\{)([^{}\n]*)")
_CUT: Final = re.compile(r"^[^#\"']*[^\s#\"'](\s+#.*)$")
_HASH_KEY: Final = re.compile(r"[{,]\s*(#)\s*:")
_QUOTES: Final = "put quotes around the whole text, or write | and the text on the lines below"


@dataclass(frozen=True, slots=True)
class Mishap:
    """Where reading failed; `dedent`: it did not fail, the part of the file that was being read has
    ended.
    """

    offset: int
    dedent: bool = False


@dataclass(frozen=True, slots=True)
class _Failure:
    text: Text
    problem: str
    at: int
    opened: int  # where the thing began in which it happened

    @property
    def line(self) -> str:
        return self.text.line(self.at)

    @property
    def start(self) -> int:
        return self.text.line_start(self.at)

    @property
    def character(self) -> str:
        return self.text.text[self.at : self.at + 1]


_Finding = tuple[str, int, int, str, str]
_Reading = Callable[[_Failure], _Finding | None]


def explain(text: Text, error: MarkedYAMLError, base: int, findings: Findings) -> Mishap:
    problem = str(error.problem)
    at = min(error.problem_mark.index + base, len(text.text)) if error.problem_mark else base
    opened = error.context_mark.index + base if error.context_mark else at
    if base and "<document start>" in problem:
        return Mishap(text.line_start(at), dedent=True)
    failure = _Failure(text, problem, at, opened)
    found = next(finding for reading in _READINGS if (finding := reading(failure)) is not None)
    findings.add(*found)
    return Mishap(max(found[1], base))


def _tab(failure: _Failure) -> _Finding | None:
    indent = failure.line[: len(failure.line) - len(failure.line.lstrip())]
    if "\t" not in indent:
        return None
    at = failure.start + indent.index("\t")
    return (
        "FE106",
        at,
        failure.start + len(indent),
        "a tab where spaces belong",
        "indent with spaces: editors can do so for the Tab key",
    )


def _tag(failure: _Failure) -> _Finding | None:
    found = _TAG.search(failure.line)
    if found is None or found.start(1) > failure.at - failure.start:
        return None
    return find_tag_fault(failure.text, failure.start + found.start(1))


def _braces(failure: _Failure) -> _Finding | None:
    found = _BRACES.search(failure.line)
    if found is None:
        return None
    start = failure.start + found.start(1)
    return "FE116", start, start + 2, "{{ }} means nothing here", f"write ${{{found[2].strip()}}}"


def _hash_key(failure: _Failure) -> _Finding | None:
    line_start = failure.text.line_start(len(failure.text.text[: failure.at].rstrip()))
    found = _HASH_KEY.search(failure.text.line(line_start))
    if found is None or "expected" not in failure.problem:
        return None
    start = line_start + found.start(1)
    return (
        "FE117",
        start,
        start + 1,
        "from the # on, the line is a comment",
        'put quotes around the key: "#":',
    )


def _unclosed_quote(failure: _Failure) -> _Finding | None:
    if failure.problem not in {
        "found unexpected end of stream",
        "found unexpected document indicator",
    }:
        return None
    quote = failure.text.text[failure.opened]
    return (
        "FE105",
        failure.opened,
        failure.opened + 1,
        f"the quote {quote} that opens here never closes",
        f"close it with {quote}",
    )


def _escape(failure: _Failure) -> _Finding | None:
    if failure.problem != "found unknown escape character":
        return None
    start = failure.text.text.rfind("\\", 0, failure.at + 1)
    escape = failure.text.text[start : start + 2]
    cure = (
        "within double quotes a backslash is written twice; within single quotes it stays as it is"
    )
    return "FE105", start, start + 2, f"{quoted(escape)} means nothing within double quotes", cure


def _colon(failure: _Failure) -> _Finding | None:
    if failure.problem != "mapping values are not allowed in this context":
        return None
    before = failure.line[: failure.at - failure.start]
    if ": " in before:
        at = failure.at
        return "FE117", at, at + 1, "a colon and a space inside text mean a key to YAML", _QUOTES
    message = "this key is indented as if it belonged to the text above"
    return (
        "FE105",
        failure.start + _indent(before),
        failure.at,
        message,
        "is a colon missing on the line above?",
    )


def _special(failure: _Failure) -> _Finding | None:
    names = {
        "did not find expected alphabetic or numeric character",
        "found character that cannot start any token",
    }
    if failure.problem not in names:
        return None
    sign = failure.text.text[failure.opened]
    rest = meant_value(failure.text, failure.opened)
    cure = (
        f'put quotes around it: "{sign}":'
        if re.match(r".\s*:", rest)
        else f"put quotes around the whole text: {in_quotes(rest)}"
    )
    return (
        "FE117",
        failure.opened,
        failure.opened + 1,
        f"text cannot begin with {sign} unless it is in quotes",
        cure,
    )


def _after_quote(failure: _Failure) -> _Finding | None:
    before = failure.line[: failure.at - failure.start].rstrip()
    if not before.endswith(("'", '"')) or "expected" not in failure.problem:
        return None
    cure = f"put quotes around the whole text; within {before[-1]} quotes write " + (
        "'' for '" if before[-1] == "'" else '\\" for "'
    )
    return (
        "FE117",
        failure.at,
        failure.text.line_end(failure.at),
        "text goes on after its closing quote",
        cure,
    )


def _cut_above(failure: _Failure) -> _Finding | None:
    """Text over several lines ends at a comment; its next line is then read as a key."""
    above = failure.text.line(max(failure.start - 1, 0)) if failure.start else ""
    found = _CUT.match(above)
    if found is None or "expected" not in failure.problem or _is_key(failure.line):
        return None
    place = failure.text.line_start(failure.start - 1)
    start = place + found.end(1) - len(found[1].lstrip())
    return (
        "FE117",
        start,
        place + found.end(1),
        "the text ends at this #, but goes on below",
        _QUOTES,
    )


def _header(failure: _Failure) -> _Finding | None:
    if failure.problem != "did not find expected comment or line break":
        return None
    sign = failure.text.text[failure.opened]
    return (
        "FE105",
        failure.at,
        failure.text.line_end(failure.at),
        f"text after {sign} begins on the next line",
        "put it there, indented",
    )


def _dash(failure: _Failure) -> _Finding | None:
    if failure.problem != "block sequence entries are not allowed in this context":
        return None
    cure = "put the list on the lines below; if the dash is text, put quotes around the text"
    return "FE105", failure.at, failure.at + 1, "a list cannot begin on the line of its key", cure


def _no_colon(failure: _Failure) -> _Finding | None:
    if failure.problem != "could not find expected ':'":
        return None
    end = failure.opened + len(
        failure.text.text[failure.opened : failure.text.line_end(failure.opened)].rstrip()
    )
    return (
        "FE105",
        failure.opened,
        end,
        "a colon is missing after this key",
        "if it is text from the line above, indent it further",
    )


def _bracket(failure: _Failure) -> _Finding | None:
    closing = re.search(r"',' or '(.)'", failure.problem)
    if closing is None:
        return None
    opening = failure.text.text[failure.opened]
    line = failure.text.place(failure.at)[0]
    before = f" before line {line}" if line > failure.text.place(failure.opened)[0] else ""
    message = f"the {opening} that opens here does not close{before}"
    return (
        "FE105",
        failure.opened,
        failure.opened + 1,
        message,
        f"close it with {closing[1]}, and put commas between the entries",
    )


def _no_key(failure: _Failure) -> _Finding | None:
    if failure.character != ":" or failure.line[: failure.at - failure.start].strip():
        return None
    return "FE118", failure.at, failure.at + 1, "a key is missing before the colon", ""


def _indentation(failure: _Failure) -> _Finding | None:
    places = {
        "did not find expected key",
        "did not find expected '-' indicator",
        "did not find expected <document start>",
    }
    if failure.problem not in places:
        return None
    start = failure.start + _indent(failure.line)
    what = (
        "a list goes on with a dash"
        if "'-'" in failure.problem
        else "is it indented as its neighbours are?"
    )
    return (
        "FE105",
        start,
        max(start + 1, failure.start + len(failure.line.rstrip())),
        "this line does not belong to the lines above",
        what,
    )


def _other(failure: _Failure) -> _Finding:
    what = (
        f": {quoted(failure.character)} does not belong here" if failure.character.strip() else ""
    )
    known = failure.problem == "did not find expected node content" and what
    return (
        "FE105",
        failure.at,
        failure.at + 1,
        f"YAML cannot read this{what if known else ': ' + failure.problem}",
        "",
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_key(line: str) -> bool:
    return re.match(r"\s*[\w\"'.-]+\s*:(\s|$)", line) is not None


_READINGS: Final[tuple[_Reading, ...]] = (
    _tab,
    _unclosed_quote,
    _escape,
    _tag,
    _header,
    _braces,
    _hash_key,
    _colon,
    _special,
    _after_quote,
    _cut_above,
    _dash,
    _no_colon,
    _bracket,
    _no_key,
    _indentation,
    _other,
)
