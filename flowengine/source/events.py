"""The event stream of the C parser, guarded: depth and number of values are bounded, tags and
anchors are reported.

Only events: composing nodes recurses in C, and a file of brackets would take the process down.
"""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)

from flowengine.limits import MAX_DEPTH, MAX_NODES
from flowengine.problems import quoted
from flowengine.source.text import Findings, Text

QUOTE_TAG = "put quotes around the whole value"


def events(text: Text, base: int, findings: Findings) -> Iterator[Event]:
    """The events from offset `base` on; their marks count from there."""
    depth = nodes = 0
    parser = yaml.CSafeLoader(text.text[base:])
    while (event := parser.get_event()) is not None:
        if isinstance(event, NodeEvent):
            nodes += 1
            if nodes > MAX_NODES:
                raise findings.stop(
                    "FE108",
                    *stretch(event, base),
                    f"the file has more than {MAX_NODES:,} keys and values",
                )
            if event.anchor is not None or getattr(event, "tag", None) is not None:
                _refuse(text, event, base, findings)
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise findings.stop(
                    "FE107",
                    *stretch(event, base),
                    f"nested more than {MAX_DEPTH} deep",
                    "is a bracket missing?",
                )
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        yield event


def _refuse(text: Text, event: NodeEvent, base: int, findings: Findings) -> None:
    start, _ = stretch(event, base)
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
        _refuse_tag(text.text[start : stretch(event, base)[1]], start, findings)
    if event.anchor is None:
        return
    end = start + len(event.anchor) + 1
    if isinstance(event, AliasEvent):
        cure = "if it is text, put quotes around it; what several states share goes into defaults or a subflow"
        findings.add(
            "FE113",
            start,
            end,
            f"{quoted('*' + event.anchor)} is a YAML alias, which flows do not use",
            cure,
        )
    else:
        cure = "if it is text, put quotes around it; otherwise remove the anchor"
        findings.add(
            "FE112",
            start,
            end,
            f"{quoted('&' + event.anchor)} is a YAML anchor, which flows do not use",
            cure,
        )


def _refuse_tag(value: str, start: int, findings: Findings) -> None:
    line = value.split("\n", maxsplit=1)[0].strip()
    tag = (line.split() or ["!"])[0]
    cure = f"{QUOTE_TAG}: '{line}'" if '"' in line else f'{QUOTE_TAG}: "{line}"'
    findings.add(
        "FE111",
        start,
        start + len(tag),
        f"{quoted(tag)} is a YAML tag: the value behind it would be lost",
        cure,
    )


def stretch(event: Event, base: int) -> tuple[int, int]:
    start: Any = event.start_mark  # never None from this parser
    end: Any = event.end_mark
    return start.index + base, end.index + base
