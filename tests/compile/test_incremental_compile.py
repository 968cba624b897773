"""A compiler that remembers says what one that does not remember says, whatever is edited in
between.
"""

import gc
import weakref
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.compile import CompileResult, ProjectCompiler, compile_project
from tests.compile.comparable_project import outcome
from tests.compile.project_texts import files
from tests.runtime.flow_strategies import flows
from tests.thoroughness import examples

ENVIRONMENT = {"CRM": "token"}
PROJECT = files("""
# project.yaml
project: acme
locale: en-US
routes: [{flow: line}]
services: {crm: {url: "https://crm.example.com", headers: {Authorization: "Bearer ${secrets.crm}"}}}
secrets: {crm: CRM}
calendars: {desk: {zone: Europe/Stockholm, open: {mon-fri: "09:00-17:00"}}}
tables: {people: {rows: {"10": {name: Ann, age: 3}}, default: {name: "", age: 0}}}
messages: {bye: {en-US: Bye., sv-SE: Hej då.}}
groups: {desk: {members: ["+14045009001"]}}
defaults: {attempts: 2}
# line.yaml
flow: line
start: welcome
vars: {t: {type: text, max: 20}, n: {type: integer}}
states:
  welcome: {say: "Hello ${tables.people.name(vars.t)}.", next: pin}
  pin: {subflow: {flow: pin, with: {t: "${vars.t}"}, into: {n: n}, outcomes: {right: look, wrong: bye}}}
  look: {fetch: {service: crm, get: "/a/${vars.t}", into: {t: body.name}}, next: more}
  more: {choose: [{when: vars.n > 1, next: bye}, {next: sales}]}
  sales: {connect: "+14045009000"}
  bye: {say: {message: bye}, hangup: }
# pin.yaml
flow: pin
start: ask
vars: {t: {type: text, max: 20}, n: {type: integer, default: 1}, d: {type: digits, max: 4}}
inputs: [t]
outputs: [n]
outcomes: [right, wrong]
states:
  ask: {collect: {prompt: Your PIN?, into: d, digits: 4, otherwise: no}, next: judge}
  judge: {choose: [{when: vars.d == vars.t, next: yes}, {next: no}]}
  yes: {subflow: {flow: thanks, outcomes: {done: right}}}
  right: {return: right}
  no: {return: wrong}
# thanks.yaml
flow: thanks
start: say
outcomes: [done]
states:
  say: {say: Thank you., next: end}
  end: {return: done}
# hunt.yaml
flow: hunt
start: ring
states:
  ring: {ring: {group: desk, nobody: bye}}
  bye: {hangup: }
# other.yaml
flow: other
start: hello
keys: {"0": bye}
vars: {n: {type: integer, default: 2}}
states:
  hello: {menu: {prompt: "Press 1. ${vars.n}", options: {"1": open}, otherwise: bye}}
  open: {choose: [{when: hours.desk.open, next: bye}, {next: hello}]}
  bye: {hangup: }
""")
# by file: what an author may write in place of the first text
EDITS = {
    "project.yaml": [
        ("name: Ann", "name: Bob"), ("age: 3", "age: true"), ("name: Ann, age: 3", ("age: 3, title: "
                                                                                   "Ann")), (("age: "
                                                                                            "3"), "age: 1"),
        ("en-US: Bye., sv-SE: Hej då.", ("sv-SE: Hej då., en-US: "
                                        "Bye.")), ("Bye.", "Goodbye."), ("bye: {en-US", ("goodbye: "
                                                                                       "{en-US")),
        ("locale: en-US\n", "locale: sv-SE\n"), ("{flow: line}", "{flow: pin}"), (("{flow: "
                                                                                  "line}"), ("{flow: "
                                                                                           "gone}")), ("{flow: line}", ""),
        ("attempts: 2", "attempts: 3"), ("attempts: 2", "attempts: 2, error: bye"), (("attempts: "
                                                                                     "2"), "attempts: 2, otherwise: bye"),
        ("crm: {url", "shop: {url"), ("crm.example", "www.example"), ("secrets.crm", "secrets.shop"), ("crm: CRM", "crm: GONE"),
        ("desk: {zone", "shop: {zone"), ("17:00", "18:00"), ("Europe/Stockholm", "Europe/Nowhere"), ("project: acme", "project: [acme"),
        ("project: acme", "project: acme\nvoice: male"), ("project: acme", ("project: "
                                                                           "acme\nplatform: "
                                                                           "{menu_ids: main}")),
        ("project: acme", "project: acme\nzone: nowhere"), ("messages:", "tables2:"),
        ("+14045009001", "+14045009002"), ("+14045009001", "anna"), ("{members", "{mebmers"), ("groups: {desk", "groups: {shop"),
        ('9001"]', '9001"], each: 5s'),
    ],
    "line.yaml": [
        ("Hello", "Hi"), ("flow: line", "flow: queue"), ("flow: line", "flow: pin"), (("flow: "
                                                                                      "pin,"), "flow: thanks,"),
        ("flow: pin,", "flow: pim,"),
        ("max: 20", "max: 300"), ("type: text", ("type: "
                                                "integer")), ("more\n", "mor\n"), ("hangup: ", "hangup: , next: more"),
        ("hangup: ", "next: more"), ("start: welcome", ("start: welcome\non: {answered: look, "
                                                       "ended: bye}")), ("hangup: }", "hangup: "),
        ('connect: "+14045009000"', "next_flow: other"), ('connect: "+14045009000"', "next_flow: {flow: pin}"),
        ('{connect: "+14045009000"}', "{locale: sv-SE, say: More., next_flow: other}"),
        ("+14045009000", "+1"), ("vars.n > 1", "vars.n"), ("sales}", "pin}"), (("welcome: "
                                                                               "{"), ("welcome: "
                                                                                    "{answer: "
                                                                                    "true, ")),
        ("Hello", "word " * 90), ("start: welcome", "start: welcome\nlocale: xx-YY"), (("next: "
                                                                                       "more"), "next: more, error: bye"),
    ],
    "pin.yaml": [
        ("right, wrong", "right, wrong, late"), ("right, wrong", "right"), (("inputs: "
                                                                            "[t]"), ("inputs: "
                                                                                   "[]")), ("inputs: [t]", "inputs: [t, d]"),
        ("outputs: [n]", "outputs: [d]"), ("n: {type: integer, default: 1}", ("n: {type: "
                                                                             "text}")), (("start: "
                                                                                        "ask\n"), "start: judge\n"),
        ("start: ask\n", "on: {ended: ask}\n"), ("max: 20", "max: 400"), ("d: {", ("d: {secret: "
                                                                                  "true, ")),
        ("Your PIN?", '"PIN ${call.from}?"'),
        ("flow: thanks", "flow: line"), ("flow: thanks", "flow: pin"), ("Your PIN?", "word " * 100),
        ("no: {return: wrong}", "no: {hangup: }"),
        ("no: {return: wrong}", "no: {next_flow: line}"), ("no: {return: wrong}", "no: {next_flow: other}"),
        ("yes: {", "yes: {answer: true, "), ("ask: {", "ask: {wait: 3, "), ("flow: pin", ("flow: "
                                                                                         "pin2")), ("ask: {", "ask: {locale: sv-SE, "),
    ],
    "thanks.yaml": [
        ("end: {return: done}", "end: {next_flow: other}"),
        ("Thank you.", "Thanks."), ("Thank you.", "word " * 110), ("say: {say", ("say: {answer: "
                                                                                "true, "
                                                                                "say")), ("[done]", "[done, over]"),
        ("return: done", "hangup: "), ("say: Thank you.", "park: {hold: Wait.}"), (("say: Thank "
                                                                                   "you."), "connect: +14045009000"),
        ("next: end", "next: say"), ("flow: thanks", "flow: other"), (("Thank "
                                                                      "you."), '"${call.to}"'), ("say: Thank you.", "record: stop"),
        ("say: Thank you., next: end", ("subflow: {flow: pin, outcomes: {right: end, wrong: "
                                       "end}}")), ("[done]", "[done"),
    ],
    "hunt.yaml": [("group: desk", "group: shop"), ("nobody: bye", "nobody: bye, each: 5s"), ("group: desk", "who: [+14045009001]")],
    "other.yaml": [
        ("default: 2", "default: two"), ("default: 2", ("default: "
                                                       "4")), ("open}, ", "bye}, "), (('"1": '
                                                                                     'open'), ('"0": '
                                                                                             'open')),
        ("hours.desk", "hours.shop"),
        ("flow: other", "flow: line"), ("hangup: ", ("subflow: {flow: line, outcomes: "
                                                    "{}}")), ("hello: {menu", ("hello: {record: "
                                                                             "stop, menu")),
        ("bye: {", "lost: {hangup: }\n  bye: {"), ("otherwise: bye", "otherwise: open"),
        ("bye: {hangup: }", "bye: {next_flow: line}"), ("next: bye}", "next: on}"),
        ("bye: {", "on: {say: More., next_flow: other}\n  bye: {"),
    ],
}  # fmt: skip
ADDED = {
    "tables/people.yaml": 'rows: {"10": {name: Cid, age: 3}}', "calendars/shop.yaml": "{zone: "
                                                                                      "Europe/Paris, open: {mon: '9:00-10:00'}}",
    "groups/desk.yaml": "members: [+14045009003]", "groups/shop.yaml": "members: [+14045009004]",
    "messages/all.yaml": "goodbye: Goodbye.", "new.yaml": "{flow: new, start: a, vars: {n: {type: "
                                                          "boolean}}, states: {a: {hangup: }}}",
    "a.yaml": "{flow: line, start: a, states: {a: {hangup: "
              "}}}", "b.yaml": "[", "tables/bad.yaml": "rows: 3",
}  # fmt: skip


@st.composite
def edited(draw: st.DrawFn, now: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files after one edit."""
    kind = draw(st.sampled_from(["write", "write", "write", "add", "restore", "delete", "rename"]))
    if kind == "write":
        name = draw(st.sampled_from(sorted(EDITS)))
        before, after = draw(st.sampled_from(EDITS[name]))
        return {
            **now,
            name: now.get(name, PROJECT[name]).replace(before.encode(), after.encode(), 1),
        }
    if kind == "add":
        name = draw(st.sampled_from(sorted(ADDED)))
        return {**now, name: ADDED[name].encode()}
    if kind == "restore":
        return {
            **now,
            **{name: PROJECT[name] for name in draw(st.sets(st.sampled_from(sorted(PROJECT))))},
        }
    name = draw(st.sampled_from(sorted(now) or ["none"]))
    rest = {other: content for other, content in now.items() if other != name}
    return (
        rest
        if kind == "delete"
        else {
            **rest,
            draw(st.sampled_from(["0.yaml", "zz.yaml", "project.yaml"])): now.get(name, b""),
        }
    )


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_compiling_again_equals_compiling_from_scratch(data: st.DataObject) -> None:
    compiler, states = ProjectCompiler(), [PROJECT]
    for _ in range(data.draw(st.integers(2, 7))):
        again = data.draw(st.sampled_from(states))
        states.append(data.draw(st.one_of(edited(states[-1]), edited(states[-1]), st.just(again))))
        environment = data.draw(st.sampled_from([ENVIRONMENT, ENVIRONMENT, {}, {"CRM": "other"}]))
        cookies_only = data.draw(st.booleans())
        remembered = compiler.compile(states[-1], environment, cookies_only=cookies_only)
        assert outcome(remembered) == outcome(
            compile_project(states[-1], environment, cookies_only=cookies_only)
        )


@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(made=st.lists(flows(), min_size=2, max_size=3), data=st.data())
def test_compiling_flows_of_all_kinds_again_equals_compiling_them_from_scratch(
    made: list[dict[str, bytes]], data: st.DataObject
) -> None:
    compiler, now = ProjectCompiler(), made[0]
    for _ in range(4):
        name = data.draw(st.sampled_from(sorted(now)))
        now = {**now, name: data.draw(st.sampled_from(made))[name]}
        assert outcome(compiler.compile(now, {})) == outcome(compile_project(now, {}))


def changed(name: str, before: str, after: str) -> set[str]:
    """The flows that are compiled again after an edit of this file."""
    compiler = ProjectCompiler()
    first = compiler.compile(PROJECT, ENVIRONMENT)
    edited = {**PROJECT, name: PROJECT[name].replace(before.encode(), after.encode(), 1)}
    assert edited != PROJECT
    second = compiler.compile(edited, ENVIRONMENT)
    assert outcome(second) == outcome(compile_project(edited, ENVIRONMENT))
    return {
        flow for flow in second.programs if second.programs[flow] is not first.programs.get(flow)
    }


ALL = {"hunt", "line", "other", "pin", "thanks"}
AGAIN = {
    "a prompt": ("line.yaml", "Hello", "Hi", {"line"}),
    "a subflow's prompt": ("pin.yaml", "Your PIN?", "PIN?", {"pin"}),
    "a subflow's state": ("thanks.yaml", "Thank you.", "Thanks.", {"thanks"}),
    "a subflow's outcomes": ("pin.yaml", "right, wrong]", "right, wrong, late]", {"pin", "line"}),
    "a subflow's inputs": ("pin.yaml", "inputs: [t]", "inputs: [t, d]", {"pin", "line"}),
    "a subflow's input's size": ("pin.yaml", "max: 20", "max: 21", {"pin", "line"}),
    "a subflow's output's type": (
        "pin.yaml",
        "{type: integer, default: 1}",
        "{type: text}",
        {"pin", "line"},
    ),
    "a subflow's other variable": (
        "pin.yaml",
        "d: {type: digits, max: 4}",
        "d: {type: digits, max: 5}",
        {"pin"},
    ),
    "a subflow's locale": ("pin.yaml", "start: ask", "start: ask\nlocale: sv-SE", {"pin"}),
    "a subflow's name": ("thanks.yaml", "flow: thanks", "flow: thank", {"thank", "pin"}),
    "a fact that a subflow's subflow reads": (
        "thanks.yaml",
        "Thank you.",
        '"${call.from}"',
        {"thanks", "pin", "line"},
    ),
    "a message": ("project.yaml", "Bye.", "Goodbye.", {"line"}),
    "the order of a message's locales": (
        "project.yaml",
        "en-US: Bye., sv-SE: Hej då.",
        "sv-SE: Hej då., en-US: Bye.",
        {"line"},
    ),
    "a service": ("project.yaml", "crm.example", "www.example", {"line"}),
    "a member of a group": ("project.yaml", "+14045009001", "+14045009002", {"hunt"}),
    "a cell of a table": ("project.yaml", "name: Ann", "name: Bob", ALL),
    "a cell that Python takes for the same": ("project.yaml", "age: 0", "age: 0.0", ALL),
    "a calendar's hours": ("project.yaml", "17:00", "18:00", set()),
    "a calendar's name": ("project.yaml", "desk: {zone", "shop: {zone", ALL),
    "a route": ("project.yaml", "{flow: line}", '{flow: line}, {flow: other, to: "+1404"}', set()),
    "a default": ("project.yaml", "attempts: 2", "attempts: 3", ALL),
    "the project's locale": ("project.yaml", "locale: en-US", "locale: sv-SE", ALL),
    "the project's voice": ("project.yaml", "project: acme", "project: acme\nvoice: male", ALL),
    "how menus are called": (
        "project.yaml",
        "project: acme",
        "project: acme\nplatform: {menu_ids: main}",
        ALL,
    ),
    "the apology": ("project.yaml", "project: acme", "project: acme\napology: Sorry.", set()),
    "a comment": ("project.yaml", "project: acme", "# ours\nproject: acme", set()),
}


@pytest.mark.parametrize(("name", "before", "after", "flows"), AGAIN.values(), ids=AGAIN.keys())
def test_edit_recompiles_only_the_flows_that_it_affects(
    name: str, before: str, after: str, flows: set[str]
) -> None:
    assert changed(name, before, after) == flows


def test_new_flow_with_the_missing_name_corrects_its_callers() -> None:
    compiler = ProjectCompiler()
    without = {name: content for name, content in PROJECT.items() if name != "thanks.yaml"}
    broken = compiler.compile(without, ENVIRONMENT)
    mended = compiler.compile(PROJECT, ENVIRONMENT)
    assert broken.release is None
    assert outcome(mended) == outcome(compile_project(PROJECT, ENVIRONMENT))
    assert mended.programs["line"] is broken.programs["line"]


ACROSS = files(
    """
# project.yaml
project: acme
routes: [{flow: line}]
# line.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., next: use}
  use: {subflow: {flow: shell, outcomes: {ready: after}}}
  after: {say: GOODBYE, next: ring}
  ring: {connect: {app: alice}}
# inner.yaml
flow: inner
start: first
outcomes: [ready, again]
states:
  first: {say: INSIDE, next: second}
  second: {say: More., next: off}
  off: {return: ready}
# shell.yaml
flow: shell
start: use
outcomes: [ready]
states:
  use: {subflow: {flow: inner, outcomes: {ready: off, again: off}}}
  off: {return: ready}
# round.yaml
flow: round
start: turn
states:
  turn: {subflow: {flow: inner, outcomes: {ready: turn, again: turn}}}
""".replace("INSIDE", f"'{410 * 'y'}'").replace("GOODBYE", f"'{60 * 'z'}'")
)
FAR = {
    "a subflow that asks lets its callers go on after a key press": (
        "inner.yaml", "say: More., next: off", ("menu: {prompt: More?, options: {1: off}, "
                                               "otherwise: off}"), {("FE401", "line.yaml")},
    ),
    "a subflow that does not come back lets no caller go round": ("inner.yaml", ("return: "
                                                                                "ready"), "hangup: ", set()),
    "what a subflow says counts for its caller": ("inner.yaml", "More.", "'" + "x" * 580 + "'", {("FE404", "line.yaml")}),
    "what a caller says counts for its subflow": ("line.yaml", "Hello.", "'" + "x" * 598 + "'", {("FE404", "inner.yaml")}),
    "a flow that a call may begin in returns to nobody": (
        "project.yaml", "{flow: line}", ("{flow: line}, {flow: inner, to: "
                                        "'1'}"), {("FE228", "inner.yaml")},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after", "expected"), FAR.values(), ids=FAR.keys())
def test_problem_far_from_an_edit_is_found_and_goes_again(
    name: str, before: str, after: str, expected: set[tuple[str, str]]
) -> None:
    edited = {**ACROSS, name: ACROSS[name].replace(before.encode(), after.encode(), 1)}
    assert edited != ACROSS
    compiler = ProjectCompiler()
    for written in (ACROSS, edited, ACROSS, edited, edited, ACROSS):
        made = compiler.compile(written, {})
        assert outcome(made) == outcome(compile_project(written, {}))
        if written is edited:
            assert expected <= {(problem.code, problem.span.file) for problem in made.problems}


def test_broken_calendar_is_reported_in_the_project_and_not_in_its_flows() -> None:
    compiler = ProjectCompiler()
    compiler.compile(PROJECT, ENVIRONMENT)
    lost = {
        **PROJECT,
        "project.yaml": PROJECT["project.yaml"].replace(b"Europe/Stockholm", b"Europe/Nowhere"),
    }
    assert [problem.code for problem in compiler.compile(lost, ENVIRONMENT).problems] == ["FE504"]


def test_nearer_name_is_suggested_once_it_is_there() -> None:
    """A flow asks for a name that is not there; what is there in its place is part of the answer."""
    compiler = ProjectCompiler()
    wrong = {
        name: content.replace(b"{flow: pin,", b"{flow: pim,")
        for name, content in PROJECT.items()
        if name != "pin.yaml"
    }
    for written in (wrong, {**wrong, "pin.yaml": PROJECT["pin.yaml"]}):
        made = compiler.compile(written, ENVIRONMENT)
        assert outcome(made) == outcome(compile_project(written, ENVIRONMENT))
    assert [problem.hint for problem in made.problems if problem.code == "FE202"] == [
        'did you mean "pin"?'
    ]


@pytest.mark.parametrize("name", PROJECT)
@pytest.mark.parametrize("written", [b"", b"flow: [", b"\xff"])
def test_file_broken_for_a_moment_recompiles_nothing(name: str, written: bytes) -> None:
    compiler = ProjectCompiler()
    first = compiler.compile(PROJECT, ENVIRONMENT)
    for half in (written, written + b"\n"):
        assert compiler.compile({**PROJECT, name: half}, ENVIRONMENT).release is None
    again = compiler.compile(PROJECT, ENVIRONMENT)
    assert again.release
    assert again.release.id == first.release.id
    assert all(again.programs[flow] is first.programs[flow] for flow in first.programs)


def test_apology_without_words_is_the_default_one() -> None:
    bare = {**PROJECT, "project.yaml": PROJECT["project.yaml"] + b"apology: {}\n"}
    usual, made = (compile_project(written, ENVIRONMENT).release for written in (PROJECT, bare))
    assert usual
    assert made
    assert made.apology == usual.apology


def test_changed_secret_recompiles_the_flows_that_use_it() -> None:
    compiler = ProjectCompiler()
    first, second = (compiler.compile(PROJECT, {"CRM": value}) for value in ("old", "new"))
    assert first.programs["line"] is not second.programs["line"]


def alive(made: CompileResult) -> list[weakref.ref]:
    """Programs have slots only; what they hold can be watched in their place."""
    return [weakref.ref(program.machine) for program in made.programs.values()]


def test_release_holds_none_before_it_and_is_freed_without_a_collection() -> None:
    compiler = ProjectCompiler()
    gc.disable()
    try:
        watched = alive(compiler.compile(PROJECT, ENVIRONMENT))
        for text in ("Hi", "Hey"):
            last = compiler.compile(
                {**PROJECT, "line.yaml": PROJECT["line.yaml"].replace(b"Hello", text.encode())},
                ENVIRONMENT,
            )
        assert [machine() is not None for machine in watched] == [
            name != "line" for name in last.programs
        ]
        kept = alive(last)
        del compiler, last
        assert [machine() for machine in kept] == [None] * len(kept)
    finally:
        gc.enable()
