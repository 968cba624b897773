"""The journal of a real server process, over real HTTP, as its operator finds it."""

import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import httpx
import pytest

from flowengine.journal import CallFilter, SqliteJournalReader
from tests.support_line import READER, Line, Server
from tests.waiting import PATIENCE_SECONDS, wait_until


def whole_call(server: Server, name: str) -> None:
    line = Line(server.port, name)
    line.ring()
    line.press("1")
    line.press("12345674", "sequence")
    line.answered()
    line.ended()


def metric(server: Server, name: str) -> float:
    text = httpx.get(
        f"http://127.0.0.1:{server.port}/metrics",
        headers=READER,
        timeout=PATIENCE_SECONDS,
        trust_env=False,
    ).text
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)
    )


@pytest.mark.parametrize("workers", [2])
def test_acknowledged_dice_is_not_lost_when_the_server_is_killed(
    support_line_folder: Path, workers: int
) -> None:
    server = Server(support_line_folder, workers=workers)
    server.start()
    acknowledged: list[str] = []

    def calling(lane: int) -> None:
        with suppress(httpx.HTTPError):  # the server is gone
            for number in count():
                whole_call(server, f"call-{lane}-{number}")
                acknowledged.append(f"call-{lane}-{number}")

    with ThreadPoolExecutor(6) as callers:
        for lane in range(6):
            callers.submit(calling, lane)
        while len(acknowledged) < 40:
            time.sleep(0.01)
        server.kill()
    server.start()  # what was written under load becomes rows now, whoever wrote it
    server.kill(signal.SIGTERM)
    found = {
        call.call
        for call in SqliteJournalReader(support_line_folder / "journal.db").list_calls(CallFilter())
        if call.ended
    }
    assert set(acknowledged) <= found


def test_dice_delivered_again_after_a_kill_is_recorded_once(support_line_folder: Path) -> None:
    server = Server(support_line_folder)
    server.start()
    line = Line(server.port, "call-1")
    line.ring()
    line.ended()
    server.kill()
    server.start()
    try:
        line.redeliver()
    finally:
        server.kill(signal.SIGTERM)
    assert [
        step.event
        for step in SqliteJournalReader(support_line_folder / "journal.db").list_callbacks("call-1")
    ] == ["ice", "dice"]


def test_without_a_store_there_is_a_journal_all_the_same_and_nothing_is_in_clear(
    support_line_folder: Path,
) -> None:
    server = Server(support_line_folder, store="none")
    server.start()
    whole_call(server, "call-1")
    server.kill(signal.SIGTERM)
    assert (
        len(
            SqliteJournalReader(support_line_folder / ".flowengine" / "journal.db").list_callbacks(
                "call-1"
            )
        )
        == 5
    )
    written = b"".join(
        file.read_bytes() for file in (support_line_folder / ".flowengine").glob("journal.db*")
    )
    for hidden in (
        b"12015555555",
        b"2017777777",
        b"12345674",
        b"Ann; Lee",
        b"BeIukql3pTKJ8RGL5zo0DA",
    ):
        assert hidden not in written
    assert (support_line_folder / ".flowengine" / "journal.db").stat().st_mode & 0o777 == 0o600


def test_journal_rows_are_counted_and_a_journal_that_fails_costs_no_call(
    support_line_folder: Path,
) -> None:
    server = Server(support_line_folder)
    server.start()
    try:
        whole_call(server, "call-1")
        assert metric(server, 'flowengine_journal_rows_total{outcome="kept"}') == 5
    finally:
        server.kill(signal.SIGTERM)
    for file in support_line_folder.glob("journal.db*"):
        file.unlink()
    path = support_line_folder / "journal.db"
    path.mkdir()
    server.start()
    try:
        whole_call(server, "call-2")
        wait_until(lambda: metric(server, "flowengine_journal_waiting") == 5)
        path.rmdir()
        wait_until(lambda: metric(server, 'flowengine_journal_rows_total{outcome="kept"}') == 5)
        wait_until(lambda: metric(server, "flowengine_journal_waiting") == 0)
        path.unlink()
        path.mkdir()
        whole_call(server, "call-3")
    finally:
        server.kill(signal.SIGTERM)
    log = (support_line_folder / "server.log").read_text()
    assert "callbacks wait to be written to the call journal: " in log
    assert "not written to the call journal: " in log


def test_readers_see_a_call_while_it_lasts(support_line_folder: Path) -> None:
    server = Server(support_line_folder)
    server.start()
    try:
        Line(server.port, "call-1").ring()
        Line(server.port, "call-2").ended()
        (call,) = [
            call
            for call in SqliteJournalReader(support_line_folder / "journal.db").list_calls(
                CallFilter()
            )
            if call.call == "call-1"
        ]
        assert (call.ended, call.exit) == (False, "support-line/welcome: next")
    finally:
        server.kill(signal.SIGTERM)
    assert sqlite3.connect(support_line_folder / "journal.db").execute(
        "PRAGMA integrity_check"
    ).fetchall() == [("ok",)]
