"""Problems for programs: JSON, SARIF 2.1.0 (code scanning), GitHub annotations."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from flowengine.problems.catalogue import CATALOGUE
from flowengine.problems.problem import Problem, Span, in_order

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_json(problems: Iterable[Problem]) -> str:
    return json.dumps(
        [_record(problem) for problem in in_order(problems)], indent=2, ensure_ascii=False
    )


def _record(problem: Problem) -> dict[str, Any]:
    span = problem.span
    return {
        "code": problem.code,
        "severity": problem.severity,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "message": problem.message,
        "hint": problem.hint,
    }


def to_sarif(problems: Iterable[Problem]) -> str:
    ordered = in_order(problems)
    codes = sorted({problem.code for problem in ordered})
    run = {
        "tool": {"driver": {"name": "flowengine", "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes.index(problem.code)) for problem in ordered],
    }
    return json.dumps(
        {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False
    )


def _rule(code: str) -> dict[str, Any]:
    entry = CATALOGUE[code]
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": " ".join(entry.explanation.split())},
        "defaultConfiguration": {"level": entry.severity},
    }


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": _whole_message(problem)},
        "locations": [{"physicalLocation": _location(problem.span)}],
    }


def _location(span: Span) -> dict[str, Any]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"artifactLocation": {"uri": quote(span.file.replace("\\", "/"))}, "region": region}


def to_github(problems: Iterable[Problem]) -> str:
    return "".join(f"{_annotation(problem)}\n" for problem in in_order(problems))


def _annotation(problem: Problem) -> str:
    span = problem.span
    where = {"file": span.file, "line": span.line, "endLine": span.end_line}
    if span.line == span.end_line:  # GitHub takes columns only within one line
        where |= {"col": span.column, "endColumn": span.end_column}
    where["title"] = f"{problem.code} {CATALOGUE[problem.code].title}"
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in where.items())
    return f"::{problem.severity} {properties}::{_escaped(_whole_message(problem))}"


def _whole_message(problem: Problem) -> str:
    return f"{problem.message}\n{problem.hint}" if problem.hint else problem.message


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
