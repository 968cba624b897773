"""The event stream of the C parser, guarded: depth and number of values are bounded, tags and
anchors are reported.

Only events: composing nodes recurses in C, and a file of brackets would take the process down.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml
from yaml import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)

from flowengine.limits import MAX_DEPTH, MAX_NODES
from flowengine.problems import quote_value
from flowengine.source.intended_values import quote_as_yaml, read_meant_value
from flowengine.source.source_text import Findings, SourceText

# More than the limit of nodes allows: a list has two for its node, an empty document four.
_MAX_EVENTS = 4 * MAX_NODES + 4
_TOO_DEEP = "nesting depth"  # of libyaml's own limit, which some builds of PyYAML have


def parse_events(text: SourceText, base: int, findings: Findings) -> Iterator[Event]:
    """The events from offset `base` on; their marks count from there."""
    depth = nodes = 0
    parsed, failure = _parse_to_depth_limit(text.text[base:])
    for event in parsed:
        if isinstance(event, NodeEvent):
            nodes += 1
            if nodes > MAX_NODES:
                raise findings.add_fatal(
                    "FE108",
                    *get_offsets(event, base),
                    f"the file has more than {MAX_NODES:,} keys and values",
                )
            if event.anchor is not None or getattr(event, "tag", None) is not None:
                _report_anchor_or_tag(text, event, base, findings)
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise findings.add_fatal(
                        "FE107",
                        *get_offsets(event, base),
                        f"nested more than {MAX_DEPTH} deep",
                        "is a bracket missing?",
                    )
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        yield event
    if failure is not None:
        raise failure


def _parse_to_depth_limit(content: str) -> tuple[list[Event], YAMLError | None]:
    """The parser's events, and the error that they end with. They go up to the depth that it
    refuses itself.

    libyaml looks ahead: where it refuses a depth (of 1000, from PyYAML 6.0.4 on), it has not yet
    handed out the brackets that led there. Read again up to there, it does.
    """
    events, failure = _parse_all(content)
    if (
        isinstance(failure, MarkedYAMLError)
        and failure.problem_mark is not None
        and _TOO_DEEP in str(failure.problem)
    ):
        events, _ = _parse_all(content[: failure.problem_mark.index])
    return events, failure


def _parse_all(content: str) -> tuple[list[Event], YAMLError | None]:
    events: list[Event] = []
    try:
        # a generator would cost half as much as the parser
        events.extend(islice(iter(yaml.CSafeLoader(content).get_event, None), _MAX_EVENTS))
    except YAMLError as error:
        return events, error
    return events, None


def _report_anchor_or_tag(
    text: SourceText, event: NodeEvent, base: int, findings: Findings
) -> None:
    start, _ = get_offsets(event, base)
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
        findings.add(*find_tag_fault(text, start))
    if event.anchor is None:
        return
    end = start + len(event.anchor) + 1
    if isinstance(event, AliasEvent):
        cure = "if it is text, put quotes around it; what several states share goes into defaults or a subflow"
        findings.add(
            "FE113",
            start,
            end,
            f"{quote_value('*' + event.anchor)} is a YAML alias, which flows do not use",
            cure,
        )
    else:
        cure = "if it is text, put quotes around it; otherwise remove the anchor"
        findings.add(
            "FE112",
            start,
            end,
            f"{quote_value('&' + event.anchor)} is a YAML anchor, which flows do not use",
            cure,
        )


def find_tag_fault(text: SourceText, start: int) -> tuple[str, int, int, str, str]:
    """What is wrong with the tag that begins here."""
    value = read_meant_value(text, start)
    tag = (value.split() or ["!"])[0]
    message = f"{quote_value(tag)} is a YAML tag: the value behind it would be lost"
    cure = f"put quotes around the whole value: {quote_as_yaml(value)}"
    return "FE111", start, start + len(tag), message, cure


def get_offsets(event: Event, base: int) -> tuple[int, int]:
    start: Any = event.start_mark  # never None from this parser
    end: Any = event.end_mark
    return start.index + base, end.index + base
