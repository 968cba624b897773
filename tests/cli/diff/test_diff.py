"""`flowengine diff` on folders, files and a real repository with a history."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from tests.diff.diff_edits import FILES
from tests.sources.git_repository import commit, git, new_repository

GOLDEN = Path(__file__).parent / "golden"
HISTORY = (
    ("Tidy up", {"line.yaml": [("  noted: {done: }", ("  # Nothing to do.\n  noted:\n    "
                                                     "done:")), ("2: check", "2: {next: check}")]}),
    (
        "Rooms by name, an agent for everybody",
        {
            "line.yaml": [
                ("ask_room:", "which_room:"),
                ("{next: ask_room, hear: [room, flat]}", ("{next: which_room, hear: [room, flat, "
                                                         "house]}")),
                ("Which room?", "Which room is yours?"),
                ("For your room press 1.", "For your room, press 1."),
                ("        2: {next: check}\n", "        2: {next: check}\n        4: lunch\n"),
                ("  noted:", ("  lunch:\n    say: 'We are at lunch; please hold.'\n    next: "
                             "agents\n  noted:")),
                ("- {share: 10%, next: agents}", "- {share: 50%, next: agents}"),
            ],
            "project.yaml": [('mon-fri: "09:00-17:00"', ('mon-thu: "09:00-17:00", fri: '
                                                        '"09:00-15:00"')), ("bye: Goodbye.", ("bye: "
                                                                                            "See "
                                                                                            "you."))],
        },
    ),
    ("No more codes", {"line.yaml": [("        2: {next: check}\n", "")], "other.yaml": [(("digits: "
                                                                                          "4,"), "digits: 3-4,")]}),
)  # fmt: skip


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, arguments)])


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each version of the history is a tag: v0, v1, …"""
    made = new_repository(tmp_path_factory.mktemp("diff") / "repository")
    files = dict(FILES)
    commit(made, {f"flows/{name}": text for name, text in files.items()}, "Begin")
    git(made, "tag", "v0")
    for number, (message, edits) in enumerate(HISTORY, 1):
        for name, changes in edits.items():
            for old, new in changes:
                assert files[name].count(old) == 1, old
                files[name] = files[name].replace(old, new)
        commit(made, {f"flows/{name}": text for name, text in files.items()}, message)
        git(made, "tag", f"v{number}")
    return made


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
@pytest.mark.parametrize(("old", "new"), [("v0", "v1"), ("v1", "v2"), ("v2", "v3"), ("v3", "v1")])
def test_diff_of_a_history_is_printed_in_each_format(
    repository: Path, old: str, new: str, form: str, golden: Callable[[Path, str], None]
) -> None:
    result = run(old, new, "--repo", repository, "--format", form)
    assert result.exit_code == 0, result.output
    golden(GOLDEN / f"diff-{old}-{new}.{form}", result.output)


def test_reformatting_is_no_change_for_a_pipeline(repository: Path) -> None:
    assert run("v0", "v1", "--repo", repository, "--exit-code").exit_code == 0
    assert run("v1", "v2", "--repo", repository, "--exit-code").exit_code == 1
    assert run("v1", "v2", "--repo", repository).exit_code == 0


def test_diff_takes_a_folder_a_ref_or_a_path_in_a_ref(repository: Path) -> None:
    git(repository, "checkout", "-q", "v1")
    folder = repository / "flows"
    wanted = json.loads(run("v1", "v2", "--repo", repository, "--format", "json").output)
    for old in (folder, "v1", "v1:flows", "v1:/flows/", git(repository, "rev-parse", "v1")):
        assert json.loads(run(old, "v2", "--repo", repository, "--format", "json").output) == wanted
    assert run("v1", folder, "--repo", repository).output == "no change in meaning\n"


def test_places_can_be_opened_from_here(repository: Path) -> None:
    git(repository, "checkout", "-q", "v2")
    assert (
        f"[{repository}/flows/line.yaml:"
        in run("v1", repository / "flows", "--repo", repository).output
    )
    assert "[flows/line.yaml:" in run("v1", "v2", "--repo", repository).output


def test_single_files(tmp_path: Path, repository: Path) -> None:
    text = "flow: line\nstart: hello\nstates: {hello: {say: Hello., hangup: }}\n"
    (tmp_path / "old.yaml").write_text(text)
    (tmp_path / "new.yaml").write_text(text.replace("Hello.", "Welcome."))
    result = run(tmp_path / "old.yaml", tmp_path / "new.yaml")
    assert "~ say: “Hello.” -> “Welcome.”" in result.output
    assert run("v1:flows/line.yaml", "v1", "--repo", repository).output == "no change in meaning\n"


@pytest.mark.parametrize(
    ("old", "options", "message"),
    [
        ("nowhere", [], "has no commit nowhere"),
        ("v1:flow", [], "has no folder flow"),
        ("v1:flows/none.yaml", [], "v1 has no file flows/none.yaml"),
        (
            "v1",
            ["--path", "calls"],
            "has no folder calls; say with --path where the flows lie in it",
        ),
        ("v1", ["--format", "pdf"], "Invalid value"),
    ],
)
def test_versions_that_are_none(
    repository: Path, old: str, options: list[str], message: str
) -> None:
    result = run(old, "v2", "--repo", repository, *options)
    assert result.exit_code == 2
    assert message in result.output


def test_outside_of_a_repository(tmp_path: Path) -> None:
    result = run("main", "main", "--repo", tmp_path)
    assert result.exit_code == 2
    assert "not a git repository" in result.output


def test_diff_of_flows_with_errors_warns_and_goes_on(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    alone = FILES["second.yaml"].replace("group: desk", 'who: ["+14045550130"]')
    for folder, text in ((old, alone), (new, alone.replace("start: hello", "start: helo"))):
        folder.mkdir()
        (folder / "second.yaml").write_text(text)
    result = run(old, new)
    assert result.exit_code == 0
    assert f"{new} has mistakes (1, see flowengine check)" in result.stderr
    assert "start: hello -> helo" in result.stdout


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_flow_whose_file_cannot_be_read_is_not_called_removed(tmp_path: Path, form: str) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "project.yaml").write_text("routes: [{flow: second}]\n")
        (folder / "second.yaml").write_text(
            FILES["second.yaml"].replace("group: desk", 'who: ["+14045550130"]')
        )
    (new / "second.yaml").write_text("flow: second\nstart: [\n")
    for result in (run(old, new, "--format", form), run(new, old, "--format", form)):
        told = result.stdout.splitlines()
        assert any(
            ("second" in line and "mistakes" in line) or "unreadable" in line for line in told
        ), told
        assert "removed" not in result.stdout
        assert "added" not in result.stdout


def test_markdown_shows_text_as_text(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    awkward = "Press | or `x` <b>now</b>; [link](there) *all* ```` fences."
    for folder, text in ((old, "Hello."), (new, awkward)):
        folder.mkdir()
        (folder / "line.yaml").write_text(
            f"flow: line\nstart: hello\nstates:\n  hello:\n    say: '{text}'\n    hangup:\n"
        )
    lines = run(old, new, "--format", "markdown").output.splitlines()
    assert f"  - say: `“Hello.”` → `````“{awkward}”`````" in lines
    picture = lines[lines.index("After:") : len(lines)]
    assert (
        "Press | or #96;x#96; #60;b#62;now#60;/b#62;#59; [link](there) *all* #96;#96;#96;#96; "
        "fences." in "\n".join(picture).replace("\ufeff", "")  # which keeps mermaid from markup
    )
    assert lines[4] == "| line | hello | say |"
