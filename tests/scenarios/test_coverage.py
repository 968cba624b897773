"""What counts as a state or an exit, and how much of it was taken."""

import pytest

from flowengine.compile import Program, compile_project
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.coverage import (
    CoverageItem,
    compute_coverage,
    compute_total_percent,
    list_exits,
)

FLOW = """
flow: line
start: main
error: sorry
vars: {account: {type: digits, max: 8}}
keys: {"*": repeat, 0: agent}
states:
  main:
    menu: {prompt: Press 1., options: {1: ask, 9: back}, otherwise: agent}
  once:
    menu: {prompt: Press 1., options: {1: agent}, attempts: 1, otherwise: agent}
  ask:
    collect: {prompt: Number?, into: account, digits: 4-8, confirm: "Right?", otherwise: agent}
    next: check
  check:
    choose: [{when: vars.account == "1", next: find}, {next: once}]
  find:
    fetch: {service: crm, get: "/a/${vars.account}", on: {404: agent}}
    next: agent
    error: failed
  failed: {say: Failed., next: agent}
  agent:
    connect: {phone: "+14045009000", answered: whisper}
  whisper: {continue: }
  sorry: {say: Sorry., hangup: }
"""
PROJECT = b'project: acme\nservices: {crm: {url: "https://crm.example.com"}}\n'


@pytest.fixture(scope="module")
def program() -> Program:
    compiled = compile_project({"line.yaml": FLOW.encode(), "project.yaml": PROJECT}, {})
    assert compiled.release, compiled.problems
    return compiled.programs["line"]


AGAIN = ["again: no input", "again: no match"]
COUNTED = {
    "main": ["key 1", "otherwise", "key 0", "repeat", "back", *AGAIN],
    "once": ["key 1", "otherwise", "key 0", "repeat"],
    "ask": [
        "next",
        "otherwise",
        "key 0",
        "repeat",
        "again: no input",
        "again: invalid",
        "again: not confirmed",
    ],
    "check": ["choice 1", "choice 2"],
    "find": ["next", "on 404", "error"],
    "failed": ["next"],
    "agent": ["answered"],
    "whisper": [],
}


@pytest.mark.parametrize(
    ("keys", "question", "exits"),
    [
        ('{"*": repeat}', "digits: 1", ["again: no input"]),
        ("{0: out}", "digits: 1", ["again: no input", "again: invalid"]),
        ("{0: out}", "digits: 2", ["again: no input", "again: invalid", "key 0"]),
        ('{"*": repeat}', "digits: 1, voice: true", ["again: no input", "again: invalid"]),
        ('{"*": repeat}', "digits: 1-2", ["again: no input", "again: invalid"]),
        ('{"*": repeat}', "digits: 1, valid: vars.n != '7'", ["again: no input", "again: invalid"]),
        (
            "{0: out, 1: out}",
            "digits: 1, confirm: Right?",
            ["again: no input", "again: invalid", "again: not confirmed", "key 0"],
        ),
    ],
)
def test_exits_of_an_input_are_those_that_can_come(
    keys: str, question: str, exits: list[str]
) -> None:
    flow = (
        f"flow: line\nstart: ask\nkeys: {keys}\nvars: {{n: {{type: digits, max: 4}}}}\nstates:\n"
        f"  ask: {{collect: {{prompt: N?, into: n, {question}, otherwise: out}}, next: out}}\n"
        '  out: {say: "${vars.n}", hangup: }\n'
    )
    line = compile_project({"line.yaml": flow.encode()}, {}).programs["line"]
    found = set(list_exits(line, line.states["ask"])) - {"next", "otherwise", "repeat"}
    assert sorted(found) == sorted(exits)


@pytest.mark.parametrize(
    ("taken", "five", "mismatches"),
    [
        ("012346789*#", "out", False),
        ("012346789*", "out", True),
        ("012346789*#", "{next: out, hear: [bill]}", True),
        ("012346789*#", "{menu: {prompt: Which?, options: {1: out}}}", True),
    ],
)
def test_menu_without_a_free_key_asks_for_no_mismatch(
    taken: str, five: str, mismatches: bool
) -> None:
    options = "".join(f"'{key}': out, " for key in taken)
    flow = (
        "flow: line\nstart: ask\nstates:\n"
        f"  ask: {{menu: {{prompt: N?, options: {{{options}5: {five}}}, otherwise: out}}}}\n"
        "  out: {hangup: }\n"
    )
    line = compile_project({"line.yaml": flow.encode()}, {}).programs["line"]
    assert ("again: no match" in list_exits(line, line.states["ask"])) is mismatches


@pytest.mark.parametrize("state", COUNTED)
def test_exits_of_a_state_are_listed(program: Program, state: str) -> None:
    assert sorted(list_exits(program, program.states[state])) == sorted(COUNTED[state])


def test_state_that_only_a_failure_leads_to_is_spare(program: Program) -> None:
    (found,) = compute_coverage({"line": program}, [])
    assert found.spare == ("sorry",)
    assert len(found.items) == len(COUNTED) + sum(map(len, COUNTED.values()))
    assert found.percent == 0.0


def test_exit_that_was_taken_is_no_longer_missing(program: Program) -> None:
    trace = [
        TraceEntry("line", "main", "answers"),
        TraceEntry("line", "main", "key 1"),
        TraceEntry("line", "ask", "answers"),
        TraceEntry("other", "x", "next"),
    ]
    (found,) = compute_coverage({"line": program}, trace)
    assert found.count_taken(exits=False) == (2, len(COUNTED))
    assert found.count_taken(exits=True) == (1, sum(map(len, COUNTED.values())))
    assert found.percent == pytest.approx(100 * 3 / len(found.items))
    assert CoverageItem("main", "key 1") not in found.missing
    assert CoverageItem("main", "otherwise") in found.missing


def test_everything_taken_is_a_hundred_per_cent(program: Program) -> None:
    trace = [
        TraceEntry("line", state, what)
        for state, whats in COUNTED.items()
        for what in ["answers", *whats]
    ]
    assert compute_total_percent(compute_coverage({"line": program}, trace)) == 100.0
    assert compute_total_percent(compute_coverage({"line": program}, trace[:-1])) < 100.0


def test_missing_exit_is_shown_at_its_line(program: Program) -> None:
    (found,) = compute_coverage({"line": program}, [])
    lines = FLOW.splitlines()
    assert "on: {404: agent}" in lines[found.places[CoverageItem("find", "on 404")].line - 1]
    assert lines[found.places[CoverageItem("whisper")].line - 1].startswith("  whisper:")
