"""Problems for programs: JSON, SARIF 2.1.0 for code scanning, and GitHub annotations."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from flowengine.problems.catalogue import CATALOGUE, format_explanation
from flowengine.problems.problem import Problem, Span, sort_problems

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SRCROOT: Final = "%SRCROOT%"
_FINGERPRINT_KEY: Final = "flowengineProblem/v1"
_LINE_NUMBER: Final = re.compile(r":[0-9]+(:[0-9]+)?\b|\blines? [0-9]+")


def to_json(problems: Iterable[Problem]) -> str:
    records = [_to_record(problem) for problem in sort_problems(problems)]
    return replace_surrogates(json.dumps(records, indent=2, ensure_ascii=False))


def _to_record(problem: Problem) -> dict[str, Any]:
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
    # as slow to import as all else here, and the other formats do without
    from importlib.metadata import version  # noqa: PLC0415

    ordered = sort_problems(problems)
    codes = sorted({problem.code for problem in ordered})
    number = version("flowengine")
    driver = {
        "name": "flowengine",
        "version": number,
        "semanticVersion": number,
        "rules": [_to_sarif_rule(code) for code in codes],
    }
    prints = _compute_fingerprints(ordered)
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {
            _SRCROOT: {"description": {"text": "The root of the repository that was checked."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            {
                **_to_sarif_result(problem, codes.index(problem.code)),
                "partialFingerprints": {_FINGERPRINT_KEY: digest},
            }
            for problem, digest in zip(ordered, prints, strict=True)
        ],
    }
    whole = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return replace_surrogates(json.dumps(whole, indent=2, ensure_ascii=False))


def _to_sarif_rule(code: str) -> dict[str, Any]:
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
            "text": format_explanation(code),
            "markdown": "\n\n".join([entry.explanation.strip(), *examples]),
        },
        "defaultConfiguration": {"level": entry.severity},
    }


def _to_sarif_result(problem: Problem, rule: int) -> dict[str, Any]:
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": _format_message(problem)},
        "locations": [{"physicalLocation": _to_sarif_location(problem.span)}],
    }


def _to_sarif_location(span: Span) -> dict[str, Any]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    path = quote(span.file, errors="surrogateescape")
    place = (
        {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": _SRCROOT}
    )
    return {"artifactLocation": place, **({"region": region} if span.line else {})}


def _compute_fingerprints(problems: Iterable[Problem]) -> Iterator[str]:
    """What stays the same when a problem moves to other lines: its code, file and message, and how
    many such there are before it.
    """
    seen: Counter[str] = Counter()
    for problem in problems:
        message = _LINE_NUMBER.sub("", problem.message)
        text = f"{problem.code}\0{problem.span.file}\0{message}"
        seen[text] += 1
        whole = f"{text}\0{seen[text]}".encode(errors="surrogatepass")
        yield hashlib.sha256(whole).hexdigest()[:32]


def to_github(problems: Iterable[Problem]) -> str:
    """Annotations for the log of a GitHub workflow, one a line."""
    return replace_surrogates(
        "".join(f"{_format_annotation(problem)}\n" for problem in sort_problems(problems))
    )


def _format_annotation(problem: Problem) -> str:
    span = problem.span
    where: dict[str, str | int] = {"file": span.file}
    if span.line:  # a file that nobody could read has no lines
        where |= {"line": span.line, "endLine": span.end_line}
    if span.line and span.line == span.end_line:  # GitHub takes columns only within one line
        where |= {"col": span.column, "endColumn": span.end_column}
    where["title"] = f"{problem.code} {CATALOGUE[problem.code].title}"
    properties = ",".join(f"{name}={_escape_property(str(value))}" for name, value in where.items())
    return f"::{problem.severity} {properties}::{_escape_data(_format_message(problem))}"


def replace_surrogates(text: str) -> str:
    """A text in which a question mark stands for each lone surrogate, which UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()


def _format_message(problem: Problem) -> str:
    return f"{problem.message}\n{problem.hint}" if problem.hint else problem.message


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
