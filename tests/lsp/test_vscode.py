"""The extension of VS Code, with the real server and a stand-in for the editor."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
FLOWENGINE = Path(sys.executable).with_name("flowengine")
FLOW = """\
flow: hello
start: welcome

states:
  welcome:
    say:   Hello.
    next: goodbey

  goodbye:
    say: We open ${hours.office.next_open}.
    hangup:
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node (apt-get install nodejs)")


def run_extension(folder: Path, command: Path) -> dict[str, Any]:
    (folder / "hello.yaml").write_text(FLOW)
    (folder / "calendars").mkdir()
    (folder / "calendars" / "office.yaml").write_text("zone: UTC\nopen: {mon-fri: 09:00-17:00}\n")
    script = Path(__file__).with_name("vscode_world.js")
    found = subprocess.run(
        [NODE or "node", script, EXTENSION / "extension.js", folder / "hello.yaml", command],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    shown: dict[str, Any] = json.loads(found.stdout)
    return shown


def test_extension_shows_what_the_server_says(tmp_path: Path) -> None:
    shown = run_extension(tmp_path, FLOWENGINE)
    assert ["FE203", 6] in shown["problems"]
    assert shown["actions"] == [["Write goodbye", "goodbye"]]
    assert {"welcome", "goodbye"} <= set(shown["offered"])
    assert "hangup" in shown["hover"]
    assert shown["definition"] == [8]
    assert (shown["references"], shown["renamed"]) == (2, 2)
    assert "already" in shown["refused"]
    assert shown["moved"] == ["desk", ["office.yaml", "desk.yaml"]]
    assert shown["symbols"] == ["hello", "welcome", "goodbye"]
    assert shown["formatted"] == ["    say: Hello.\n"]
    assert shown["again"] == 3
    assert shown["errors"] == []


def test_extension_without_the_server_says_how_to_install_it(tmp_path: Path) -> None:
    (error,) = run_extension(tmp_path, tmp_path / "nowhere" / "flowengine")["errors"]
    assert "pip install 'flowengine[lsp]'" in error


def test_extension_has_the_triggers_and_files_of_the_server() -> None:
    manifest = json.loads((EXTENSION / "package.json").read_text())
    assert "dependencies" not in manifest
    assert (EXTENSION / manifest["main"]).is_file()
