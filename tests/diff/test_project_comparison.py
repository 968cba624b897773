"""Every kind of change is told of once, where it is; what changes the form alone is not."""

import json
import re

import pytest

from flowengine.compile import CompileResult, compile_project
from flowengine.diff import ProjectDifference, compare_projects, to_json, to_text
from flowengine.diff.state_facts import INHERITED_FIELDS
from flowengine.model import Defaults, Flow, Project, Var
from tests.diff.diff_edits import EDITS, FILES, MEANINGLESS, Edit


def compiled(files: dict[str, str]) -> CompileResult:
    found = compile_project({name: text.encode() for name, text in files.items()}, {})
    assert found.release, [
        str(problem) for problem in found.problems if problem.severity == "error"
    ]
    return found


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert FILES[file].count(old) == 1, old
    return {**FILES, file: FILES[file].replace(old, new)}


@pytest.fixture(scope="module")
def before() -> CompileResult:
    return compiled(FILES)


def lines(difference: ProjectDifference) -> list[str]:
    """What a reader gets, without places and summary."""
    return [
        re.sub(r"  \[\S+\]$", "", line).strip()
        for line in to_text(difference).splitlines()[:-1]
        if line
    ]


@pytest.mark.parametrize("edit", EDITS, ids=[edit.name for edit in EDITS])
def test_edit_of_each_kind_is_described_and_is_a_difference_when_taken_back(
    before: CompileResult, edit: Edit
) -> None:
    files = edited(edit.file, edit.old, edit.new)
    if edit.name == "a flow is renamed":
        files = {name: re.sub(r"flow: other\b", "flow: code", text) for name, text in files.items()}
    after = compiled(files)
    found = lines(compare_projects(before, after))
    shortened = [
        line.split(" ")[0] if line.startswith("affects") and "affects" in edit.lines else line
        for line in found
    ]
    assert shortened == list(edit.lines)
    assert "renamed" in edit.name or compare_projects(after, before)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [case[1:] for case in MEANINGLESS],
    ids=[case[0] for case in MEANINGLESS],
)
def test_form_alone_means_nothing(before: CompileResult, file: str, old: str, new: str) -> None:
    assert lines(compare_projects(before, compiled(edited(file, old, new)))) == []


def test_version_compared_with_itself_has_no_difference(before: CompileResult) -> None:
    assert not compare_projects(before, before)
    assert not compare_projects(before, compiled(FILES))
    assert to_text(ProjectDifference()) == "no change in meaning\n"


def test_places_are_those_of_the_new_version(before: CompileResult) -> None:
    new = edited(
        "line.yaml", "    say: We are closed.\n", "    # closed\n\n    say: We have closed.\n"
    )
    (flow,) = compare_projects(before, compiled(new)).flows
    (item,) = flow.states[0].items
    assert item.place
    assert new["line.yaml"].splitlines()[item.place.line - 1].strip() == "say: We have closed."
    assert "[flows/line.yaml:" in to_text(ProjectDifference(flows=(flow,)), "flows/")


def renamed(*names: tuple[str, str], **also: str) -> dict[str, str]:
    """The line with states under other names, and other edits."""
    text = FILES["line.yaml"]
    for old, new in names:
        text = re.sub(rf"(?<![\w.]){old}(?=[,}}:\n])", new, text)
    for old, new in also.items():
        text = text.replace(old.replace("_", " "), new)
    return {**FILES, "line.yaml": text}


@pytest.mark.parametrize(
    ("names", "also"),
    [
        ([("closed", "shut")], {}),
        ([("noted", "heard")], {}),
        (
            [
                ("upgrade", "make_gold"),
                ("look_up", "find_room"),
                ("ask_room", "which_room"),
                ("main", "choices"),
            ],
            {},
        ),
        ([("whisper", "tell_agent"), ("agents", "people")], {}),
        ([("ask_room", "which_room")], {"Which_room?": "Which room now?"}),
        ([("agents", "people")], {"ring:_20s": "ring: 30s"}),
    ],
    ids=[
        "one",
        "with nothing of its own",
        "a chain",
        "neighbours",
        "with other words",
        "with another number",
    ],
)
def test_renamed_states_are_recognised(
    before: CompileResult, names: list[tuple[str, str]], also: dict[str, str]
) -> None:
    difference = compare_projects(before, compiled(renamed(*names, **also)))
    (flow,) = difference.flows
    assert {(state.was, state.state) for state in flow.states} == set(names)
    assert all(state.change == "renamed" for state in flow.states)
    assert sum(len(state.items) for state in flow.states) == len(also)
    assert (flow.items, flow.paths.gained, flow.paths.lost, difference.project) == ((), (), (), ())


def test_names_that_change_places_are_told_by_what_the_states_do(before: CompileResult) -> None:
    """Both names are there still: so the states are what changed, as for a caller's journal they
    did.
    """
    (flow,) = compare_projects(
        before, compiled(renamed(("closed", "x"), ("sorry", "closed"), ("x", "sorry")))
    ).flows
    assert not any(state.was for state in flow.states)


def test_new_state_in_the_same_place_is_not_a_renamed_one(before: CompileResult) -> None:
    files = renamed(
        ("closed", "voicemail"), **{"We_are_closed.": "Leave a message after the tone."}
    )
    (flow,) = compare_projects(before, compiled(files)).flows
    assert {
        (state.change, state.state)
        for state in flow.states
        if state.change in ("added", "removed", "renamed")
    } == {
        ("added", "voicemail"),
        ("removed", "closed"),
    }


def test_renamed_split_deals_callers_out_anew(before: CompileResult) -> None:
    (flow,) = compare_projects(before, compiled(renamed(("toss", "coin")))).flows
    assert [
        "dealt out anew" in item.new for state in flow.states if state.was for item in state.items
    ] == [True]


def test_renamed_flow_that_changed_is_still_that_flow(before: CompileResult) -> None:
    files = {name: re.sub(r"flow: other\b", "flow: code", text) for name, text in FILES.items()}
    files["other.yaml"] = files["other.yaml"].replace("The code?", "Your code?")
    difference = compare_projects(before, compiled(files))
    assert [(flow.was, flow.flow, flow.change) for flow in difference.flows] == [
        ("other", "code", "renamed")
    ]
    assert [item.label for state in difference.flows[0].states for item in state.items] == [
        "prompt"
    ]
    assert difference.project == ()


def test_comparison_covers_each_part_of_a_project_and_flow() -> None:
    """Whoever adds one decides whether it means something, and then gives it facts and a case in
    diff_edits.py.
    """
    flows = {
        "locale",
        "voice",
        "start",
        "on",
        "error",
        "vars",
        "inputs",
        "outputs",
        "outcomes",
        "keys",
        "defaults",
        "states",
    }
    assert set(Flow.__struct_encode_fields__) - {"flow", "title"} == flows
    shared = {
        "locale",
        "voice",
        "zone",
        "apology",
        "platform",
        "journal",
        "applications",
        "secrets",
        "services",
        "recordings",
        "routes",
    }
    parts = {"defaults", "messages", "tables", "calendars", "groups"}
    # `strict` decides what the check says, and nothing that callers hear
    assert set(Project.__struct_encode_fields__) - {"project", "strict"} == shared | parts
    assert set(Defaults.__struct_encode_fields__) - {"error"} == set(INHERITED_FIELDS)
    assert set(Var.__struct_encode_fields__) == {"type", "max", "default", "secret", "choices"}


def test_flows_come_and_go(before: CompileResult) -> None:
    more = compiled(
        {**FILES, "new.yaml": "flow: new\nstart: hello\nstates: {hello: {say: Hello., hangup: }}\n"}
    )
    assert [(flow.flow, flow.change) for flow in compare_projects(before, more).flows] == [
        ("new", "added")
    ]
    assert [(flow.flow, flow.change) for flow in compare_projects(more, before).flows] == [
        ("new", "removed")
    ]


def test_second_flow_without_routes_leaves_calls_without_an_answer() -> None:
    one = {"line.yaml": "flow: line\nstart: hello\nstates: {hello: {say: Hello., hangup: }}\n"}
    two = {
        **one,
        "more.yaml": one["line.yaml"]
        .replace("flow: line", "flow: more")
        .replace("Hello", "Welcome back to us"),
    }
    assert "~ calls that no route takes: line -> nobody" in lines(
        compare_projects(compiled(one), compiled(two))
    )


def test_states_become_reachable(before: CompileResult) -> None:
    lonely = compiled(edited("line.yaml", "        2: check\n", ""))
    (flow,) = compare_projects(lonely, before).flows
    assert flow.reached == ("check",)
    (back,) = compare_projects(before, lonely).flows
    assert back.unreached == ("check",)


def test_ways_are_bounded() -> None:
    def star(keys: str) -> str:
        states = "".join(f"  end{key}: {{say: Number {key}, hangup: }}\n" for key in "123456789")
        for part in range(3):
            options = ", ".join(f"{key}: end{key}" for key in keys)
            states += f"  ask{part}: {{menu: {{prompt: Choose., options: {{{options}}}, otherwise: ask{(part + 1) % 3}}}}}\n"
        return f"flow: star\nstart: ask0\nstates:\n{states}"

    (flow,) = compare_projects(
        compiled({"a.yaml": star("1")}), compiled({"a.yaml": star("123456789")})
    ).flows
    assert (len(flow.paths.gained), flow.paths.more_gained) == (10, 14)
    assert "and 14 more new ways" in lines(ProjectDifference(flows=(flow,)))


def test_json_has_the_documented_shape(before: CompileResult) -> None:
    data = json.loads(
        to_json(
            compare_projects(
                before, compiled(edited("line.yaml", "failed: sorry", "failed: agents"))
            )
        )
    )
    assert (data["version"], data["differs"], data["project"]) == (1, True, [])
    (flow,) = data["flows"]
    assert set(flow) == {
        "flow",
        "was",
        "change",
        "place",
        "items",
        "states",
        "reached",
        "unreached",
        "paths",
    }
    (state,) = flow["states"]
    assert state["items"] == [
        {
            "change": "changed", "part": "exit", "label": "failed", "old": "sorry", "new": "agents",
            "place": {"file": "line.yaml", "line": 40, "column": 15}, "affects": [],
        }
    ]  # fmt: skip
    assert json.loads(to_json(ProjectDifference())) == {
        "version": 1,
        "differs": False,
        "project": [],
        "flows": [],
    }


def test_versions_with_mistakes_are_compared_as_far_as_they_can_be_read(
    before: CompileResult,
) -> None:
    broken = compile_project(
        {
            **{name: text.encode() for name, text in FILES.items()},
            "other.yaml": b"flow: other\nstates: [\n",
        },
        {},
    )
    assert broken.release is None
    assert [(flow.flow, flow.change) for flow in compare_projects(before, broken).flows] == [
        ("other", "unreadable")
    ]
