"""Somebody deletes the files of a running server: calls go on, also on a worker that is started
anew, and new ones begin.
"""

import os
import signal
import sqlite3
from itertools import count

import httpx
import pytest

from tests.server.server_process import list_workers
from tests.support_line import Line, Server, said
from tests.waiting import PATIENCE_SECONDS, wait_until

WORDS = "Please enter your account number."


@pytest.fixture
def served(two_workers: Server) -> Server:
    wait_until(lambda: log(two_workers).count("startup complete") == 2)
    return two_workers


def log(server: Server) -> str:
    return (server.folder / "server.log").read_text()


def ready(server: Server) -> str:
    return httpx.get(
        f"http://127.0.0.1:{server.port}/readyz", timeout=PATIENCE_SECONDS, trust_env=False
    ).text


def a_worker_dies(server: Server) -> None:
    assert server.process is not None
    started = log(server).count("startup complete")
    os.kill(list_workers(server.process.pid)[0], signal.SIGKILL)
    wait_until(lambda: log(server).count("startup complete") == started + 1)


def test_deleted_store_is_made_again_and_calls_go_on(served: Server) -> None:
    lines = [Line(served.port, f"call-{number}", echo=False) for number in range(10)]
    for line in lines:
        line.ring()
    (served.folder / "calls.db").unlink()
    wait_until(lambda: log(served).count("calls under way go on in a new file") == 2)
    assert all(WORDS in said(line.press("1")) for line in lines)
    a_worker_dies(served)
    assert all("Hello Ann" in said(line.press("12345674", "sequence")) for line in lines)
    assert ready(served) == "ready\n"
    assert sqlite3.connect(served.folder / "calls.db").execute(
        "SELECT count(*) FROM calls"
    ).fetchone() == (10,)
    assert "Traceback" not in log(served)


def test_deleted_store_that_cannot_be_made_again_keeps_calls_going(served: Server) -> None:
    """Those with a cookie, and those on the workers that have the old file open, go on."""
    line = Line(served.port, "call", echo=False)
    line.ring()
    (served.folder / "calls.db").unlink()
    (served.folder / "calls.db").mkdir()
    wait_until(
        lambda: (
            "calls.db was taken away under the running server, and cannot be made anew"
            in ready(served)
        )
    )
    assert WORDS in said(line.press("1"))
    wait_until(lambda: "see that the folder is there and can be written" in log(served))
    (served.folder / "calls.db").rmdir()
    wait_until(lambda: log(served).count("calls under way go on in a new file") == 2)
    wait_until(lambda: ready(served) == "ready\n")  # each worker repeats what it found for a second
    assert "Hello Ann" in said(line.press("12345674", "sequence"))


def test_deleted_archive_is_restored_with_its_ledger(served: Server) -> None:
    """With all that was live, and who changed it when."""
    line = Line(served.port, "call", echo=False)
    line.ring()
    before = changes(served)
    (served.folder / "releases.db").unlink()
    wait_until(lambda: "has been put back" in log(served))
    assert changes(served) == before != []
    assert (served.folder / "releases.db").stat().st_mode & 0o777 == 0o600
    a_worker_dies(served)
    flow = served.folder / "flows" / "support-line.yaml"
    flow.write_text(flow.read_text().replace("Thank you for calling Acme", "Welcome back"))
    wait_until(lambda: len(changes(served)) > len(before))
    new = count()  # a call stays on the release that it began on
    wait_until(
        lambda: all(
            "Welcome back" in said(Line(served.port, f"new-{next(new)}").ring()) for _ in range(4)
        )
    )
    assert WORDS in said(line.press("1"))
    assert "Traceback" not in log(served)


def changes(server: Server) -> list[tuple[object, ...]]:
    found = (
        sqlite3.connect(server.folder / "releases.db")
        .execute("SELECT number, at, who, what, release FROM changes")
        .fetchall()
    )
    assert sqlite3.connect(server.folder / "releases.db").execute(
        "PRAGMA integrity_check"
    ).fetchall() == [("ok",)]
    return found
