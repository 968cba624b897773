"""Commands that are forked from the fork server behave like those that are started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fork_server import FlowengineProcess, run_flowengine
from tests.waiting import PATIENCE_SECONDS


def test_forked_command_does_what_the_program_does(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text("flow: line\nstart: nowhere\nstates: {a: {hangup: }}\n")
    environment = {**os.environ, "COLUMNS": "70"}
    arguments = ("check", "line.yaml")
    started = subprocess.run(
        [sys.executable, "-m", "flowengine", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    forked = run_flowengine(*arguments, cwd=tmp_path, env=environment)
    assert started.returncode == 1
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


def test_forked_program_has_its_own_environment_and_input(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import os, sys\nassert os.environ['WORD'] == sys.stdin.read() == sys.argv[1]\nsys.exit(7)\n"
    )
    (tmp_path / "word").write_text("hello")
    with (tmp_path / "word").open("rb") as stdin:
        process = FlowengineProcess(
            ["hello"], program="program.py", cwd=tmp_path, env={"WORD": "hello"}, stdin=stdin
        )
    assert process.wait(PATIENCE_SECONDS) == 7
    assert "WORD" not in os.environ


def test_forked_program_is_killed_and_waited_for(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import time\ntime.sleep(600)\n")
    process = FlowengineProcess([], program="program.py", cwd=tmp_path)
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    assert process.poll() == -signal.SIGKILL
