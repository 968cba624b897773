"""What is wrong with rings and groups: each case is a project and its problems."""

from typing import Final

import pytest

from flowengine.compile import CompileResult
from flowengine.problems import Problem
from tests.compile.project_texts import compiled

LINE = """\
# line.yaml
flow: line
start: a
states:
  a: {%s}
  b: {say: Nobody., hangup: }
"""
TWO: Final = 'who: ["+14045009001", "+14045009002"]'
GROUP = (
    """\
# project.yaml
project: acme
groups: {sales: {members: [%s]}}
"""
    + LINE % "ring: {group: sales, nobody: b}"
)
CASES = {
    "members of its own": (LINE % f"ring: {{{TWO}, nobody: b}}", []),
    "members as people write them": (
        LINE
        % 'ring: {who: [+1 404 500 9001, "sip:desk@pbx.example.com:5061", a@b.example], nobody: b}',
        [],
    ),
    "members that cannot be rung": (
        LINE % 'ring: {who: ["4045009001", anna, "sip:pbx.example.com", "a b@c", ""], nobody: b}',
        [
            'FE415 "4045009001"',
            "FE415 anna",
            'FE415 "sip:pbx.example.com"',
            'FE415 "a b@c"',
            'FE415 ""',
        ],
    ),
    "a member twice": (
        LINE % 'ring: {who: ["+14045009001", "+1 404 500 9001", "sip:a@b", "a@b"], nobody: b}',
        ['FE426 "+1 404 500 9001"', 'FE426 "a@b"'],
    ),
    "an app user": (LINE % "ring: {who: [{app: anna}], nobody: b}", ["FE152 {app: anna}"]),
    "neither members nor a group": (LINE % "ring: {nobody: b}", ["FE425 ring"]),
    "members and a group": (
        GROUP.replace("ring: {group", f"ring: {{{TWO}, group") % '"+14045009001"',
        ["FE425 group"],
    ),
    "no exit": (LINE % f"ring: {{{TWO}}}", ["FE151 ring"]),
    "exits to nowhere": (
        LINE % f"ring: {{{TWO}, nobody: c, busy: d, no_answer: repeat, after: b}}",
        ["FE203 c", "FE203 d", "FE203 repeat"],
    ),
    "times that the platform does not take": (
        LINE % f"ring: {{{TWO}, each: 11m, accept: {{prompt: Hi., timeout: 31s}}, nobody: b}}",
        ["FE412 11m", "FE412 31s"],
    ),
    "parts of a second": (
        LINE % f"ring: {{{TWO}, each: 1.5s, nobody: b}}",
        ["FE412 1.5s"],
    ),
    "a caller id that is none": (
        LINE % f"ring: {{{TWO}, caller_id: me, nobody: b}}",
        ["FE415 me"],
    ),
    "an order of one": (
        LINE % 'ring: {who: ["+14045009001"], order: in turn, nobody: b}',
        ["FE936 order"],
    ),
    "words for others of one": (
        LINE % 'ring: {who: ["+14045009001"], accept: {prompt: Hi., taken: Gone.}, nobody: b}',
        ["FE936 taken"],
    ),
    "a whisper that is too long": (
        LINE % f"ring: {{{TWO}, accept: {'Hello. ' * 90}, nobody: b}}",
        [f"FE410 {('Hello. ' * 90).strip()}"],
    ),
    "a whisper in another locale": (
        LINE % f"ring: {{{TWO}, accept: {{prompt: {{text: Hej., locale: sv-SE}}}}, nobody: b}}",
        [],
    ),
    "a whisper in two locales": (
        LINE
        % f"ring: {{{TWO}, accept: {{prompt: {{text: Hej., locale: sv-SE}}, taken: Gone.}}, nobody: b}}",
        ["FE416 accept"],
    ),
    "after the answer of a callee": (
        (LINE % 'connect: {phone: "+14045009001", answered: c}').replace(
            "  b: {", f"  c: {{ring: {{{TWO}, nobody: b}}}}\n  b: {{"
        ),
        ["FE401 ring"],
    ),
    "after a key": (
        (LINE % "menu: {prompt: Press 1., options: {1: c}, otherwise: b}").replace(
            "  b: {", f"  c: {{ring: {{{TWO}, nobody: b}}}}\n  b: {{"
        ),
        [],
    ),
    "after the end of the call": (
        LINE.replace("start: a", "start: b\non: {ended: a}") % f"ring: {{{TWO}, nobody: b}}",
        ["FE401 ring"],
    ),
    "again at once when nobody has taken the call": (
        LINE % f"ring: {{{TWO}, busy: b, nobody: a}}",
        ["FE942 a"],
    ),
    "in a flow with another loop, which calls nobody": (
        (LINE % f"ring: {{{TWO}, nobody: b}}").replace("  b: {", "  c: {next: c}\n  b: {"),
        ["FE230 c", "FE901 c"],
    ),
    "again at once by other states": (
        (LINE % f"ring: {{{TWO}, nobody: b}}").replace(
            "say: Nobody., hangup: ", "say: No., next: a"
        ),
        ["FE942 b"],
    ),
    "again after a question": (
        (LINE % f"ring: {{{TWO}, nobody: b}}").replace(
            "say: Nobody., hangup: ",
            "menu: {prompt: To wait press 1., options: {1: a}, otherwise: c}",
        )
        + "  c: {hangup: }\n",
        [],
    ),
    "again after a talk": (
        LINE % f"ring: {{{TWO}, nobody: b, after: a}}",
        [],
    ),
    "an exit that holds the call": (
        (LINE % f"ring: {{{TWO}, nobody: b}}").replace(
            "say: Nobody., hangup: ", "park: {hold: Hi.}"
        ),
        [],
    ),
    "an exit that lets the call go on": (
        (LINE % f"ring: {{{TWO}, nobody: b}}").replace("hangup: ", "continue: "),
        ["FE401 continue"],
    ),
    "an event that a ring does not bring": (
        (LINE % f"ring: {{{TWO}, nobody: b}}").replace("Nobody.", '"${event.digits}"'),
        ["FE320 event.digits"],
    ),
    "a value that is no number": (
        (LINE % 'ring: {who: ["${vars.desk}"], nobody: b}').replace(
            "start: a", "start: a\nvars: {desk: {type: digits, default: '12', max: 9}}"
        ),
        ['FE935 "${vars.desk}"'],
    ),
    "a number and an address out of a table": (
        "# project.yaml\nproject: acme\n"
        "tables: {desks: {rows: {a: {at: '4045009001'}, b: {at: 'b@pbx.example.com'}}}}\n"
        + LINE
        % "ring: {who: ['${tables.desks.at(\"a\")}'], nobody: b}",
        ["FE935 '4045009001'"],
    ),
    "callers from apps": (
        "# project.yaml\nproject: acme\nroutes: [{flow: line, origin: mxp}]\n"
        + LINE % f"ring: {{{TWO}, nobody: b}}",
        ["FE424 ring"],
    ),
    "numbers that ring each other for ever": (
        "# project.yaml\nproject: acme\nroutes: [{flow: line, to: +14045009002}]\n"
        + LINE % f"ring: {{{TWO}, nobody: b}}",
        ['FE938 "+14045009002"'],
    ),
    "a group": (GROUP % '"+14045009001", "sip:a@b"', []),
    "a group that is not there": (
        (GROUP % '"+14045009001"').replace("group: sales", "group: slaes"),
        ["FE202 slaes"],
    ),
    "a group that nobody rings": (
        "# project.yaml\nproject: acme\ngroups: {sales: {members: ['+14045009001']}}\n"
        + LINE % f"ring: {{{TWO}, nobody: b}}",
        ["FE913 sales"],
    ),
    "a group with mistakes is used all the same": (
        (GROUP % '"+14045009001", "+1 404 500 9001", anna').replace(
            "]}}", "], each: 1ms, wrap_up: 2h}}"
        ),
        ['FE426 "+1 404 500 9001"', "FE415 anna", "FE412 1ms", "FE412 2h"],
    ),
    "a group that cannot be read is not missed": (
        (GROUP % '"+14045009001"').replace("members", "mebmers"),
        ["FE150 mebmers"],
    ),
    "a file of a group": (
        "# groups/sales.yaml\nmembers: [+14045009001]\n" + LINE % "ring: {group: sales, nobody: b}",
        [],
    ),
    "a group in two places": (
        "# groups/sales.yaml\nmembers: [+14045009001]\n" + GROUP % '"+14045009001"',
        ["FE502 members: [+14045009001]"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ring_has_exactly_these_problems(name: str) -> None:
    text, expected = CASES[name]
    found = compiled(text)
    assert [
        f"{problem.code} {underlined(found, problem)}" for problem in found.problems
    ] == expected, found.problems


def underlined(found: CompileResult, problem: Problem) -> str:
    """The stretch of the file that a problem points at."""
    span = problem.span
    line = found.sources[span.file].splitlines()[span.line - 1]
    return line[span.column - 1 : span.end_column - 1]


def test_ring_of_a_caller_from_an_app_is_told_apart_by_a_condition() -> None:
    text = CASES["callers from apps"][0].replace("start: a", "start: c") + (
        "  c: {choose: [{when: 'call.origin == \"mxp\"', next: b}, {next: a}]}\n"
    )
    assert compiled(text).problems == ()


def test_ring_without_a_store_says_how_to_serve() -> None:
    (problem,) = compiled(CASES["members of its own"][0], cookies_only=True).problems
    assert (problem.code, problem.hint) == ("FE427", "serve with a store: --store sqlite:calls.db")
