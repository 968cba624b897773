"""Commands find what a server keeps as `serve` does: by flag, variable and flowengine.toml."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from tests.journal.journal_line import record, ring
from tests.journal.test_postgresql_failures import RELEASE

COMMANDS = ("calls", "canary", "releases", "queues", "agents", "replay", "console", "backup")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and three servers with a recorded call each."""
    for name in ("flag", "variable", "file"):
        (tmp_path / name).mkdir()
        record(tmp_path / name / "journal.db", RELEASE, [ring(f"by-{name}")])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_store_comes_from_flag_then_variable_then_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no call journal .flowengine/journal.db" in run("calls").output
    (folder / "flowengine.toml").write_text('store = "sqlite:file/calls.db"\nport = 8090\n')
    assert "by-file" in run("calls").output
    (folder / "store").write_text("sqlite:variable/calls.db\n")
    monkeypatch.setenv("FLOWENGINE_STORE_FILE", str(folder / "store"))
    assert "by-variable" in run("calls").output
    assert "by-flag" in run("calls", "--store", "sqlite:flag/calls.db").output


def test_journal_comes_from_where_it_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other.toml").write_text('journal = "sqlite:file/journal.db"\n')
    monkeypatch.setenv("FLOWENGINE_CONFIG", "other.toml")
    assert "by-file" in run("calls", "--store", "sqlite:flag/calls.db").output
    assert "by-flag" in run("calls", "--journal", "sqlite:flag/journal.db").output
    done = run("calls", "--journal", "journal.db")
    assert (done.exit_code, "write sqlite:PATH or postgresql://" in done.output) == (2, True)


def test_mistake_in_the_file_ends_a_command(folder: Path) -> None:
    (folder / "flowengine.toml").write_text("stroe = 1\n")
    done = run("calls")
    assert done.exit_code == 2
    assert 'flowengine.toml:1: unknown key "stroe"' in done.output
    assert run("calls", "--help").exit_code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_command_names_variable_of_its_store(command: str) -> None:
    from click import Context

    found = main.get_command(Context(main), command)
    assert found is not None
    (store,) = [one for one in found.params if one.name == "store"]
    assert store.envvar == "FLOWENGINE_STORE"
