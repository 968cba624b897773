"""What is wrong with queues and with agents who sign in: each case is a project and its problems."""

import pytest

from flowengine.problems import Problem
from tests.compile.project_texts import compiled

PROJECT = """\
# project.yaml
project: acme
routes: [{flow: line}]
groups: {support: {members: ["+14045009001", "+14045009002"], most_waiting: 5}}
"""
LINE = """\
# line.yaml
flow: line
start: a
states:
  a: {%s}
  b: {say: Nobody., hangup: }
"""
APPS = PROJECT.replace("[{flow: line}]", "[{origin: mxp, flow: line}]")
ONE = PROJECT.replace(', "+14045009002"', "").replace(", most_waiting: 5", "")
QUEUE = "queue: {of: support, nobody: b, %s}"
CASES = {
    "all that a queue has": (
        PROJECT + LINE % (QUEUE % "full: b, too_long: b, limit: 1h, keys: {1: b, '#': b}, priority: 9"),
        [],
    ),
    "no exit": (PROJECT + LINE % "queue: {of: support}", ["FE151 queue"]),
    "no group": (PROJECT + LINE % "queue: {nobody: b}", ["FE151 queue"]),
    "an unknown group": (
        PROJECT + LINE % "queue: {of: suport, nobody: b}",
        ["FE202 suport"],
    ),
    "exits to nowhere": (
        PROJECT + LINE % (QUEUE % "full: c, keys: {1: repeat}"),
        ["FE203 c", "FE203 repeat"],
    ),
    "times out of range": (
        PROJECT + LINE % (QUEUE % "limit: 5h, each: 1.5s, wait: {say: Hi., every: 19s}"),
        ["FE412 1.5s", "FE412 5h", "FE412 19s"],
    ),
    "a pause of a group that is none": (
        PROJECT.replace("most_waiting: 5", "pause: 2h") + LINE % (QUEUE % "limit: 5m"),
        ["FE412 2h"],
    ),
    "a time that nobody may know": (
        PROJECT + LINE % (QUEUE % "wait: {say: 'It takes ${queue.wait}.'}"),
        ["FE301 queue.wait"],
    ),
    "a priority that is no number": (
        PROJECT + LINE % (QUEUE % "priority: call.from"),
        ["FE302 call.from"],
    ),
    "callers from apps": (APPS + LINE % (QUEUE % "limit: 5m"), ["FE424 queue"]),
    "what has no effect": (
        ONE + LINE % (QUEUE % "full: b, too_long: b, order: in turn, wait: {every: 30s}"),
        ["FE936 full", "FE936 too_long", "FE936 order", "FE936 every"],
    ),
    "a full queue that begins anew": (
        PROJECT + LINE.replace("b: {say", "c: {say") % "queue: {of: support, limit: 5m, nobody: c, full: a}",
        ["FE942 a"],
    ),
    "a wait without an end": (
        PROJECT + LINE % (QUEUE % "keys: {1: b}"),
        ["FE944 queue"],
    ),
    "an agent who signs in to a group that nobody calls": (
        PROJECT + LINE % "agent: {group: support, sign: in, unknown: b}, next: b",
        ["FE913 support"],
    ),
    "an agent without an exit for others": (
        PROJECT + LINE % "agent: {group: support, sign: in}, next: b",
        ["FE151 agent"],
    ),
    "an agent of an unknown group": (
        PROJECT + LINE % "agent: {group: sales, sign: in, unknown: b}, next: b",
        ["FE202 sales"],
    ),
    "an agent who is not in the group": (
        PROJECT + LINE % 'agent: {group: support, sign: in, is: "+14045009009", unknown: b}, next: b',
        ['FE441 "+14045009009"'],
    ),
    "an agent who cannot be rung": (
        PROJECT + LINE % "agent: {group: support, sign: out, is: anna, unknown: b}, next: b",
        ["FE415 anna"],
    ),
}  # fmt: skip


def show(text: str, problem: Problem) -> str:
    """The code and what the problem is about."""
    names = text.split("# line.yaml\n")
    lines = names[problem.span.file == "line.yaml"].removeprefix("# project.yaml\n").splitlines()
    span = problem.span
    return f"{problem.code} {lines[span.line - 1][span.column - 1 : span.end_column - 1]}"


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_queue_has_the_problems_of_its_case(text: str, expected: list[str]) -> None:
    assert sorted(show(text, one) for one in compiled(text).problems) == sorted(expected)


@pytest.mark.parametrize(
    "state", [QUEUE % "limit: 5m", "agent: {group: support, sign: in, unknown: b}, next: c"]
)
def test_queue_and_agent_need_a_session_store(state: str) -> None:
    text = PROJECT + LINE % state + "  c: {queue: {of: support, nobody: b}}\n"
    found = [one.code for one in compiled(text, cookies_only=True).problems]
    assert "FE427" in found


def test_words_before_a_queue_that_takes_nobody_count_with_those_after_it() -> None:
    state = f"say: {'a' * 590}., " + QUEUE % "limit: 5m"
    text = PROJECT + LINE.replace("say: Nobody.", f"say: {'b' * 590}.") % state
    assert [one.code for one in compiled(text).problems] == ["FE404"]


BACK = """\
# back.yaml
flow: back
on: {answered: greet}
states:
  greet: {menu: {prompt: To speak with us press 1., options: {1: wait}, otherwise: bye}}
  wait: {queue: {of: support, limit: 5m, nobody: bye}}
  bye: {say: Goodbye., hangup: }
# asks.yaml
flow: asks
outcomes: [placed]
start: place_it
states:
  place_it: {place: {flow: back, to: "${call.from}", when: my turn}, error: ends, next: ends}
  ends: {return: placed}
"""


def test_call_back_in_a_subflow_has_the_turn_of_its_caller() -> None:
    line = (
        LINE % (QUEUE % "limit: 5m")
    ).replace("  b: {say: Nobody., hangup: }", "  b: {subflow: {flow: asks, outcomes: {placed: c}}}\n  c: {hangup: }")  # fmt: skip
    assert [one.code for one in compiled(PROJECT + line + BACK).problems] == []
    alone = PROJECT + LINE % "subflow: {flow: asks, outcomes: {placed: b}}" + BACK
    assert [one.code for one in compiled(alone).problems] == ["FE454"]


IN_TURN = 'place: {flow: back, to: "${call.from}", when: my turn}, error: b, next: b'
CALLED_BACK = BACK.partition("# asks.yaml")[0]
TWO_GROUPS = PROJECT.replace("groups: {", 'groups: {sales: {members: ["+14045009003"]}, ')
LINE_IN_TURN = (LINE % (QUEUE % "limit: 5m, too_long: c")) + "  c: {" + IN_TURN + "}\n"
IN_TURN_CASES = {
    "a queue of the same group": (LINE_IN_TURN, CALLED_BACK, []),
    "a queue of another group": (LINE_IN_TURN, CALLED_BACK.replace("support", "sales"), ["FE455"]),
    "a queue of one of two groups": (
        LINE_IN_TURN.replace("nobody: b,", "nobody: d,") + "  d: {queue: {of: sales, limit: 5m, nobody: c}}\n",
        CALLED_BACK.replace("support", "sales"),
        [],
    ),
    "a queue before with a mistake": (LINE_IN_TURN.replace("too_long", "to_long"), CALLED_BACK, ["FE150"]),
    "a queue before of an unknown group": (LINE_IN_TURN.replace("support", "suport"), CALLED_BACK, ["FE202"]),
    "a queue after with a mistake": (LINE_IN_TURN, CALLED_BACK.replace("limit", "limt"), ["FE150"]),
    "a queue after of an unknown group": (LINE_IN_TURN, CALLED_BACK.replace("support", "suport"), ["FE202"]),
    "a flow that cannot be read": (
        LINE_IN_TURN.replace("too_long: c", "too_long: b"),
        CALLED_BACK + "# uses.yaml\nflow: uses\nstart: a\nstats: {}\n",
        ["FE150", "FE901"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("line", "back", "expected"), IN_TURN_CASES.values(), ids=IN_TURN_CASES)
def test_call_back_in_turn_has_the_problems_of_its_queues(
    line: str, back: str, expected: list[str]
) -> None:
    found = compiled(TWO_GROUPS + line + back).problems
    assert sorted({one.code for one in found} - {"FE913"}) == expected, found
