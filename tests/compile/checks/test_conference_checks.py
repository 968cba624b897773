"""What is wrong with conferences that have a moderator, or keys that do something."""

from typing import Final

import pytest

from tests.compile.checks.test_ring_checks import underlined
from tests.compile.project_texts import compiled

LINE: Final = """\
# line.yaml
flow: line
start: a
states:
  a: {connect: {conference: board, %s}}
"""
CHANGE: Final = (
    LINE.replace("start: a", "start: c") % "moderator: true"
    + '  c: {conference: {name: "%s", do: %s}, next: a}\n'
)
APPS: Final = """\
# project.yaml
project: acme
routes: [{origin: mxp, flow: line}, {flow: line}]
"""
CASES = {
    "a moderator by a condition": (
        LINE
        % 'moderator: call.from == "+46", wait: music1, until: moderator leaves, keys: {9: end}',
        [],
    ),
    "a moderator alone": (LINE % "moderator: true, keys: {8: mute all}", []),
    "guests alone": (
        LINE % 'moderator: false, wait: music1, keys: {1: mute, "#": hold}',
        ["FE943 wait"],
    ),
    "guests whose end nobody brings": (
        LINE % "moderator: false, until: moderator leaves",
        ["FE943 until"],
    ),
    "guests whose moderator comes by another flow": (
        LINE % "moderator: false, wait: music1"
        + '# project.yaml\nproject: acme\nroutes: [{to: "+14045550101", flow: host}, {flow: line}]\n'
        + "# host.yaml\nflow: host\nstart: a\nstates:\n"
        + "  a: {connect: {conference: board, moderator: true}}\n",
        [],
    ),
    "a name that is no part of an address": (
        LINE.replace("board", '".."') % "moderator: true",
        ['FE415 ".."'],
    ),
    "changes of a name that is no part of an address": (
        CHANGE % (".", "mute"),
        ['FE415 "."'],
    ),
    "keys without a moderator": (LINE % "keys: {1: mute}", []),
    "nobody is the moderator": (
        LINE % "wait: music1, until: moderator leaves",
        ["FE450 wait", "FE450 until"],
    ),
    "a condition that is none": (LINE % "moderator: vars.host", ["FE301 vars.host"]),
    "a text for a condition": (LINE % "moderator: call.from", ["FE303 call.from"]),
    "a key that does nothing": (LINE % "keys: {1: shout}", ["FE153 shout"]),
    "a key that is none": (LINE % "keys: {12: mute}", ["FE150 12"]),
    "keys with and without a meaning": (LINE % "keys: {mode: detect, 1: mute}", ["FE451 mode"]),
    "keys that are empty": (LINE % "keys: {}", ["FE451 keys"]),
    "keys without any meaning": (LINE % "keys: {max: 2}", ["FE451 keys"]),
    "keys that are counted": (
        LINE % "keys: {1: mute, max: 2, timeout: 2s}",
        ["FE451 max", "FE451 timeout"],
    ),
    "a moderator of a phone": (
        LINE.replace("conference: board", 'phone: "+14045009001"') % "moderator: true",
        ["FE413 moderator"],
    ),
    "a moderator who waits": (
        LINE % "moderator: true, wait: music1, until: moderator leaves",
        ["FE936 wait", "FE936 until"],
    ),
    "keys for a moderator who is none": (
        LINE % "moderator: false, keys: {8: mute all}",
        ["FE936 8"],
    ),
    "changes of a conference": (CHANGE % ("board", "mute, who: +46 70 000 00 01"), []),
    "changes of a conference that a value names": (CHANGE % ("${first(call.to, 9)}", "remove"), []),
    "changes of a conference without members": (CHANGE % ("other", "mute"), ['FE452 "other"']),
    "changes of nobody": (CHANGE % ("board", "mute, who: anna"), ["FE415 anna"]),
    "an end for some": (CHANGE % ("board", "end, who: all"), ["FE936 who"]),
    "keys of callers from apps": (APPS + LINE % "keys: {1: mute}", ["FE937 keys"]),
}


@pytest.mark.parametrize("name", CASES)
def test_conference_has_exactly_these_problems(name: str) -> None:
    text, expected = CASES[name]
    found = compiled(text)
    assert [
        f"{problem.code} {underlined(found, problem)}" for problem in found.problems
    ] == expected, found.problems


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (CHANGE % ("board", "kick"), "write remove"),
        (LINE % 'moderator: "${vars.host}"', "write the expression without ${ }"),
        (LINE % "keys: {12: mute}", "write each key by itself, such as 1: mute"),
        (LINE % "keys: {}", "write {1: mute}, or {mode: detect}; without keys: they do nothing"),
    ],
)
def test_mistake_in_a_conference_has_its_cure(text: str, hint: str) -> None:
    assert hint in [problem.hint for problem in compiled(text).problems]


def test_conference_with_a_moderator_needs_a_store() -> None:
    (problem,) = compiled(CASES["a moderator alone"][0], cookies_only=True).problems
    assert (problem.code, problem.hint) == ("FE427", "serve with a store: --store sqlite:calls.db")
