"""`flowengine fix`."""

from pathlib import Path

from click.testing import CliRunner

from flowengine.cli import main

FLOW = """\
flow: hello
start: welcome
states:
  welcome:
    say: Hello.
    next: goodbey
  goodbye:
    hangup:
"""


def test_fix_takes_suggested_words_and_shows_them(tmp_path: Path) -> None:
    file = tmp_path / "hello.yaml"
    file.write_text(FLOW)
    result = CliRunner().invoke(main, ["fix", str(file)])
    assert result.output == f"{file}:6:11: goodbey is goodbye now\n1 word changed\n"
    assert result.exit_code == 0
    assert file.read_text() == FLOW.replace("goodbey", "goodbye")


def test_fix_of_what_needs_an_author_changes_nothing_and_exits_1(tmp_path: Path) -> None:
    file = tmp_path / "hello.yaml"
    file.write_text(FLOW.replace("goodbey", "42"))
    result = CliRunner().invoke(main, ["fix", str(file)])
    assert result.exit_code == 1
    assert result.output.startswith("0 words changed\n")
    assert "hello.yaml:6:11" in result.output
    assert "42" in file.read_text()
