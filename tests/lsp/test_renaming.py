"""Names that get another one, over all files of a project."""

import shutil
from pathlib import Path

import pytest

from flowengine.cli.rename import find_problems
from flowengine.lsp.name_index import Symbol
from flowengine.lsp.project_session import ProjectSession
from flowengine.lsp.renaming import RENAMED_KINDS, RenameError, list_definitions, plan_rename
from tests.thoroughness import THOROUGH

ROOT = Path(__file__).parents[2]
TEMPLATES = ("reminder-campaign", "park-and-pick-up", "after-call-survey")
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
    for file, content in plan.rewrite().items():
        (session.folder / file).write_bytes(content)
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
        assert rename(session, symbol, f"{symbol.name}0") >= 1
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
        (Symbol("calendar", "x"), "y", "a calendar cannot be renamed"),
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
