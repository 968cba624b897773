"""Results of scenarios for a person and, as JUnit, for machines."""

import re
from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec.structs import replace

from flowengine.problems import Problem, Span, to_text
from flowengine.problems.source_excerpt import Excerpts
from flowengine.scenarios.coverage import FlowCoverage, compute_total_percent
from flowengine.scenarios.result import Failure, ScenarioResult

MAX_MISSING_ROWS = 8  # of one flow, in the table; the JSON has them all


class SourceRenderer:
    """The files of a project as a reader finds them: by paths that a terminal can open."""

    def __init__(self, files: Mapping[str, bytes], folder: str = "") -> None:
        self._folder = "" if folder in ("", ".") else f"{folder.rstrip('/')}/"
        self._sources = {f"{self._folder}{name}": content for name, content in files.items()}
        self._excerpts = Excerpts(self._sources)

    def locate_span(self, span: Span) -> Span:
        return replace(span, file=f"{self._folder}{span.file}")

    def render_excerpt(self, span: Span) -> tuple[str, str]:
        return self._excerpts.format_excerpt(self.locate_span(span))

    def render_problems(self, problems: Iterable[Problem], *, colour: bool = False) -> str:
        return to_text(
            [replace(problem, span=self.locate_span(problem.span)) for problem in problems],
            self._sources,
            colour=colour,
        )


def format_failed_result(result: ScenarioResult, places: SourceRenderer) -> str:
    """Everything about a scenario that failed: what was expected and what came, where, and the
    conversation so far.
    """
    parts = [f"FAILED {result.title}"]
    parts += [format_failure(failure, places) for failure in result.failures]
    if result.place is not None:
        line, _ = places.render_excerpt(result.place)
        parts.append(
            f"the call was in {result.state}\n {places.locate_span(result.place)}: {line.strip()}"
        )
    if result.transcript:
        parts.append("\n".join(["the conversation:", *format_transcript(result)]))
    return "\n".join(parts) + "\n"


def format_failure(failure: Failure, places: SourceRenderer) -> str:
    line, carets = places.render_excerpt(failure.span)
    gutter = " " * len(str(failure.span.line))
    rows = [f"{places.locate_span(failure.span)}: {failure.message}"]
    rows += [f" {failure.span.line} | {line}".rstrip(), f" {gutter} | {carets}"] if carets else []
    rows += [f" {gutter} = expected: {failure.expected}"] if failure.expected else []
    rows += [f" {gutter} = found:    {failure.found}"] if failure.found else []
    return "\n".join(rows)


def format_transcript(result: ScenarioResult) -> list[str]:
    return [
        f"  {format_clock(moment.seconds)}  {moment.who} {moment.what}"
        for moment in result.transcript
    ]


def format_clock(seconds: float) -> str:
    """The time in a call, as a telephone bill has it.

    >>> format_clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:2}:{rest:02}"


def format_summary(results: Sequence[ScenarioResult], seconds: float) -> str:
    failed = sum(bool(result.failures) for result in results)
    number = len(results)
    return f"{number} scenario{'s' * (number != 1)}: {number - failed} passed, {failed} failed ({seconds:.1f} s)"


def to_junit(results: Iterable[ScenarioResult], places: SourceRenderer) -> bytes:
    """JUnit XML: a suite for each flow."""
    suites: dict[str, list[ScenarioResult]] = {}
    for result in results:
        suites.setdefault(result.flow, []).append(result)
    every = [result for members in suites.values() for result in members]
    root = Element("testsuites", {"name": "flowengine", **_count_results(every)})
    for number, (flow, members) in enumerate(suites.items()):
        counts = {**_count_results(members), "skipped": "0", "id": str(number)}
        suite = SubElement(root, "testsuite", {"name": to_xml_text(flow), **counts})
        files = {places.locate_span(result.span).file for result in members}
        if len(files) == 1:
            suite.set("file", to_xml_text(files.pop()))
        for result in members:
            add_junit_case(suite, result, places)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _count_results(results: Sequence[ScenarioResult]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(bool(result.failures) for result in results)),
        "errors": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def add_junit_case(suite: Element, result: ScenarioResult, places: SourceRenderer) -> None:
    """One scenario. Jenkins' junit-10.xsd has no place for a file and a line, so a failure begins
    with them.
    """
    named = {"classname": to_xml_text(result.flow), "name": to_xml_text(result.name)}
    found = SubElement(suite, "testcase", {**named, "time": f"{result.seconds:.3f}"})
    if result.failures:
        message = to_xml_text(result.failures[0].message)
        failure = SubElement(found, "failure", message=message, type="scenario")
        text = f"{places.locate_span(result.span)}\n{format_failed_result(result, places)}"
        failure.text = to_xml_text(text)


_INVALID_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_xml_text(text: str) -> str:
    """A text in which U+FFFD stands for each character that XML 1.0 cannot hold."""
    return _INVALID_XML.sub("\ufffd", text)


def format_coverage(flows: Sequence[FlowCoverage], places: SourceRenderer) -> str:
    """A table for a person, with what is missing below each flow."""
    width = max((len(flow.flow) for flow in flows), default=4)
    rows = [f"{'flow':{width}}  {'states':>9}  {'exits':>9}  covered"]
    for flow in flows:
        states, exits = (
            f"{taken}/{there}"
            for taken, there in (flow.count_taken(exits=False), flow.count_taken(exits=True))
        )
        rows.append(
            f"{flow.flow:{width}}  {states:>9}  {exits:>9}  {format_percent(flow.percent):>6}%"
        )
        rows += [
            f"  {places.locate_span(flow.places[item])}: {item}"
            for item in flow.missing[:MAX_MISSING_ROWS]
        ]
        rows += (
            [f"  and {len(flow.missing) - MAX_MISSING_ROWS} more"]
            if len(flow.missing) > MAX_MISSING_ROWS
            else []
        )
        rows += [f"  only after a failure: {', '.join(flow.spare)}"] if flow.spare else []
    return "\n".join(
        [
            *rows,
            f"{'all':{width}}  {'':>9}  {'':>9}  {format_percent(compute_total_percent(flows)):>6}%",
        ]
    )


def format_percent(share: float) -> str:
    """Per cent with one digit, never rounded up: 100.0 means that nothing is missing."""
    return f"{int(share * 10) / 10:.1f}"


def to_json_data(
    results: Sequence[ScenarioResult], flows: Sequence[FlowCoverage], places: SourceRenderer
) -> dict[str, object]:
    """Everything, for programs."""
    return {
        "scenarios": [
            {
                "flow": result.flow,
                "name": result.name,
                "file": places.locate_span(result.span).file,
                "line": result.span.line,
                "passed": not result.failures,
                "failures": [
                    {
                        "place": str(places.locate_span(item.span)),
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
            "percent": compute_total_percent(flows),
            "flows": [
                {
                    "flow": flow.flow,
                    "percent": flow.percent,
                    "states": dict(
                        zip(("covered", "total"), flow.count_taken(exits=False), strict=True)
                    ),
                    "exits": dict(
                        zip(("covered", "total"), flow.count_taken(exits=True), strict=True)
                    ),
                    "missing": [
                        {
                            "state": item.state,
                            "exit": item.exit,
                            "place": str(places.locate_span(flow.places[item])),
                        }
                        for item in flow.missing
                    ],
                    "spare": list(flow.spare),
                }
                for flow in flows
            ],
        },
    }
