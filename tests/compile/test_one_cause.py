"""A mistake is told once, in the file where it is: what only follows from it is left out."""

import pytest

from .project_texts import compiled

FLOW = """\
# main.yaml
flow: main
start: ask
vars: {n: {type: text}}
states:
  ask: {menu: {prompt: {message: hello}, options: {1: look}, otherwise: bye}}
  look: {fetch: {service: crm, get: /x, into: {n: body.x}, failed: bye}, next: pick}
  pick: {choose: [{when: "hours.desk.open && tables.rooms.has(\\"1\\")", next: bye}, {next: bye}]}
  bye: {say: "${vars.n}", hangup: }
"""
PROJECT = """\
# project.yaml
project: acme
zone: Europe/Stockholm
routes:
  - {to: "+1", flow: main}
  - {to: "+2", flow: main}
services:
  crm: {url: "https://crm.example.com", headers: {X-Key: "${secrets.crm}"}}
secrets: {crm: CRM}
tables:
  rooms: {rows: {"1": {phone: "+14045000010"}, "2": {phone: "+14045000011"}}}
calendars:
  desk: {open: {mon-fri: "09:00-17:00"}}
messages:
  hello: Hello.
defaults: {attempts: 2}
"""


def find(text: str) -> list[str]:
    return [
        f"{problem.code} {problem.span.file}:{problem.span.line}:{problem.span.column}"
        for problem in compiled(text).problems
        if problem.code != "FE905"
    ]


def test_sound_project_has_no_problem() -> None:
    assert find(FLOW + PROJECT) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(*change, id=change[1].strip())
        for change in (
            ("attempts: 2", "no_inptu: Sorry.", "FE150 project.yaml:15:12"),
            ("url: ", "ulr: ", "FE150 project.yaml:7:9"),
            ("crm: CRM", "crm: [CRM]", "FE152 project.yaml:8:16"),
            ("secrets: {", "secretes: {", "FE150 project.yaml:8:1"),
            ("hello: Hello.", "hello: 12", "FE152 project.yaml:14:10"),
            ("messages:", "mesages:", "FE150 project.yaml:13:1"),
            ("zone: Europe/Stockholm", "zoen: Europe/Stockholm", "FE150 project.yaml:2:1"),
            ('rooms: {rows: {"1"', 'rooms: {row: {"1"', "FE150 project.yaml:10:11"),
            ('{phone: "+14045000010"}', "12", "FE152 project.yaml:10:23"),
            ("calendars:\n", "calendar:\n", "FE150 project.yaml:11:1"),
            ('{to: "+1", flow', '{to: "+1", folw', "FE150 project.yaml:4:16"),
            ("project: acme", "projekt: acme", "FE150 project.yaml:1:1"),
            ("routes:\n", "routes: oops\nroads:\n", "FE152 project.yaml:3:9"),
            ("services:\n", "services: [\n", "FE105 project.yaml:6:11"),
        )
    ],
)
def test_mistake_in_project_is_told_without_follow_ups(old: str, new: str, expected: str) -> None:
    text = (FLOW + PROJECT).replace(old, new)
    assert find(text)[:1] == [expected]
    assert all(each.startswith(("FE1", "FE2")) for each in find(text))
    assert {each.split(" ")[1].split(":")[0] for each in find(text)} == {"project.yaml"}


def test_rest_of_a_project_with_a_mistake_is_judged_at_its_own_places() -> None:
    text = PROJECT.replace('"+1", flow: main', '"+1", flow: 12').replace(
        '"+2", flow: main', '"+2", flow: mian'
    )
    assert find(FLOW + text) == ["FE152 project.yaml:4:22", "FE503 project.yaml:5:22"]


def test_missing_otherwise_is_not_told_where_defaults_have_it_mistyped() -> None:
    flow = FLOW.replace(", otherwise: bye", "")
    text = flow + PROJECT.replace("attempts: 2", "otherwse: bye")
    assert find(text) == ["FE150 project.yaml:15:12"]


BROKEN = """\
# other.yaml
flow: side
start: a
outcomes: [done]
states:
  a: {say: "Hello, return: done}
"""
ROUTED = """\
# project.yaml
project: acme
routes: [{flow: main}, {flow: side}, {flow: sied}]
# main.yaml
flow: main
start: a
states:
  a: {subflow: {flow: side, outcomes: {done: b}}}
  b: {subflow: {flow: sied, outcomes: {done: a}}}
"""


def test_flow_whose_file_has_a_mistake_is_not_said_to_be_missing() -> None:
    assert find(BROKEN + ROUTED) == [
        "FE202 main.yaml:5:23",
        "FE105 other.yaml:5:12",
        "FE503 project.yaml:2:45",
    ]


def test_flow_with_a_mistake_outside_its_states_is_not_said_to_be_missing() -> None:
    other = "# other.yaml\nflow: side\nstrat: a\noutcomes: [done]\nstates: {a: {return: done}}\n"
    assert find(other + ROUTED) == [
        "FE202 main.yaml:5:23",
        "FE150 other.yaml:2:1",
        "FE503 project.yaml:2:45",
    ]


def test_table_with_a_mistake_in_its_first_row_is_told_at_that_row() -> None:
    rows = 'rows: {"1": {phnoe: "+14045000010"}, "2": {phone: "+1"}, "3": {phone: "+2"}}'
    text = FLOW.replace('tables.rooms.has(\\"1\\")', 'tables.rooms.phone(\\"1\\") != \\"\\"')
    table = f"# tables/rooms.yaml\n{rows}\n"
    project = PROJECT.replace(
        'tables:\n  rooms: {rows: {"1": {phone: "+14045000010"}, "2": {phone: "+14045000011"}}}\n',
        "",
    )
    assert find(text + project + table) == ["FE505 tables/rooms.yaml:1:21"]


def test_stand_in_of_a_broken_state_is_not_judged() -> None:
    flow = """\
flow: main
start: a
on: {ended: tell}
states:
  a: {hangup: }
  tell: {sai: Hi., done: }
"""
    assert find(flow) == ["FE150 main.yaml:6:10"]


def test_chain_of_unreachable_states_is_told_at_its_head() -> None:
    text = """\
flow: main
start: a
states:
  a: {hangup: }
  d: {hangup: }
  c: {say: Hi., next: d}
  b: {say: Hi., next: c}
  x: {say: Hi., next: y}
  y: {menu: {prompt: Press 1., options: {1: x}, otherwise: d}}
"""
    found = compiled(text).problems
    assert [(one.code, one.span.line, one.message) for one in found] == [
        ("FE901", 7, "no call comes to b, and so to d and c"),
        ("FE901", 8, "no call comes to x, and so to y"),
    ]


def test_unknown_locale_of_many_prompts_is_one_warning_that_names_their_lines() -> None:
    text = """\
flow: line
locale: sw-KE
start: a
states:
  a: {say: {sw-KE: Karibu., en-US: Welcome.}, next: b}
  b: {say: {sw-KE: Kwaheri., en-US: Goodbye.}, hangup: }
"""
    (warning,) = compiled(text).problems
    assert (warning.code, warning.span.line, warning.span.column) == ("FE904", 2, 9)
    assert warning.message.endswith("; it also stands in lines 5 and 6")
    accepted = text.replace("locale: sw-KE", "locale: sw-KE  # accept FE904: new on our account")
    assert compiled(accepted).problems == ()


def test_comment_at_any_place_of_an_unknown_locale_accepts_its_warning() -> None:
    text = """\
flow: line
start: a
states:
  a: {say: {sw-KE: Karibu., en-US: Welcome.}, next: b}
  b: {say: {sw-KE: Kwaheri., en-US: Goodbye.}, hangup: }
"""
    for line in ("  a: ", "  b: "):
        assert compiled(text.replace(line, f"  # accept FE904: new\n{line}")).problems == ()
    everywhere = text.replace("  a: ", "  # accept FE904: new\n  a: ").replace(
        "  b: ", "  # accept FE904: new\n  b: "
    )
    assert compiled(everywhere).problems == ()
