"""`flowengine rename`."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main

FLOW = """\
flow: {flow}
start: welcome
states:
  welcome:
    say: Hello.
    next: goodbye
  goodbye:
    hangup:
"""


def run_rename(folder: Path, *arguments: str) -> Result:
    for flow in ("first", "second"):
        (folder / f"{flow}.yaml").write_text(FLOW.format(flow=flow))
    routes = "[{to: '+14045550100', flow: first}, {to: '+14045550101', flow: second}]"
    (folder / "project.yaml").write_text(f"project: acme\nroutes: {routes}\n")
    return CliRunner().invoke(main, ["rename", str(folder), *arguments])


def test_rename_changes_and_shows_each_place(tmp_path: Path) -> None:
    result = run_rename(tmp_path, "state", "first.goodbye", "ending")
    assert result.output == (
        f"{tmp_path}/first.yaml:6:11\n{tmp_path}/first.yaml:7:3\n"
        "state goodbye is ending now, in 2 places of 1 file\n"
    )
    assert (tmp_path / "first.yaml").read_text() == FLOW.format(flow="first").replace(
        "goodbye", "ending"
    )
    assert run_rename(tmp_path, "flow", "first", "front-desk").exit_code == 0


def test_rename_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    for arguments, why in (
        (("state", "goodbye", "ending"), "write one of first.goodbye, second.goodbye"),
        (("state", "first.goodbye", "welcome"), "there is a state welcome already"),
        (("variable", "nobody", "other"), "no flow has a variable nobody"),
    ):
        result = run_rename(tmp_path, *arguments)
        assert result.exit_code == 1
        assert why in result.output
        assert (tmp_path / "first.yaml").read_text() == FLOW.format(flow="first")


def test_rename_of_a_calendar_moves_its_file_and_git_follows(tmp_path: Path) -> None:
    (tmp_path / "calendars").mkdir()
    hours = tmp_path / "calendars" / "office.yaml"
    hours.write_text("# Mind the holidays.\nzone: UTC\nopen: {mon-fri: 09:00-17:00}\n")
    hours.chmod(0o640)
    (tmp_path / "main.yaml").write_text(
        "flow: main\nstart: welcome\nstates:\n"
        "  welcome: {say: 'We open ${hours.office.next_open}.', hangup: }\n"
    )
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    result = CliRunner().invoke(main, ["rename", str(tmp_path), "calendar", "office", "desk"])
    assert result.output == (
        f"{hours} is {tmp_path}/calendars/desk.yaml now\n{tmp_path}/main.yaml:4:35\n"
        "calendar office is desk now, in 1 place of 1 file\n"
    )
    assert (tmp_path / "calendars" / "desk.yaml").stat().st_mode & 0o777 == 0o640
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, *author, "commit", "-qm", "before"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    shown = subprocess.run(
        [*git, "status", "--porcelain"], check=True, capture_output=True, text=True
    )
    assert shown.stdout == "R  calendars/office.yaml -> calendars/desk.yaml\nM  main.yaml\n"


def test_rename_whose_file_cannot_be_moved_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calendars").mkdir()
    hours = tmp_path / "calendars" / "office.yaml"
    hours.write_text("zone: UTC\nopen: {mon-fri: 09:00-17:00}\n")
    flow = tmp_path / "main.yaml"
    text = (
        "flow: main\nstart: welcome\nstates:\n"
        "  welcome: {say: 'We open ${hours.office.next_open}.', hangup: }\n"
    )
    flow.write_text(text)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    result = CliRunner().invoke(main, ["rename", str(tmp_path), "calendar", "office", "desk"])
    assert result.exit_code == 1
    assert "nothing is renamed: [Errno 13] Permission denied" in result.output
    assert flow.read_text() == text
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["main.yaml", "office.yaml"]
