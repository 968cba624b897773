"""What the YAML parser could not read, said in words that name the cure."""

import re
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace
from yaml import MarkedYAMLError

from flowengine.problems import quote_value
from flowengine.source.intended_values import quote_as_yaml, read_meant_value
from flowengine.source.line_slips import (
    COLON_MESSAGE,
    QUOTE_TEXT_CURE,
    Slip,
    find_bracketed_text,
    find_cramped_key,
    find_odd_space,
    find_open_quote,
    find_smart_quote,
    find_template_colon,
    find_unquoted_template,
    suggest_indent,
)
from flowengine.source.source_text import ProblemCollector, SourceText
from flowengine.source.yaml_events import find_tag_fault

_TAG_IN_LINE: Final = re.compile(r"(?:^|[:\-,\[{])\s+(!\S*)")
_TEMPLATE_BRACES: Final = re.compile(r"[:\-,\[]\s+(\{\{)([^{}\n]*)")
_TEXT_CUT_BY_COMMENT: Final = re.compile(r"^[^#\"']*[^\s#\"'](\s+#.*)$")
_FLOW_HASH_KEY: Final = re.compile(r"[{,]\s*(#)\s*:")


class SyntaxFailure(msgspec.Struct, frozen=True):
    """Where reading failed; `dedent`: it did not fail, the part of the file that was being read has
    ended; `in_line`: the next line is no part of what failed.
    """

    offset: int
    dedent: bool = False
    in_line: bool = False


class _FailureContext(msgspec.Struct, frozen=True):
    text: SourceText
    problem: str
    offset: int
    context_offset: int  # where the thing began in which it happened

    @property
    def line(self) -> str:
        return self.text.get_line(self.offset)

    @property
    def line_offset(self) -> int:
        return self.text.find_line_start(self.offset)

    @property
    def line_above(self) -> str:
        return self.text.get_line(self.line_offset - 1) if self.line_offset else ""

    @property
    def character(self) -> str:
        return self.text.text[self.offset : self.offset + 1]


_Diagnosis = tuple[str, int, int, str, str]
_Diagnoser = Callable[[_FailureContext], _Diagnosis | None]


def report_syntax_error(
    text: SourceText, error: MarkedYAMLError, base: int, findings: ProblemCollector
) -> SyntaxFailure:
    problem = str(error.problem)
    at = min(error.problem_mark.index + base, len(text.text)) if error.problem_mark else base
    opened = error.context_mark.index + base if error.context_mark else at
    if base and "<document start>" in problem:
        return SyntaxFailure(text.find_line_start(at), dedent=True)
    failure = _FailureContext(text, problem, at, opened)
    found = next(finding for reading in _DIAGNOSERS if (finding := reading(failure)) is not None)
    findings.add(*found)
    return SyntaxFailure(max(found[1], base), in_line=_diagnose_template(failure) is not None)


def _diagnose_tab(failure: _FailureContext) -> _Diagnosis | None:
    indent = failure.line[: len(failure.line) - len(failure.line.lstrip())]
    if "\t" not in indent:
        return None
    at = failure.line_offset + indent.index("\t")
    return (
        "FE106",
        at,
        failure.line_offset + len(indent),
        "a tab where spaces belong",
        "indent with spaces: editors can do so for the Tab key",
    )


def _diagnose_slip(failure: _FailureContext) -> _Diagnosis | None:
    opened = replace(failure, offset=failure.context_offset)
    above = replace(failure, offset=max(failure.line_offset - 1, 0))
    for place in (failure, opened, above):
        if slip := find_odd_space(place.line):
            return _place_slip(place, slip)
    return _place_slip(failure, find_bracketed_text(failure.line))


def _place_slip(failure: _FailureContext, slip: Slip | None) -> _Diagnosis | None:
    if slip is None:
        return None
    code, start, end, message, cure = slip
    return code, failure.line_offset + start, failure.line_offset + end, message, cure


def _diagnose_tag(failure: _FailureContext) -> _Diagnosis | None:
    found = _TAG_IN_LINE.search(failure.line)
    if found is None or found.start(1) > failure.offset - failure.line_offset:
        return None
    return find_tag_fault(failure.text, failure.line_offset + found.start(1))


def _diagnose_braces(failure: _FailureContext) -> _Diagnosis | None:
    found = _TEMPLATE_BRACES.search(failure.line)
    if found is None:
        return None
    at = failure.line_offset + found.start(1)
    return "FE116", at, at + 2, "{{ }} means nothing here", f"write ${{{found[2].strip()}}}"


def _diagnose_hash_key(failure: _FailureContext) -> _Diagnosis | None:
    line_start = failure.text.find_line_start(len(failure.text.text[: failure.offset].rstrip()))
    found = _FLOW_HASH_KEY.search(failure.text.get_line(line_start))
    if found is None or "expected" not in failure.problem:
        return None
    start = line_start + found.start(1)
    cure = 'put quotes around the key: "#":'
    return "FE117", start, start + 1, "from the # on, the line is a comment", cure


def _diagnose_unclosed_quote(failure: _FailureContext) -> _Diagnosis | None:
    if failure.problem not in {
        "found unexpected end of stream",
        "found unexpected document indicator",
    }:
        return None
    quote = failure.text.text[failure.context_offset]
    return (
        "FE105",
        failure.context_offset,
        failure.context_offset + 1,
        f"the quote {quote} that opens here never closes",
        f"close it with {quote}",
    )


def _diagnose_escape(failure: _FailureContext) -> _Diagnosis | None:
    if failure.problem != "found unknown escape character":
        return None
    start = failure.text.text.rfind("\\", 0, failure.offset + 1)
    escape = failure.text.text[start : start + 2]
    cure = (
        "within double quotes a backslash is written twice; within single quotes it stays as it is"
    )
    return (
        "FE105",
        start,
        start + 2,
        f"{quote_value(escape)} means nothing within double quotes",
        cure,
    )


def _diagnose_colon(failure: _FailureContext) -> _Diagnosis | None:
    if failure.problem != "mapping values are not allowed in this context":
        return None
    before = failure.line[: failure.offset - failure.line_offset]
    if slip := find_smart_quote(failure.line):
        return _place_slip(failure, slip)
    if ": " in before:
        at = failure.offset
        return "FE117", at, at + 1, COLON_MESSAGE, QUOTE_TEXT_CURE
    message = "this key is indented as if it belonged to the text above"
    return (
        "FE105",
        failure.line_offset + _measure_indent(before),
        failure.offset,
        message,
        suggest_indent(before, failure.line_above),
    )


def _diagnose_special_character(failure: _FailureContext) -> _Diagnosis | None:
    names = {
        "did not find expected alphabetic or numeric character",
        "found character that cannot start any token",
    }
    if failure.problem not in names:
        return None
    sign = failure.text.text[failure.context_offset]
    rest = read_meant_value(failure.text, failure.context_offset)
    cure = (
        f'put quotes around it: "{sign}":'
        if re.match(r".\s*:", rest)
        else f"put quotes around the whole text: {quote_as_yaml(rest)}"
    )
    return (
        "FE117",
        failure.context_offset,
        failure.context_offset + 1,
        f"text cannot begin with {sign} unless it is in quotes",
        cure,
    )


def _diagnose_text_after_quote(failure: _FailureContext) -> _Diagnosis | None:
    before = failure.line[: failure.offset - failure.line_offset].rstrip()
    if "expected" in failure.problem and (slip := find_template_colon(before)):
        return _place_slip(failure, slip)
    if not before.endswith(("'", '"')) or "expected" not in failure.problem:
        return None
    opened = find_open_quote(failure.text.text, failure.line_offset + len(before) - 1)
    if opened >= 0:
        message = f"the quote {before[-1]} that opens here is not closed at the end of its text"
        return "FE105", opened, opened + 1, message, f"close it with {before[-1]}"
    cure = f"put quotes around the whole text; within {before[-1]} quotes write " + (
        "'' for '" if before[-1] == "'" else '\\" for "'
    )
    return (
        "FE117",
        failure.offset,
        failure.text.find_line_end(failure.offset),
        "text goes on after its closing quote",
        cure,
    )


def _diagnose_cut_text(failure: _FailureContext) -> _Diagnosis | None:
    """Text over several lines ends at a comment; its next line is then read as a key."""
    above = failure.line_above
    found = _TEXT_CUT_BY_COMMENT.match(above)
    if found is None or "expected" not in failure.problem or _is_key(failure.line):
        return None
    place = failure.text.find_line_start(failure.line_offset - 1)
    start = place + found.end(1) - len(found[1].lstrip())
    return (
        "FE117",
        start,
        place + found.end(1),
        "the text ends at this #, but goes on below",
        QUOTE_TEXT_CURE,
    )


def _diagnose_block_header(failure: _FailureContext) -> _Diagnosis | None:
    if failure.problem != "did not find expected comment or line break":
        return None
    sign = failure.text.text[failure.context_offset]
    return (
        "FE105",
        failure.offset,
        failure.text.find_line_end(failure.offset),
        f"text after {sign} begins on the next line",
        "put it there, indented",
    )


def _diagnose_dash(failure: _FailureContext) -> _Diagnosis | None:
    if failure.problem != "block sequence entries are not allowed in this context":
        return None
    cure = "put the list on the lines below; if the dash is text, put quotes around the text"
    return (
        "FE105",
        failure.offset,
        failure.offset + 1,
        "a list cannot begin on the line of its key",
        cure,
    )


def _diagnose_missing_colon(failure: _FailureContext) -> _Diagnosis | None:
    if failure.problem != "could not find expected ':'":
        return None
    opened = replace(failure, offset=failure.context_offset)
    if slip := find_cramped_key(opened.line):
        return _place_slip(opened, slip)
    end = failure.context_offset + len(
        failure.text.text[
            failure.context_offset : failure.text.find_line_end(failure.context_offset)
        ].rstrip()
    )
    return (
        "FE105",
        failure.context_offset,
        end,
        "a colon is missing after this key",
        "if it is text from the line above, indent it further",
    )


def _diagnose_template(failure: _FailureContext) -> _Diagnosis | None:
    """A text with `${…}` within brackets of YAML, which ends at the { for YAML."""
    column = failure.offset - failure.line_offset
    if failure.line[column - 1 : column + 1] != "${" or "expected" not in failure.problem:
        return None
    return _place_slip(failure, find_unquoted_template(failure.line, column - 1))


def _diagnose_bracket(failure: _FailureContext) -> _Diagnosis | None:
    closing = re.search(r"',' or '(.)'", failure.problem)
    if closing is None:
        return None
    opening = failure.text.text[failure.context_offset]
    sign = failure.text.text[failure.offset : failure.offset + 1]
    inside = failure.text.text[failure.context_offset + 1 : failure.offset].rstrip()
    if sign in ("[", "{") and inside and inside[-1] not in ",:[{":
        message = f"a {sign} inside text has a meaning of its own to YAML within {opening}"
        cure = "put quotes around the whole text, such as 'vars.tier in [\"gold\"]'"
        return "FE117", failure.offset, failure.offset + 1, message, cure
    line = failure.text.get_position(failure.offset)[0]
    opened_in = failure.text.get_position(failure.context_offset)[0]
    before = f" before line {line}" if line > opened_in else ""
    message = f"the {opening} that opens here does not close{before}"
    cure = f"close it with {closing[1]}, and put commas between the entries"
    return "FE105", failure.context_offset, failure.context_offset + 1, message, cure


def _diagnose_missing_key(failure: _FailureContext) -> _Diagnosis | None:
    if failure.character != ":" or failure.line[: failure.offset - failure.line_offset].strip():
        return None
    return "FE118", failure.offset, failure.offset + 1, "a key is missing before the colon", ""


def _diagnose_indentation(failure: _FailureContext) -> _Diagnosis | None:
    places = {
        "did not find expected key",
        "did not find expected '-' indicator",
        "did not find expected <document start>",
    }
    if failure.problem not in places:
        return None
    start = failure.line_offset + _measure_indent(failure.line)
    is_list = "'-'" in failure.problem
    what = "a list goes on with a dash" if is_list else "is it indented as its neighbours are?"
    return (
        "FE105",
        start,
        max(start + 1, failure.line_offset + len(failure.line.rstrip())),
        "this line does not belong to the lines above",
        what,
    )


def _diagnose_other(failure: _FailureContext) -> _Diagnosis:
    what = (
        f": {quote_value(failure.character)} does not belong here"
        if failure.character.strip()
        else ""
    )
    known = failure.problem == "did not find expected node content" and what
    return (
        "FE105",
        failure.offset,
        failure.offset + 1,
        f"YAML cannot read this{what if known else ': ' + failure.problem}",
        "",
    )


def _measure_indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_key(line: str) -> bool:
    return re.match(r"\s*[\w\"'.-]+\s*:(\s|$)", line) is not None


_DIAGNOSERS: Final[tuple[_Diagnoser, ...]] = (
    _diagnose_tab,
    _diagnose_slip,
    _diagnose_unclosed_quote,
    _diagnose_escape,
    _diagnose_tag,
    _diagnose_block_header,
    _diagnose_braces,
    _diagnose_hash_key,
    _diagnose_colon,
    _diagnose_special_character,
    _diagnose_text_after_quote,
    _diagnose_cut_text,
    _diagnose_dash,
    _diagnose_missing_colon,
    _diagnose_template,
    _diagnose_bracket,
    _diagnose_missing_key,
    _diagnose_indentation,
    _diagnose_other,
)
