"""Checking what has changed says what checking all says, or nothing."""

import random
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.compile import CompileResult, compile_project
from flowengine.compile.flow_summaries import ProjectSummary, compile_and_summarize
from flowengine.compile.partial_check import (
    PartialCheck,
    check_changed_flows,
    list_changed_files,
    select_linked_flows,
)
from flowengine.compile.project_rechecker import ProjectRechecker
from flowengine.compile.summary_index import SummaryIndex
from flowengine.sources.project_folder import read_folder
from tests.compile.comparable_project import outcome
from tests.compile.project_texts import files
from tests.compile.test_incremental_compile import ACROSS, ENVIRONMENT, PROJECT, edited
from tests.thoroughness import THOROUGH, examples

Files = Mapping[str, bytes]
SAMPLES = Path(__file__).parents[2] / "flows"
LONE = "flow: NAME\nstart: a\nstates: {a: {say: Hello., next: b}, b: {hangup: }}\n"
LONE_FLOWS = {f"lone{n}.yaml": LONE.replace("NAME", f"lone{n}").encode() for n in range(9)}
# that use the same flows as one that is edited
LIKE_LINE = {
    f"line{n}.yaml": PROJECT["line.yaml"].replace(b"flow: line\n", b"flow: line%d\n" % n)
    for n in range(3)
}
WORD = re.compile(rb'[A-Za-z_.-]+|[0-9]+|"[^"\n]*"|[{}\[\]:,]')


def describe(project: Files, *, cookies_only: bool = False) -> ProjectSummary:
    """The summary of a project, as they come back from a file."""
    _, summary = compile_and_summarize(project, ENVIRONMENT, cookies_only=cookies_only)
    assert summary is not None
    return msgspec.json.decode(msgspec.json.encode(summary), type=ProjectSummary)


def check_changes(
    project: Files, known: ProjectSummary, *, cookies_only: bool = False
) -> tuple[PartialCheck, ProjectSummary | None] | None:
    """What is found in a project that was like `known` before, and its summary."""
    index = SummaryIndex(known, project)
    changed = list_changed_files(project, index)
    found = check_changed_flows(project, changed, ENVIRONMENT, index, cookies_only=cookies_only)
    if found is None:
        assert index.to_summary() == known
        return None
    if found.update is None:
        return found, None
    index.apply(found.update)
    assert list_parts(index) == list_parts(SummaryIndex(index.to_summary(), project))
    return found, index.to_summary()


def list_parts(index: SummaryIndex) -> dict[str, object]:
    """What an index consists of, but for what it works out when it is asked."""
    parts = {**vars(index), **vars(index.counts), "counts": None, "_has_cycles": None}
    return {
        name: {key: each for key, each in part.items() if each} if isinstance(part, dict) else part
        for name, part in parts.items()
    }


def assert_alike(
    checked: tuple[PartialCheck, ProjectSummary | None],
    compiled: CompileResult,
    expected: ProjectSummary | None,
) -> None:
    found, summary = checked
    assert found.problems == compiled.problems
    assert (found.flow_count, found.state_count) == (len(compiled.programs), compiled.state_count)
    assert summary == expected


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_partial_check_after_any_edits_equals_a_whole_one(data: st.DataObject) -> None:
    cookies_only = data.draw(st.booleans())
    now: Files = PROJECT
    known = None
    for _ in range(data.draw(st.integers(2, 6))):
        project = {**LONE_FLOWS, **LIKE_LINE, **now}
        compiled, summary = compile_and_summarize(project, ENVIRONMENT, cookies_only=cookies_only)
        found = known and check_changes(project, known, cookies_only=cookies_only)
        if found:
            assert_alike(found, compiled, summary)
        known = summary or known
        now = data.draw(edited(now))


def mutate(content: bytes, chance: random.Random) -> bytes:
    """A file with a line less, or a word in the place of another."""
    lines = content.split(b"\n")
    if chance.random() < 0.3:
        del lines[chance.randrange(len(lines))]
        return b"\n".join(lines)
    at, other = (chance.choice([*WORD.finditer(content)]) for _ in range(2))
    return content[: at.start()] + other[0] + content[at.end() :]


def test_partial_check_of_mutated_samples_equals_a_whole_one() -> None:
    project = dict(read_folder(SAMPLES))
    known = describe(project)
    chance, partial = random.Random(7), 0
    names = [name for name in project if "/" not in name and name != "project.yaml"]
    for _ in range(40 if THOROUGH else 3):
        name = chance.choice(names)
        changed = {**project, name: mutate(project[name], chance)}
        found = check_changes(changed, known)
        if found:
            partial += 1
            compiled, summary = compile_and_summarize(changed, ENVIRONMENT, cookies_only=False)
            assert_alike(found, compiled, summary)
    assert partial


SHARED = files("""
# project.yaml
project: acme
locale: en-US
routes:
  - {to: "+14045550101", flow: one}
  - {to: "+14045550102", flow: two}
  - {to: "+14045550103", flow: three}
  - {flow: lone0}
secrets: {crm: CRM}
services: {crm: {url: "https://crm.example.com", headers: {X-Key: "${secrets.crm}"}}}
tables: {people: {rows: {"10": {desk: "4045009001", word: ok}}, default: {desk: "", word: ok}}}
messages: {bye: Goodbye.}
groups: {desk: {members: ["+14045009001"]}}
# one.yaml
flow: one
start: a
states:
  a: {say: Welcome., next: b}
  b: {connect: "+14045009000"}
# two.yaml
flow: two
start: a
states:
  a: {say: {message: bye}, next: b}
  b: {ring: {group: desk, nobody: c}}
  c: {connect: "+14045550103"}
# three.yaml
flow: three
start: a
vars: {t: {type: text, max: 20}}
states:
  a: {menu: {prompt: Press 1., options: {1: b}, otherwise: b}}
  b: {connect: {conference: room, moderator: true}}
# used.yaml
flow: used
start: a
outcomes: [done]
states: {a: {say: Hello., next: b}, b: {return: done}}
# parks.yaml
flow: parks
start: a
states:
  a: {park: {code: "17", limit: 5m, in_use: b}}
  b: {say: Hello., hangup: }
# picks.yaml
flow: picks
start: a
states:
  a: {pick_up: {code: "17", nobody: b}}
  b: {say: Nobody waits., hangup: }
""")
USING = "b: {subflow: {flow: used, outcomes: {done: c}}}, c: {"
# by what the change does: the file, the texts before and after, and the flows that are compiled
# then; None where the whole project is
CHANGES: dict[str, tuple[str, str, str, set[str] | None]] = {
    "a text": ("one.yaml", "Welcome.", "Hello.", {"one"}),
    "a line": ("one.yaml", "states:", "# more\nstates:", {"one"}),
    "a mistake in a state": ("one.yaml", "next: b", "next: c", {"one"}),
    "a mistake in a file": ("one.yaml", "states:", "stats:", set()),
    "a file that is no YAML": ("one.yaml", "states:", "states: [", set()),
    "another locale": ("one.yaml", "start: a", "start: a\nlocale: sv-SE", None),
    "a key that leads back": ("one.yaml", "start: a", 'start: a\nkeys: {"0": back}', None),
    "the last use of a group": ("two.yaml", "group: desk", 'who: ["+14045009001"]', {"two"}),
    "a number that leads in a loop": ("three.yaml", "{conference: room, moderator: true}", '"+14045550102"', None),
    "a number of the project": ("one.yaml", "+14045009000", "+14045550103", {"one"}),
    "the use of a column": ("one.yaml", '"+14045009000"', '{phone: "${tables.people.desk(call.from)}"}', {"one"}),
    "a conference that is no more": ("three.yaml", "{conference: room, moderator: true}", '"+14045009000"', None),
    "words of a flow that picks up": ("picks.yaml", "Nobody waits.", "Sorry.", {"picks"}),
    "a code that nobody parks under": ("picks.yaml", '"17"', '"71"', {"picks"}),
    "a code that is no more": ("parks.yaml", '"17"', '"18"', None),
    "a code that a call tells": ("parks.yaml", '"17"', "${call.from}", None),
    "a mistake in a state that parks": ("parks.yaml", "limit: 5m", "limt: 5m", None),
    "a flow that is used from now on": ("lone1.yaml", "b: {", USING, {"lone1", "used"}),
    "a name that another flow has": ("lone1.yaml", "flow: lone1", "flow: lone2", None),
    "a name that a route has": ("one.yaml", "flow: one", "flow: other", None),
    "a name that no route has": ("lone1.yaml", "flow: lone1", "flow: other", {"other"}),
    "an unknown flow": ("lone1.yaml", "b: {", USING.replace("used", "gone"), None),
    "a file of all flows": ("project.yaml", "Goodbye.", "Bye.", None),
}  # fmt: skip


@cache
def describe_shared() -> ProjectSummary:
    return describe({**SHARED, **LONE_FLOWS})


@pytest.mark.parametrize(("name", "before", "after", "compiled"), CHANGES.values(), ids=CHANGES)
def test_partial_check_compiles_the_flows_that_may_have_other_problems(
    name: str, before: str, after: str, compiled: set[str] | None
) -> None:
    project = {**SHARED, **LONE_FLOWS}
    changed = {**project, name: project[name].replace(before.encode(), after.encode(), 1)}
    assert changed != project
    whole, summary = compile_and_summarize(changed, ENVIRONMENT, cookies_only=False)
    found = check_changes(changed, describe_shared())
    assert (found and set(found[0].build.programs)) == compiled
    if found:
        assert_alike(found, whole, summary)


USER = ACROSS["line.yaml"].replace(b"GOODBYE", b"Bye.")
USERS = {
    **{name: ACROSS[name] for name in ("project.yaml", "line.yaml", "shell.yaml", "inner.yaml")},
    **{f"user{n}.yaml": USER.replace(b"flow: line", b"flow: user%d" % n) for n in range(3)},
    **LONE_FLOWS,
}
BELOW = {"shell", "inner"}
ALL_USERS = {"line", "user0", "user1", "user2", *BELOW}
# by what the change of a flow does, which uses the same flows as others do: the texts before and
# after, and the flows that are compiled then
USES: dict[str, tuple[str, str, set[str]]] = {
    "says the same length before": ("Hello.", "Howdy.", {"user1", *BELOW}),
    "says more after": ("next: ring", "next: more}\n  more: {say: More., next: ring", {"user1", *BELOW}),
    "says more before": ("Hello.", "Hello again.", ALL_USERS),
    "uses it under another callback": ("say: Hello., next: use", "menu: {prompt: Hello., options: {1: use}, otherwise: use}", ALL_USERS),
    "uses it while the call is recorded": ("say: Hello.", "say: Hello., record: {to: 's3://a/b'}", ALL_USERS),
    "uses it no more": ("next: use", "next: ring", {"user1", *BELOW}),
    "is no YAML": ("states:", "states: [", {*BELOW}),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "compiled"), USES.values(), ids=USES)
def test_partial_check_of_a_flow_that_uses_others_compiles_these(
    before: str, after: str, compiled: set[str]
) -> None:
    changed = {**USERS, "user1.yaml": USERS["user1.yaml"].replace(before.encode(), after.encode())}
    assert changed != USERS
    found = check_changes(changed, describe(USERS))
    assert found is not None
    assert set(found[0].build.programs) == compiled
    assert_alike(found, *compile_and_summarize(changed, ENVIRONMENT, cookies_only=False))


def test_partial_check_of_linked_flows_compiles_them_all() -> None:
    project = {**LONE_FLOWS, **ACROSS}
    del project["round.yaml"]
    known = describe(project)
    index = SummaryIndex(known, project)
    selection = select_linked_flows(project, index, {"line.yaml"}, {"line"})
    assert selection is not None
    assert {flow.name for flow in selection.inside} == {"line", "shell", "inner"}


@pytest.mark.parametrize("added", [True, False])
def test_partial_check_after_a_file_came_or_went_equals_a_whole_one(added: bool) -> None:
    project = {**SHARED, **LONE_FLOWS}
    fewer = {name: content for name, content in project.items() if name != "lone5.yaml"}
    before, after = (fewer, project) if added else (project, fewer)
    found = check_changes(after, describe(before))
    assert (found is not None) == added  # a flow that went may be all that a selection has
    if found:
        assert_alike(found, *compile_and_summarize(after, ENVIRONMENT, cookies_only=False))


def test_rechecking_unchanged_files_gives_the_same_result_until_a_variable_changes() -> None:
    rechecker = ProjectRechecker()
    project = {**LONE_FLOWS, **LIKE_LINE, **PROJECT}
    first = rechecker.compile(project, ENVIRONMENT)
    assert first.release is not None
    reread = {name: bytes(bytearray(content)) for name, content in project.items()}
    assert rechecker.compile(reread, ENVIRONMENT) is first
    assert rechecker.compile(reread, {**ENVIRONMENT, "CRM": "other"}) is not first


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_rechecking_after_any_edits_equals_compiling(data: st.DataObject) -> None:
    rechecker = ProjectRechecker()
    now: Files = PROJECT
    for _ in range(data.draw(st.integers(2, 5))):
        project = {**LONE_FLOWS, **LIKE_LINE, **now}
        assert outcome(rechecker.compile(project, ENVIRONMENT)) == outcome(
            compile_project(project, ENVIRONMENT)
        )
        now = data.draw(edited(now))
