"""What is wrong with calls that are parked under a code, and picked up by it."""

from typing import Final

import pytest

from tests.compile.checks.test_ring_checks import underlined
from tests.compile.project_texts import compiled

LINE: Final = """\
# line.yaml
flow: line
start: a
states:
  a: {%s}
  b: {say: Hello., hangup: }
"""
CODE: Final = 'code: "${call.from}", in_use: b'
CASES = {
    "a code": (LINE % f"park: {{{CODE}, too_long: b, limit: 9.5m}}", []),
    "a call that is picked up": (LINE % 'pick_up: {code: "17", nobody: b}', ['FE947 "17"']),
    "blanks around codes": (
        LINE % 'park: {code: "17 ", limit: 5m, in_use: c}'
        + '  c: {pick_up: {code: " 17", nobody: b}}\n',
        [],
    ),
    "a code of blanks": (LINE % 'pick_up: {code: " ", nobody: b}', ['FE453 " "']),
    "a code beside a park with a mistake": (
        LINE % 'park: {code: "17", limt: 5m, in_use: c}'
        + '  c: {pick_up: {code: "17", nobody: b}}\n',
        ["FE150 limt"],
    ),
    "a code beside a park that cannot be compiled": (
        LINE % 'park: {code: "${call.form}", limit: 5m, in_use: c}'
        + '  c: {pick_up: {code: "17", nobody: b}}\n',
        ["FE301 call.form"],
    ),
    "no way for the second": (LINE % 'park: {code: "17"}', ["FE453 code"]),
    "exits without a code": (
        LINE % "park: {in_use: b, too_long: b}",
        ["FE453 in_use", "FE453 too_long"],
    ),
    "a code without a character": (
        LINE % 'pick_up: {code: "", nobody: b}',
        ['FE453 ""'],
    ),
    "a code in use that is asked for again at once": (
        LINE % 'park: {code: "17", in_use: a}',
        ["FE942 a", "FE901 b"],
    ),
    "words of other languages": (
        LINE % f"park: {{{CODE}, timeout: 1m}}",
        ["FE150 timeout"],
    ),
    "a code that is too long": (
        LINE % f"pick_up: {{code: {'7' * 65}, nobody: b}}",
        ["FE453 " + "7" * 65],
    ),
    "a limit that is too long": (LINE % f"park: {{{CODE}, limit: 11m}}", ["FE412 11m"]),
    "exits to nowhere": (
        LINE % 'park: {code: "17", in_use: c, too_long: d}',
        ["FE203 c", "FE203 d"],
    ),
    "a park after a key": (
        LINE % "menu: {prompt: Hm., options: {1: c}, otherwise: b}"
        + f"  c: {{park: {{{CODE}}}}}\n",
        ["FE401 park"],
    ),
    "callers from apps": (
        "# project.yaml\nproject: acme\nroutes: [{origin: mxp, flow: line}, {flow: line}]\n"
        + LINE % f"park: {{{CODE}}}",
        ["FE424 park"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_parking_has_exactly_these_problems(name: str) -> None:
    text, expected = CASES[name]
    found = compiled(text)
    assert [
        f"{problem.code} {underlined(found, problem)}" for problem in found.problems
    ] == expected, found.problems


@pytest.mark.parametrize("name", ["a code", "a call that is picked up"])
def test_parking_without_a_store_says_how_to_serve(name: str) -> None:
    found = compiled(CASES[name][0], cookies_only=True).problems
    problem = next(one for one in found if one.code == "FE427")
    assert (problem.code, problem.hint) == ("FE427", "serve with a store: --store sqlite:calls.db")
