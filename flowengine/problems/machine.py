"""Problems for programs: JSON, SARIF 2.1.0 (code scanning), GitHub annotations."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote

from flowengine.problems.catalogue import CATALOGUE, explain_text
from flowengine.problems.problem import Problem, Span, in_order

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_PRINT: Final = "flowengineProblem/v1"
_LINE: Final = re.compile(r":[0-9]+(:[0-9]+)?\b|\blines? [0-9]+")


def to_json(problems: Iterable[Problem]) -> str:
    records = [_record(problem) for problem in in_order(problems)]
    return encodable(json.dumps(records, indent=2, ensure_ascii=False))


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
    """SARIF for code scanning. Files are relative to the root of the repository, where
    they are below it.
    """
    ordered = in_order(problems)
    codes = sorted({problem.code for problem in ordered})
    number = version("flowengine")
    driver = {
        "name": "flowengine",
        "version": number,
        "semanticVersion": number,
        "rules": [_rule(code) for code in codes],
    }
    prints = _fingerprints(ordered)
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "The root of the repository that was checked."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            {**_result(problem, codes.index(problem.code)), "partialFingerprints": {_PRINT: digest}}
            for problem, digest in zip(ordered, prints, strict=True)
        ],
    }
    whole = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return encodable(json.dumps(whole, indent=2, ensure_ascii=False))


def _rule(code: str) -> dict[str, Any]:
    entry = CATALOGUE[code]
    examples = [
        f"{label}:\n\n```yaml\n{example.rstrip()}\n```"
        for label, example in (("Wrong", entry.wrong), ("Right", entry.right))
        if example
    ]
    explanation = " ".join(entry.explanation.split())
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": explanation},
        "help": {
            "text": explain_text(code),
            "markdown": "\n\n".join([entry.explanation.strip(), *examples]),
        },
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
    path = quote(span.file, errors="surrogateescape")
    place = {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": _ROOT}
    return {"artifactLocation": place, **({"region": region} if span.line else {})}


def _fingerprints(problems: Iterable[Problem]) -> Iterator[str]:
    """What stays the same when a problem moves to other lines: its code, file and message, and how
    many such there are before it.
    """
    seen: Counter[str] = Counter()
    for problem in problems:
        message = _LINE.sub("", problem.message)
        text = f"{problem.code}\0{problem.span.file}\0{message}"
        seen[text] += 1
        whole = f"{text}\0{seen[text]}".encode(errors="surrogatepass")
        yield hashlib.sha256(whole).hexdigest()[:32]


def to_github(problems: Iterable[Problem]) -> str:
    """Annotations for the log of a GitHub workflow, one a line."""
    return encodable("".join(f"{_annotation(problem)}\n" for problem in in_order(problems)))


def _annotation(problem: Problem) -> str:
    span = problem.span
    where: dict[str, str | int] = {"file": span.file}
    if span.line:  # a file that nobody could read has no lines
        where |= {"line": span.line, "endLine": span.end_line}
    if span.line and span.line == span.end_line:  # GitHub takes columns only within one line
        where |= {"col": span.column, "endColumn": span.end_column}
    where["title"] = f"{problem.code} {CATALOGUE[problem.code].title}"
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in where.items())
    return f"::{problem.severity} {properties}::{_escaped(_whole_message(problem))}"


def encodable(text: str) -> str:
    """A text in which a question mark stands for each lone surrogate, which UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()


def _whole_message(problem: Problem) -> str:
    return f"{problem.message}\n{problem.hint}" if problem.hint else problem.message


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
