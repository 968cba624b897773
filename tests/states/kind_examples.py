"""The documented examples of the kinds of state, each with a project in which it compiles."""

from collections.abc import Mapping
from typing import Any

import msgspec

from flowengine.compile import CompileResult, compile_project
from flowengine.source import read_document
from flowengine.states import STATE_KINDS
from flowengine.states.preamble import RECORD_EXAMPLE

Json = Any
EXAMPLES = {**{name: kind.example for name, kind in STATE_KINDS.items()}, "record": RECORD_EXAMPLE}


def read_yaml(text: str) -> Json:
    document, problems = read_document(text.encode(), "example.yaml")
    assert document, problems
    return document.data


def find_missing_states(states: Mapping[str, Json]) -> set[str]:
    """The states that the example leads to, which a flow around it must have."""
    found: set[str] = set()

    def walk(value: Json, key: str = "") -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                walk(
                    item,
                    "next"
                    if key in ("options", "outcomes", "on") and isinstance(item, str)
                    else name,
                )
        elif isinstance(value, list):
            for item in value:
                walk(item)
        elif key in ("next", "otherwise", "failed", "answered") and isinstance(value, str):
            found.add(value)

    walk(states)
    return found - states.keys()


def build_example_flow(text: str) -> dict[str, Json]:
    """A flow around an example: every state that it leads to, and every variable that examples use."""
    states = read_yaml(text)
    start = next(iter(states))
    entry = (
        {"start": "enter", "on": {"answered": start, "ended": "over"}}
        if start == "announce"
        else {"start": start}
    )
    if start == "reported":
        entry = {"start": "enter", "on": {"ended": start}}
    ends = {name: {"hangup": {}} for name in sorted(find_missing_states(states))}
    texts = {name: {"type": "text", "max": 40} for name in ("name", "tier", "pin", "account")}
    return {
        "flow": "line", "locale": "en-US", **entry, "outcomes": ["right"], "error": "failed",
        "vars": {**texts, "account": {"type": "digits", "max": 8}, "tries": {"type": "integer"},
                 "message": {"type": "text", "max": 256}},
        "states": {**states, **ends, "enter": {"connect": "+14045009000"}, "over": {"done": {}}, "failed": {"hangup": {}}},
    }  # fmt: skip


PIN = """
flow: ask-pin
start: look
vars: {expected: {type: text, max: 40}, attempts: {type: integer, default: 1}}
inputs: [expected]
outputs: [attempts]
outcomes: [right, wrong]
states:
  look: {choose: [{when: vars.expected == "1", next: right}, {next: wrong}]}
  right: {return: right}
  wrong: {return: wrong}
"""
SALES = """
flow: sales-line
start: greet
vars: {name: {type: text, max: 40, default: you}}
inputs: [name]
states: {greet: {say: "Hello ${vars.name}.", hangup: }}
"""
BACK = """
flow: we-call-back
on: {answered: greet}
vars: {name: {type: text, max: 40}}
inputs: [name]
states: {greet: {say: "Hello ${vars.name}.", hangup: }}
"""
PROJECT = """
project: test
routes: [{flow: line}]
services: {crm: {url: "https://crm.example.com"}}
calendars: {support: {zone: Europe/Stockholm, open: {mon-fri: "09:00-17:00"}}}
secrets: {s3: S3}
groups: {support: {members: ["+14045009001"]}}
defaults: {attempts: 3, timeout: 5s, no_input: Sorry?, no_match: {each: [No., "No!"]}}
tables: {people: {rows: {"1": {name: Ann, age: 3}}, default: {name: "", age: 0}}}
messages: {bye: {en-US: Bye., sv-SE: Hej då.}}
apology: {en-US: Sorry.}
platform: {menu_ids: main, deadline: 4s}
applications: [{key: abc, secret: SECRET}]
"""


def compile_example(flow: Mapping[str, Json], project: str = PROJECT) -> CompileResult:
    """Compile the flow around an example, which must have no errors."""
    files = {
        "line.yaml": msgspec.json.encode(flow),
        "ask-pin.yaml": PIN.encode(),
        "we-call-back.yaml": BACK.encode(),
        "sales-line.yaml": SALES.encode(),
        "project.yaml": project.encode(),
    }
    made = compile_project(files, {"S3": "x", "SECRET": "x"})
    assert [problem.message for problem in made.problems if problem.severity == "error"] == []
    assert made.release
    return made
