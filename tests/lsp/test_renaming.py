"""Names that get another one, over all files of a project."""

import shutil
from pathlib import Path

import pytest

from flowengine.cli.rename import find_problems, write_plan
from flowengine.lsp.name_index import KINDS_OF_FILE_NAME, Symbol
from flowengine.lsp.project_session import ProjectSession
from flowengine.lsp.renaming import RENAMED_KINDS, RenameError, list_definitions, plan_rename
from tests.thoroughness import THOROUGH

ROOT = Path(__file__).parents[2]
TEMPLATES = ("reminder-campaign", "park-and-pick-up", "after-call-survey", "dial-by-name")
PROJECTS = (
    *(f"flowengine/templates/{name}" for name in TEMPLATES),
    *(("flows",) if THOROUGH else ()),
)

PROJECT = "project: acme\nroutes: [{to: '+14045550100', flow: first}]\n"
FLOW = """\
flow: {flow}
start: ask
vars:
  floor: {{type: digits, max: 1}}
states:
  ask:
    collect: {{prompt: Which floor?, into: floor, digits: 1, otherwise: bye}}
    next: tell
  tell:
    say: {{message: {message}}}
    next: bye
  bye:
    say: "Floor ${{vars.floor}}, \\"${{ vars.floor }}\\"."
    hangup:
"""


def write_project(folder: Path, second_message: str) -> ProjectSession:
    (folder / "messages").mkdir()
    (folder / "project.yaml").write_text(PROJECT)
    texts = "both: It is ${vars.floor}.\nothers: Nothing.\n"
    (folder / "messages" / "all.yaml").write_text(texts)
    (folder / "first.yaml").write_text(FLOW.format(flow="first", message="both"))
    (folder / "second.yaml").write_text(FLOW.format(flow="second", message=second_message))
    return ProjectSession(folder)


def rename(session: ProjectSession, symbol: Symbol, new_name: str) -> int:
    plan = plan_rename(session, symbol, new_name)
    write_plan(session.folder, plan)
    session.forget_disk()
    return sum(map(len, plan.uses.values()))


@pytest.mark.parametrize("project", PROJECTS)
def test_rename_of_names_keeps_a_project_sound_and_back_gives_the_same_bytes(
    project: str, tmp_path: Path
) -> None:
    session = ProjectSession(Path(shutil.copytree(ROOT / project, tmp_path / "project")))
    before = session.list_files()
    codes = [problem.code for problem in find_problems(before)]
    symbols = {use.symbol for _, use in list_definitions(session)}
    known = sorted((each for each in symbols if each.kind in RENAMED_KINDS), key=str)
    # flows last, as the other names stand behind theirs
    chosen = sorted(
        known[:: 1 if THOROUGH else len(known) // 8 + 1], key=lambda x: x.kind == "flow"
    )
    for symbol in chosen:
        assert rename(session, symbol, f"{symbol.name}0") or symbol.kind in KINDS_OF_FILE_NAME
    assert [problem.code for problem in find_problems(session.list_files())] == codes
    for symbol in reversed(chosen):
        rename(session, Symbol(symbol.kind, f"{symbol.name}0", symbol.flow), symbol.name)
    assert session.list_files() == before


def test_rename_of_a_variable_changes_the_messages_of_its_flow_alone(tmp_path: Path) -> None:
    session = write_project(tmp_path, "others")
    assert rename(session, Symbol("variable", "floor", "first"), "level") == 5
    assert "${vars.level}" in (tmp_path / "messages" / "all.yaml").read_text()
    assert "level" not in (tmp_path / "second.yaml").read_text()
    assert find_problems(session.list_files()) == []


def test_rename_of_a_variable_in_a_message_of_two_flows_is_refused(tmp_path: Path) -> None:
    session = write_project(tmp_path, "both")
    with pytest.raises(RenameError, match=r"messages/all.yaml:1:20 .*first, second say this"):
        plan_rename(session, Symbol("variable", "floor", "first"), "level")


def test_rename_of_flow_and_message_changes_routes_and_prompts(tmp_path: Path) -> None:
    session = write_project(tmp_path, "both")
    assert rename(session, Symbol("flow", "first"), "lift-line") == 2
    assert rename(session, Symbol("message", "both"), "floor_told") == 3
    assert "flow: lift-line}" in (tmp_path / "project.yaml").read_text()
    assert find_problems(session.list_files()) == []


@pytest.mark.parametrize(
    ("symbol", "new_name", "why"),
    [
        (Symbol("state", "ask", "first"), "tell", "there is a state tell already: first.yaml:9:3"),
        (Symbol("state", "aks", "first"), "answer", "no state aks in first: .*ask"),
        (Symbol("state", "ask", "first"), "back", "small letters"),
        (Symbol("flow", "first"), "First", "small letters, digits and -"),
        (Symbol("secret", "x"), "y", "a secret cannot be renamed"),
        (Symbol("calendar", "x"), "y", "no calendar x"),
    ],
)
def test_rename_says_why_it_is_refused(
    symbol: Symbol, new_name: str, why: str, tmp_path: Path
) -> None:
    session = write_project(tmp_path, "both")
    with pytest.raises(RenameError, match=why):
        plan_rename(session, symbol, new_name)


def test_rename_beside_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    session = write_project(tmp_path, "both")
    (tmp_path / "second.yaml").write_text("flow: [second, ask\n")
    with pytest.raises(RenameError, match=r"second\.yaml cannot be read just now"):
        plan_rename(session, Symbol("state", "ask", "first"), "answer")


SHARED_NAMES = {
    "project.yaml": """\
project: acme
routes: [{to: "+14045550100", flow: first}]
calendars: {lunch: {zone: UTC, open: {daily: 12:00-13:00}}}
""",
    "calendars/office.yml": "# office hours\nzone: UTC\nopen: {mon-fri: 09:00-17:00}\n",
    "tables/desks.yaml": 'rows: {"1": {phone: "+14045550111"}}\n',
    "groups/sales.yaml": 'members: ["+14045550112"]\n',
    "messages/all.yaml": "closed: We open ${hours.office.next_open}.\n",
    "scenarios/first.yaml": """\
flow: first
given: {time: "2026-03-07 10:00"}
scenarios:
  closed:
    when:
      - hears: We open Monday at 9 AM.
""",
    "first.yaml": """\
flow: first
start: choose
states:
  choose:
    choose:
      - when: hours.office.open && !hours.lunch.open
        next: sell
      - next: closed
  closed: {say: {message: closed}, hangup: }
  sell:
    ring: {group: sales, each: 20s, nobody: desk}
  desk:
    say: Our number is ${tables.desks.phone("1")}.
    hangup:
""",
}


def write_shared_names(folder: Path) -> ProjectSession:
    for name, text in SHARED_NAMES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    assert find_problems(ProjectSession(folder).list_files()) == []
    return ProjectSession(folder)


@pytest.mark.parametrize(
    ("symbol", "file", "places"),
    [
        (Symbol("calendar", "office"), "calendars/hall.yml", 2),
        (Symbol("table", "desks"), "tables/hall.yaml", 1),
        (Symbol("group", "sales"), "groups/hall.yaml", 1),
    ],
)
def test_rename_of_what_is_a_file_moves_it_as_it_is(
    symbol: Symbol, file: str, places: int, tmp_path: Path
) -> None:
    session = write_shared_names(tmp_path)
    old = f"{Path(file).parent}/{symbol.name}{Path(file).suffix}"
    assert rename(session, symbol, "hall") == places
    files = session.list_files()
    assert find_problems(files) == []
    assert old not in files
    assert files[file].decode() == SHARED_NAMES[old]
    rename(session, Symbol(symbol.kind, "hall"), symbol.name)
    assert {name: text.decode() for name, text in session.list_files().items()} == SHARED_NAMES


def test_rename_of_a_calendar_in_the_project_file_moves_nothing(tmp_path: Path) -> None:
    session = write_shared_names(tmp_path)
    plan = plan_rename(session, Symbol("calendar", "lunch"), "noon")
    assert plan.moves == {}
    assert sorted(plan.uses) == ["first.yaml", "project.yaml"]


@pytest.mark.parametrize(
    ("new_name", "why"),
    [
        ("lunch", "there is a calendar lunch already: project.yaml:3:13"),
        ("nights", "there is a calendar nights already: calendars/nights.yaml$"),
        ("broken", "there is a calendars/broken.yml already, and it cannot be read"),
    ],
)
def test_rename_onto_another_calendar_is_refused(new_name: str, why: str, tmp_path: Path) -> None:
    session = write_shared_names(tmp_path)
    (tmp_path / "calendars" / "nights.yaml").write_text("zone: UTC\nopen: {daily: 00:00-06:00}\n")
    (tmp_path / "calendars" / "broken.yml").write_text("open: {daily\n")
    with pytest.raises(RenameError, match=why):
        plan_rename(session, Symbol("calendar", "office"), new_name)


FAILING = """\
flow: first
start: main
states:
  main: {subflow: {flow: second, outcomes: {fine: bye}}, error: tell}
  tell:
    say: main
    choose:
      - {when: 'call.failed_state == "main"', next: bye}
      - {when: "call.failed_state == \\"main\\" || call.custom == \\"main\\"", next: bye}
      - {when: 'call.failed_state in ["look", "main"]', next: bye}
      - {next: bye}
  bye: {say: "${call.failed_state == 'main' ? 'main' : \\"\\"}", hangup: }
"""
LOOKING = """\
flow: second
start: look
outcomes: [fine]
states:
  look: {say: look, next: ready}
  ready: {return: fine}
"""


def test_rename_of_a_state_changes_texts_that_are_compared_with_the_failed_state(
    tmp_path: Path,
) -> None:
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "first.yaml").write_text(FAILING)
    (tmp_path / "second.yaml").write_text(LOOKING)
    session = ProjectSession(tmp_path)
    assert rename(session, Symbol("state", "main", "first"), "begin") == 6
    assert rename(session, Symbol("state", "look", "second"), "search") == 3
    expected = FAILING.replace("  main:", "  begin:").replace("start: main", "start: begin")
    expected = expected.replace('"look", "main"', '"search", "begin"')
    expected = expected.replace("failed_state == 'main'", "failed_state == 'begin'")
    for quote in ('"', '\\"'):
        expected = expected.replace(
            f"failed_state == {quote}main{quote}", f"failed_state == {quote}begin{quote}"
        )
    assert (tmp_path / "first.yaml").read_text() == expected
    renamed = LOOKING.replace("start: look", "start: search").replace("  look:", "  search:")
    assert (tmp_path / "second.yaml").read_text() == renamed


def test_rename_of_a_state_whose_name_two_flows_may_mean_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "first.yaml").write_text(FAILING)
    (tmp_path / "second.yaml").write_text(LOOKING)
    (tmp_path / "third.yaml").write_text(LOOKING.replace("second", "third"))
    with pytest.raises(RenameError, match=r"first.yaml:10:.* compares call.failed_state with look"):
        rename(ProjectSession(tmp_path), Symbol("state", "look", "second"), "search")
