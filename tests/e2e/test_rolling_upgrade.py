"""Calls under way go on while servers are upgraded from the version before, and taken back to it, as
docs/operations/upgrades.md says.
"""

import json
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from flowengine.sinch.call_id import encode_call_id
from tests.e2e.ring_platform import RingPlatform
from tests.e2e.upgraded_calls import (
    FIRST_STEPS,
    SWITCH_CONFIG,
    Caller,
    Lines,
    balance,
    create_callers,
    write_flows,
)
from tests.fork_server import ROOT, run_flowengine
from tests.previous_version import lay_out_previous_version
from tests.support_line import KEY, SECRET, Server
from tests.switch.switch_process import switch
from tests.waiting import wait_until

KEYS = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}


@pytest.fixture(scope="module")
def previous_root() -> Iterator[Path]:
    with lay_out_previous_version() as root:
        yield root


def create_machine(
    folder: Path, root: Path, store: str = "", options: Sequence[str] = ()
) -> Server:
    write_flows(folder)
    return Server(folder, root=root, store=store, options=options)


def stop(server: Server) -> None:
    server.kill(signal.SIGTERM)


def run(server: Server, *arguments: str, root: Path = ROOT) -> str:
    done = run_flowengine(
        *arguments, "--store", server.store, cwd=server.folder, env=KEYS, root=root
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def take_steps(callers: Iterable[Caller], *ports: int) -> None:
    """Each caller who has not ended takes a step at each of these servers."""
    for caller in callers:
        for port in ports:
            if not caller.has_ended:
                caller.take_step(port)


def begin_calls(callers: Sequence[Caller], port: int) -> None:
    """Afterwards some callers wait in each state."""
    for number, caller in enumerate(callers):
        for _ in range(1 + number % FIRST_STEPS):
            caller.take_step(port)


def finish_calls(callers: Sequence[Caller], port: int) -> None:
    for caller in callers:
        while not caller.has_ended:
            caller.take_step(port)


def count_callbacks(server: Server, *options: str, root: Path = ROOT) -> dict[str, int]:
    """How many callbacks of each call are recorded, as a version reads it."""
    listed = json.loads(run(server, "calls", "--json", "--limit", "1000", *options, root=root))
    return {call["call"]: call["callbacks"] for call in listed}


def find_missing(counts: Iterable[dict[str, int]], callers: Iterable[Caller]) -> list[str]:
    """The calls of which journals do not have each callback once."""
    recorded = sum((Counter(one) for one in counts), Counter[str]())
    return [
        caller.line.call_id
        for caller in callers
        if recorded[caller.line.call_id] != len(caller.steps)
    ]


def forget_calls(store: str, callers: Iterable[Caller]) -> None:
    """Only the cookie knows a call of a platform that returns it."""
    keys = [(encode_call_id(one.line.call_id),) for one in callers if one.is_in_cookie]
    if store.startswith("sqlite:"):
        with closing(sqlite3.connect(store.removeprefix("sqlite:"))) as file, file:
            file.executemany("DELETE FROM calls WHERE id = ?", keys)
    else:
        with psycopg.connect(store) as connection:
            connection.cursor().executemany("DELETE FROM flowengine.calls WHERE id = %s", keys)


def test_calls_go_on_while_machines_are_upgraded_and_taken_back(
    postgresql: str, tmp_path: Path, previous_root: Path
) -> None:
    """One after the other, with the store on PostgreSQL: both versions answer meanwhile."""
    with (
        balance() as balancer,
        switch(f"http://127.0.0.1:{balancer.port}/sinch", SWITCH_CONFIG, virtual=False) as made,
    ):
        platform, options = RingPlatform(made), ["--api-url", made.url]
        old = create_machine(tmp_path / "old", previous_root, postgresql, options)
        new = create_machine(tmp_path / "new", ROOT, postgresql, options)
        running: list[Server] = []

        def start(server: Server) -> None:
            server.start()
            running.append(server)
            balancer.ports = [each.port for each in running]

        def end(server: Server) -> None:
            running.remove(server)
            balancer.ports = [each.port for each in running]
            stop(server)

        def change_over(callers: Sequence[Caller], before: Server, after: Server) -> None:
            """Calls begin on one machine, go on on both in turn, and end on the other."""
            begin_calls(callers, before.port)
            lines = Lines(platform)
            start(after)
            forget_calls(postgresql, callers)
            take_steps(callers, after.port, before.port)
            lines.answer()
            end(before)
            lines.take_call()
            finish_calls(callers, after.port)
            lines.finish()

        there, back = create_callers("there"), create_callers("back")
        try:
            start(old)
            assert run(new, "migrate", "--dry-run").count(", as needed\n") >= 3
            change_over(there, old, new)
            change_over(back, new, old)
        finally:
            for server in running:
                server.kill()
    # a version with the journal of its machine in a file, or with that of all in the database
    file = old.folder / ".flowengine" / "journal.db"
    journals = [[], ["--journal", f"sqlite:{file}"]] if file.exists() else [[]]
    callers = [*there, *back]
    wait_until(
        lambda: not find_missing([count_callbacks(new, *each) for each in journals], callers),
        otherwise=lambda: [count_callbacks(new, *each) for each in journals],
    )
    assert count_callbacks(old, root=previous_root) == count_callbacks(new, *journals[-1])


def install(version: Path, root: Path) -> None:
    """Put a version in the place of another one, as `pip install --upgrade` does."""
    root.mkdir(exist_ok=True)
    for name in ("flowengine", "schemas", "tests"):
        draft = root / "draft"
        draft.symlink_to(version / name)
        draft.replace(root / name)


def test_calls_go_on_while_a_machine_with_files_is_upgraded_in_place_and_taken_back(
    tmp_path: Path, previous_root: Path
) -> None:
    """A signal has the server go on with the version that is installed by then. A backup is there for
    the way back, where the files are upgraded.
    """
    folder, backup, root = tmp_path / "machine", tmp_path / "backup", tmp_path / "installed"
    install(previous_root, root)
    server = create_machine(folder, root)
    there, back = create_callers("there"), create_callers("back")
    server.start()
    try:
        begin_calls(there, server.port)
        told = run(server, "migrate", "--dry-run")
        is_upgraded = ": from version " in told
        take_steps(there, server.port)
        run(server, "backup", str(backup))
        install(ROOT, root)
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        wait_until(
            lambda: "another worker takes over" in read_log(server),
            otherwise=lambda: read_log(server),
        )
        finish_calls(there, server.port)
        assert is_upgraded == (run(server, "migrate", "--dry-run") != told)
        begin_calls(back, server.port)
    finally:
        stop(server)
    recorded = count_callbacks(server)
    assert not find_missing([recorded], there)
    if "journal.db: from version" not in told:
        assert count_callbacks(server, root=previous_root) == recorded
    old = create_machine(folder, previous_root)
    if is_upgraded:
        arguments = ("serve", "flows", "--store", old.store, "--port", str(old.port))
        refused = run_flowengine(*arguments, cwd=folder, env=KEYS, root=previous_root)
        assert (refused.returncode, "version" in refused.stderr) == (2, True), refused.stderr
        (folder / "away").mkdir()
        for file in folder.glob("*.db*"):
            file.rename(folder / "away" / file.name)
        run(old, "restore", str(backup))
        back = [caller for caller in back if caller.is_in_cookie]
    old.start()
    try:
        finish_calls(back, old.port)
    finally:
        stop(old)
    recorded = count_callbacks(old, root=previous_root)
    assert all(recorded[caller.line.call_id] for caller in back)


def read_log(server: Server) -> str:
    return (server.folder / "server.log").read_text()
