"""The language server in a real editor: Debian's Neovim, without a screen."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NEOVIM = shutil.which("nvim")
SCRIPT = Path(__file__).with_name("neovim.lua")
FLOW = """\
flow: hello
start: welcome
states:
  welcome:
    say: Hello.
    next: goodbey
  goodbye:
    say: We open ${hours.office.next_open}.
    hangup:
"""


@pytest.mark.skipif(NEOVIM is None, reason="needs neovim (apt-get install neovim)")
def test_neovim_shows_problems_and_finds_names(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(FLOW)
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "office.yaml").write_text("zone: UTC\nopen: {mon-fri: 09:00-17:00}\n")
    result = tmp_path / "result.json"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
        "HOME": str(tmp_path),
        "FLOWENGINE": str(Path(sys.executable).with_name("flowengine")),
        "RESULT": str(result),
    }
    subprocess.run(
        [NEOVIM or "nvim", "--headless", "-n", "hello.yaml", "-S", SCRIPT],
        cwd=tmp_path,
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        capture_output=True,
    )
    found = json.loads(result.read_text())
    assert found["problems"] == [[5, 10, 'there is no state goodbey\ndid you mean "goodbye"?']]
    assert found["mended"] == []
    assert "hangup" in found["hover"]["contents"]["value"]
    assert {"welcome", "goodbye"} <= set(found["offered"])
    assert found["definition"][0]["range"]["start"]["line"] == 6
    assert found["renamed"] == "    say: We open ${hours.desk.next_open}."
    assert [file.name for file in (tmp_path / "calendars").iterdir()] == ["desk.yaml"]
