"""The language server as a process: problems while a person types, and the end."""

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from tests.lsp.editor import Editor

SMALL = """\
flow: hello
start: welcome
states:
  welcome:
    say: Hello.
    next: goodbye
  goodbye:
    hangup:
"""


def describe(problem: dict[str, Any]) -> str:
    start, end = problem["range"]["start"], problem["range"]["end"]
    place = f"{start['line']}:{start['character']}-{end['line']}:{end['character']}"
    return f"{problem['code']} {place} {problem['message']}"


def test_unsaved_text_with_a_mistake_is_told_and_cleared_when_mended(
    editor: Editor, tmp_path: Path
) -> None:
    file = tmp_path / "hello.yaml"
    uri = editor.open(file, SMALL)  # not on disk at all
    assert editor.wait_for_problems(uri) == []
    editor.replace(uri, "next: goodbye", "next: goodbey")
    (problem,) = editor.wait_for_problems(uri)
    assert describe(problem) == 'FE203 5:10-5:17 there is no state goodbey\ndid you mean "goodbye"?'
    assert problem["severity"] == 1
    editor.replace(uri, "next: goodbey", "next: goodbye")
    assert editor.wait_for_problems(uri) == []


def test_changes_in_quick_succession_are_told_of_once_by_the_newest(
    editor: Editor, tmp_path: Path
) -> None:
    uri = editor.open(tmp_path / "hello.yaml", SMALL)
    editor.wait_for_problems(uri)
    seen = len(editor.messages)
    for letters in ("g", "go", "goo", "good", "goodb"):
        editor.change(uri, SMALL.replace("next: goodbye", f"next: {letters}"))
    (problem,) = editor.wait_for_problems(uri)
    assert "there is no state goodb" in problem["message"]
    told = [message for message in editor.messages[seen:] if "id" not in message]
    assert len(told) < 5


def test_columns_count_utf_16_units(editor: Editor, tmp_path: Path) -> None:
    text = SMALL.replace("say: Hello.", 'say: "å 😀 ${vars.nobody}"')
    uri = editor.open(tmp_path / "hello.yaml", text)
    (problem,) = editor.wait_for_problems(uri)
    line = text.splitlines()[4]
    units = problem["range"]["start"]["character"], problem["range"]["end"]["character"]
    written = line.encode("utf-16-le")[2 * units[0] : 2 * units[1]].decode("utf-16-le")
    assert "vars.nobody" in written
    assert "😀" not in written


def test_problem_in_another_file_is_told_there(editor: Editor, flows: Path) -> None:
    uri = editor.open(flows / "ask-pin.yaml")
    assert editor.wait_for_problems(uri) == []
    other = (flows / "conference-pin.yaml").as_uri()
    editor.replace(uri, "outcomes: [right", "outcomes: [rihgt")
    codes = {problem["code"] for problem in editor.wait_for_problems(other)}
    assert codes
    editor.replace(uri, "outcomes: [rihgt", "outcomes: [right")
    assert editor.wait_for_problems(other) == []


def test_missing_variable_of_the_environment_is_a_hint(editor: Editor, flows: Path) -> None:
    uri = editor.open(flows / "project.yaml")
    found = editor.wait_for_problems(uri)
    assert {(problem["code"], problem["severity"]) for problem in found} == {("FE905", 4)}


def test_broken_yaml_is_told_and_does_not_hide_other_files(editor: Editor, flows: Path) -> None:
    uri = editor.open(flows / "support-line.yaml")
    editor.wait_for_problems(uri)
    editor.replace(uri, "title: Acme support line", 'title: "Acme support line')
    found = editor.wait_for_problems(uri)
    assert found[0]["code"].startswith("FE1")
    assert "there is no flow support-line" not in str(editor.messages[-5:])


def test_mistake_in_an_open_scenario_is_told(editor: Editor, flows: Path) -> None:
    uri = editor.open(flows / "scenarios" / "support-line.yaml")
    assert editor.wait_for_problems(uri) == []
    editor.replace(uri, "- asked: main\n      - press", "- asked: mian\n      - press")
    (problem,) = editor.wait_for_problems(uri)
    assert "mian" in problem["message"]


def test_file_changed_on_disk_is_read_again(editor: Editor, flows: Path) -> None:
    uri = editor.open(flows / "conference-pin.yaml")
    assert editor.wait_for_problems(uri) == []
    (flows / "ask-pin.yaml").unlink()
    gone = {"uri": (flows / "ask-pin.yaml").as_uri(), "type": 3}
    editor.tell("workspace/didChangeWatchedFiles", {"changes": [gone]})
    (problem,) = editor.wait_for_problems(uri)
    assert "ask-pin" in problem["message"]


def test_closed_document_counts_as_it_is_on_disk(editor: Editor, flows: Path) -> None:
    kept = editor.open(flows / "conference-pin.yaml")
    uri = editor.open(flows / "ask-pin.yaml")
    editor.wait_for_problems(uri)
    editor.replace(uri, "flow: ask-pin", "flow: ask-pni")
    assert editor.wait_for_problems(kept)
    editor.close(uri)
    assert editor.wait_for_problems(kept) == []


def test_last_document_closed_clears_the_problems(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open(tmp_path / "hello.yaml", SMALL.replace("next: goodbye", "next: nowhere"))
    assert editor.wait_for_problems(uri)
    editor.close(uri)
    assert editor.wait_for_problems(uri) == []


def test_yaml_of_another_program_has_no_problems(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open(tmp_path / "compose.yaml", "services:\n  web:\n    image: nginx\n")
    assert editor.wait_for_problems(uri) == []


def test_nonsense_is_survived_without_a_trace(tmp_path: Path) -> None:
    with Editor() as own:
        own.tell("textDocument/didChange", {"textDocument": {"uri": "file:///nowhere.yaml"}})
        own.tell("textDocument/didOpen", {"textDocument": 7})
        own.tell("flow/unknown", {})
        uri = own.open(tmp_path / "hello.yaml", SMALL + "\ud83d\n\x00 - }")
        assert own.wait_for_problems(uri)
        own.change(uri, SMALL)
        assert own.wait_for_problems(uri) == []
        assert own.leave() == 0
    assert not [one for one in own.messages if "Traceback" in str(one) or "showMessage" in str(one)]


@pytest.mark.parametrize("way", ["exit", "closed standard input"])
def test_server_that_is_left_waits_for_no_compilation(way: str, tmp_path: Path) -> None:
    for number in range(400):  # some seconds of work
        (tmp_path / f"flow-{number}.yaml").write_text(SMALL.replace("hello", f"flow-{number}"))
    with Editor() as own:
        own.open(tmp_path / "flow-0.yaml")
        time.sleep(0.15)  # it compiles by now
        if way == "exit":
            assert own.leave() == 0
        else:
            assert own.process.stdin
            own.process.stdin.close()
            assert own.process.wait(60) == 1
        assert own.problems.empty()


def test_lsp_without_its_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("pygls", "flowengine.lsp"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pygls", None)
    monkeypatch.setitem(sys.modules, "pygls.workspace", None)
    result = CliRunner().invoke(main, ["lsp"])
    assert result.exit_code == 1
    assert "pip install 'flowengine[lsp]'" in result.output


def test_editor_that_watches_no_files_hears_of_changes_with_the_next_key(flows: Path) -> None:
    with Editor(watches_files=False) as own:
        uri = own.open(flows / "conference-pin.yaml")
        assert own.wait_for_problems(uri) == []
        (flows / "ask-pin.yaml").unlink()
        own.replace(uri, "title:", "title: The")
        (problem,) = own.wait_for_problems(uri)
        assert "ask-pin" in problem["message"]
