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
from flowengine.source.source_text import ProblemCollector, SourceText

_BATCH_EVENTS = 1024
_TOO_DEEP = "nesting depth"  # of libyaml's own limit, which some builds of PyYAML have


def parse_events(text: SourceText, base: int, findings: ProblemCollector) -> Iterator[Event]:
    """The events from offset `base` on; their marks count from there."""
    depth = nodes = 0
    for batch, failure in _parse_in_batches(text.text[base:]):
        for event in batch:
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


def _parse_in_batches(content: str) -> Iterator[tuple[list[Event], YAMLError | None]]:
    """The parser's events, each batch with the error that it ends with, if it does.

    The reader stops at the first value too deep, and no more than a batch is parsed beyond it:
    before PyYAML 6.0.4, the time that libyaml takes grows with the square of the open brackets.
    A batch is a list, since a generator of events would cost half as much as the parser.

    libyaml looks ahead: where it refuses a depth (of 1000, from PyYAML 6.0.4 on), it has not yet
    handed out the brackets that led there. Read again up to there, it does.
    """
    events = iter(yaml.CSafeLoader(content).get_event, None)
    count = 0
    while True:
        batch, failure = _parse_batch(events)
        if isinstance(failure, MarkedYAMLError) and _TOO_DEEP in str(failure.problem):
            mark: Any = failure.problem_mark  # never None from this parser
            again = iter(yaml.CSafeLoader(content[: mark.index]).get_event, None)
            batch, _ = _parse_batch(islice(again, count, None), size=None)
        yield batch, failure
        count += len(batch)
        if failure is not None or len(batch) < _BATCH_EVENTS:
            return


def _parse_batch(
    events: Iterator[Event], size: int | None = _BATCH_EVENTS
) -> tuple[list[Event], YAMLError | None]:
    batch: list[Event] = []
    try:
        batch.extend(islice(events, size))
    except YAMLError as error:
        return batch, error
    return batch, None


def _report_anchor_or_tag(
    text: SourceText, event: NodeEvent, base: int, findings: ProblemCollector
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
