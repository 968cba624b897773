"""Results of scenarios for a person and, as JUnit, for machines."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from flowengine.problems import Problem, Span, to_text
from flowengine.problems.excerpt import Excerpts
from flowengine.scenarios.coverage import FlowCoverage, total
from flowengine.scenarios.result import Failure, Result

MAX_MISSING = 8  # of one flow, in the table; the JSON has them all


class Places:
    """The files of a project as a reader finds them: by paths that a terminal can open."""

    def __init__(self, files: Mapping[str, bytes], folder: str = "") -> None:
        self._folder = "" if folder in ("", ".") else f"{folder.rstrip('/')}/"
        self._sources = {f"{self._folder}{name}": content for name, content in files.items()}
        self._excerpts = Excerpts(self._sources)

    def at(self, span: Span) -> Span:
        return replace(span, file=f"{self._folder}{span.file}")

    def excerpt(self, span: Span) -> tuple[str, str]:
        return self._excerpts.of(self.at(span))

    def listing(self, problems: Iterable[Problem], *, colour: bool = False) -> str:
        return to_text(
            [replace(problem, span=self.at(problem.span)) for problem in problems],
            self._sources,
            colour=colour,
        )


def failure_text(result: Result, places: Places) -> str:
    """Everything about a scenario that failed: what was expected and what came, where, and the
    conversation so far.
    """
    parts = [f"FAILED {result.title}"]
    parts += [one(failure, places) for failure in result.failures]
    if result.place is not None:
        line, _ = places.excerpt(result.place)
        parts.append(f"the call was in {result.state}\n {places.at(result.place)}: {line.strip()}")
    if result.transcript:
        parts.append("\n".join(["the conversation:", *transcript(result)]))
    return "\n".join(parts) + "\n"


def one(failure: Failure, places: Places) -> str:
    line, carets = places.excerpt(failure.span)
    gutter = " " * len(str(failure.span.line))
    rows = [f"{places.at(failure.span)}: {failure.message}"]
    rows += [f" {failure.span.line} | {line}".rstrip(), f" {gutter} | {carets}"] if carets else []
    rows += [f" {gutter} = expected: {failure.expected}"] if failure.expected else []
    rows += [f" {gutter} = found:    {failure.found}"] if failure.found else []
    return "\n".join(rows)


def transcript(result: Result) -> list[str]:
    return [
        f"  {clock(moment.seconds)}  {moment.who} {moment.what}" for moment in result.transcript
    ]


def clock(seconds: float) -> str:
    """The time in a call, as a telephone bill has it.

    >>> clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:2}:{rest:02}"


def summary(results: Sequence[Result], seconds: float) -> str:
    failed = sum(bool(result.failures) for result in results)
    number = len(results)
    return f"{number} scenario{'s' * (number != 1)}: {number - failed} passed, {failed} failed ({seconds:.1f} s)"


def junit(results: Iterable[Result], places: Places) -> bytes:
    """JUnit XML: a suite for each flow."""
    suites: dict[str, list[Result]] = {}
    for result in results:
        suites.setdefault(result.flow, []).append(result)
    every = [result for members in suites.values() for result in members]
    root = Element("testsuites", {"name": "flowengine", **_counts(every)})
    for number, (flow, members) in enumerate(suites.items()):
        counts = {**_counts(members), "skipped": "0", "id": str(number)}
        suite = SubElement(root, "testsuite", {"name": to_xml_text(flow), **counts})
        files = {places.at(result.span).file for result in members}
        if len(files) == 1:
            suite.set("file", to_xml_text(files.pop()))
        for result in members:
            case(suite, result, places)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _counts(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(bool(result.failures) for result in results)),
        "errors": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def case(suite: Element, result: Result, places: Places) -> None:
    """One scenario. Jenkins' junit-10.xsd has no place for a file and a line, so a failure begins
    with them.
    """
    named = {"classname": to_xml_text(result.flow), "name": to_xml_text(result.name)}
    found = SubElement(suite, "testcase", {**named, "time": f"{result.seconds:.3f}"})
    if result.failures:
        message = to_xml_text(result.failures[0].message)
        failure = SubElement(found, "failure", message=message, type="scenario")
        text = f"{places.at(result.span)}\n{failure_text(result, places)}"
        failure.text = to_xml_text(text)


_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_xml_text(text: str) -> str:
    """A text in which U+FFFD stands for each character that XML 1.0 cannot hold."""
    return _NO_XML.sub("\ufffd", text)


def coverage_text(flows: Sequence[FlowCoverage], places: Places) -> str:
    """A table for a person, with what is missing below each flow."""
    width = max((len(flow.flow) for flow in flows), default=4)
    rows = [f"{'flow':{width}}  {'states':>9}  {'exits':>9}  covered"]
    for flow in flows:
        states, exits = (
            f"{taken}/{there}"
            for taken, there in (flow.counts(exits=False), flow.counts(exits=True))
        )
        rows.append(f"{flow.flow:{width}}  {states:>9}  {exits:>9}  {floor(flow.percent):>6}%")
        rows += [f"  {places.at(flow.places[item])}: {item}" for item in flow.missing[:MAX_MISSING]]
        rows += (
            [f"  and {len(flow.missing) - MAX_MISSING} more"]
            if len(flow.missing) > MAX_MISSING
            else []
        )
        rows += [f"  only after a mishap: {', '.join(flow.spare)}"] if flow.spare else []
    return "\n".join([*rows, f"{'all':{width}}  {'':>9}  {'':>9}  {floor(total(flows)):>6}%"])


def floor(share: float) -> str:
    """Per cent with one digit, never rounded up: 100.0 means that nothing is missing."""
    return f"{int(share * 10) / 10:.1f}"


def as_data(
    results: Sequence[Result], flows: Sequence[FlowCoverage], places: Places
) -> dict[str, object]:
    """Everything, for programs."""
    return {
        "scenarios": [
            {
                "flow": result.flow,
                "name": result.name,
                "file": places.at(result.span).file,
                "line": result.span.line,
                "passed": not result.failures,
                "failures": [
                    {
                        "place": str(places.at(item.span)),
                        "message": item.message,
                        "expected": item.expected,
                        "found": item.found,
                    }
                    for item in result.failures
                ],
            }
            for result in results
        ],
        "coverage": {
            "percent": total(flows),
            "flows": [
                {
                    "flow": flow.flow,
                    "percent": flow.percent,
                    "states": dict(
                        zip(("covered", "total"), flow.counts(exits=False), strict=True)
                    ),
                    "exits": dict(zip(("covered", "total"), flow.counts(exits=True), strict=True)),
                    "missing": [
                        {
                            "state": item.state,
                            "exit": item.exit,
                            "place": str(places.at(flow.places[item])),
                        }
                        for item in flow.missing
                    ],
                    "spare": list(flow.spare),
                }
                for flow in flows
            ],
        },
    }
