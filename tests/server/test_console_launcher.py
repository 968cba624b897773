"""The console of a server starts with the first browser, and never costs callers anything."""

import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path

import httpx
import pytest

from flowengine.server.console_launcher import ConsoleLauncher
from flowengine.server.listeners import open_listeners
from tests.console.console_line import write_flows
from tests.server.server_process import list_children
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def launch(listener: socket.socket, script: str) -> ConsoleLauncher:
    """A console that is a script of the shell, which gets the descriptor as $1."""
    return ConsoleLauncher([listener], ["/bin/sh", "-c", script, "sh"], {"SETTING": "given"})


def connect(launcher: ConsoleLauncher, listener: socket.socket) -> None:
    """Let a browser connect, and the supervisor notice."""
    with socket.create_connection(listener.getsockname()):
        launcher.handle_ready(wait(launcher.list_sources(), timeout=PATIENCE_SECONDS))


def test_console_starts_with_a_connection_and_its_settings(
    listener: socket.socket, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    launcher = launch(listener, f'echo "$SETTING $1" > {started}; exec sleep 100')
    launcher.handle_ready(wait(launcher.list_sources(), timeout=0.01))
    assert not started.exists()
    connect(launcher, listener)
    wait_until(lambda: started.exists() and bool(started.read_text()))
    assert started.read_text() == f"given {listener.fileno()}\n"
    assert launcher.list_sources() == []  # the console itself takes connections now
    launcher.close()
    assert launcher.list_sources() == []


def test_console_that_fails_at_once_is_started_again_later(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    launcher = launch(listener, "exit 3")
    connect(launcher, listener)
    wait_until(lambda: "ended with 3" in caplog.text or bool(launcher.list_sources()))
    assert "the console ended with 3 as it started" in caplog.text
    assert launcher.list_sources() == []
    wait_until(lambda: launcher.list_sources() == [listener])  # a second later
    launcher.close()


def test_console_that_ignores_the_signal_is_killed(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("flowengine.server.console_launcher.CONSOLE_GRACE_SECONDS", 0.05)
    ready = tmp_path / "ready"
    launcher = launch(listener, f"trap '' TERM; touch {ready}; while true; do sleep 0.01; done")
    connect(launcher, listener)
    wait_until(ready.exists)
    launcher.close()
    assert launcher.list_sources() == []


def test_console_that_does_not_end_to_be_restarted_is_killed(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("flowengine.server.console_launcher.CONSOLE_GRACE_SECONDS", 0.05)
    ready = tmp_path / "ready"
    launcher = launch(listener, f"trap '' TERM; touch {ready}; while true; do sleep 0.01; done")
    connect(launcher, listener)
    wait_until(ready.exists)
    launcher.restart()
    wait_until(lambda: launcher.list_sources() == [listener])  # the next browser starts another
    launcher.close()


def test_next_console_has_the_key_and_the_ended_sessions(
    listener: socket.socket, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    script = (
        f'read -r line; echo "$line" >> {given}; echo ended ab=4000000000 >&0; '
        "echo nonsense >&0; exec sleep 100"
    )
    launcher = launch(listener, script)
    for number in (1, 2):
        connect(launcher, listener)
        wait_until(lambda it=number: given.exists() and given.read_text().count("\n") == it)  # type: ignore[misc]
        launcher.restart()
        wait_until(lambda: launcher.list_sources() == [listener])
    first, second = given.read_text().splitlines()
    assert second == f"{first} ab=4000000000"
    launcher.close()


def test_taken_port_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clock = [0.0]
    monkeypatch.setattr("flowengine.server.console_launcher.time.monotonic", lambda: clock[0])
    tries: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        def open_again() -> list[socket.socket]:
            tries.append(clock[0])
            return open_listeners("127.0.0.1", port)

        launcher = ConsoleLauncher([], [], {}, open_again)
        for second in range(200):
            clock[0] = float(second)
            assert launcher.list_sources() == []
    assert tries == [2, 6, 14, 30, 62, 122, 182]
    clock[0] = 242.0
    (found,) = launcher.list_sources()
    assert found.getsockname()[1] == port
    assert f"the console listens on port {port} now" in caplog.text
    launcher.close()


@pytest.mark.parametrize(("says", "is_killed"), [("", True), ("echo ready >&0;", False)])
def test_console_that_does_not_answer_in_time_is_killed(
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    says: str,
    is_killed: bool,
) -> None:
    ready = tmp_path / "ready"
    launcher = launch(listener, f"{says} touch {ready}; exec sleep 100")
    connect(launcher, listener)
    wait_until(ready.exists)
    assert launcher.list_sources() == []
    later = time.monotonic() + 61.0
    monkeypatch.setattr("flowengine.server.console_launcher.time.monotonic", lambda: later)
    launcher.list_sources()
    monkeypatch.undo()
    assert ("does not answer, and is killed" in caplog.text) == is_killed
    launcher.close()


@pytest.mark.parametrize("handed_over", [b"", b"{}\n"])
def test_process_of_a_console_ends_with_its_supervisor_whatever_it_does(handed_over: bytes) -> None:
    """A supervisor that is killed has not read all that the console wrote: then the system reports
    a reset, and no end.
    """
    script = (
        "import os, sys, types, time\n"
        "stub = types.ModuleType('stub')\n"
        "stub.run_beside_server = lambda *_: time.sleep(1000)\n"  # it starts, for ever
        "sys.modules['flowengine.console.console_server'] = stub\n"
        "from flowengine.console.console_process import run_process\n"
        "os.write(0, b'ready\\n')\n"
        "run_process()\n"
    )
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=theirs.fileno(), stderr=subprocess.PIPE
        )
    with ours:
        ours.sendall(handed_over)
        wait_until(lambda: bool(select.select([ours], [], [], 0)[0]))
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, errors) == (0, b"")


def get_status(url: str) -> int:
    return httpx.get(url, timeout=PATIENCE_SECONDS, trust_env=False).status_code


def read_console_address(err: Path) -> str:
    found = re.search(r"console: (http://\S+)", err.read_text())
    return found[1] if found else ""


def test_console_of_a_server_comes_with_a_browser_and_ends_with_the_server(tmp_path: Path) -> None:
    write_flows(tmp_path / "flows")
    err = tmp_path / "err"
    command = [sys.executable, "-m", "flowengine", "serve", "flows", "--port", "0"]
    with err.open("wb") as written:
        server = subprocess.Popen(
            [*command, "--console", "127.0.0.1:0"], cwd=tmp_path, stderr=written
        )
    try:
        wait_until(lambda: "listening on" in err.read_text(), otherwise=err.read_text)
        address = read_console_address(err)
        before = set(list_children(server.pid))
        assert get_status(f"{address}/problems") == 200
        (console,) = set(list_children(server.pid)) - before
        assert os.getpriority(os.PRIO_PROCESS, console) == 10
        with httpx.stream(
            "GET", f"{address}/events", trust_env=False, timeout=PATIENCE_SECONDS
        ) as events:
            assert "event: project" in next(iter(events.iter_text()))
            server.terminate()
            assert server.wait(PATIENCE_SECONDS) == 0
        assert not can_connect(int(address.rpartition(":")[2]))
    finally:
        server.kill()
        server.wait()
