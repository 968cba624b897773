"""Somebody takes the journal away, or puts another one in its place, while servers write it: what
comes from then on is kept.
"""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from flowengine.journal import CallFilter, JournalWriter, SqliteJournalReader
from flowengine.journal.journal_error import JournalError
from flowengine.runtime.engine import Reply
from tests.compiled_release import compile_release
from tests.journal.journal_line import SEALER, crm, ended, files, record, recorded, ring
from tests.support_line import Line, Server

RELEASE = compile_release(files())
AWAY = "was removed or replaced"


def taken_away(path: Path) -> None:
    path.unlink()


def moved(path: Path) -> None:
    path.rename(path.with_name("old.db"))


def all_of_it(path: Path) -> None:
    for file in path.parent.glob("journal.db*"):
        file.unlink()


def another(path: Path) -> None:
    """An older copy is put back, as people do it: what lies beside stays."""
    (path.parent / "copy.db").rename(path)


async def written(path: Path, calls: int, between: Callable[[int], None]) -> None:
    """Two workers write, in turns; `between` is told how many are written."""
    replies: list[Reply] = await recorded(
        path.with_name("other.db"),
        RELEASE,
        [ended(f"call-{number}") for number in range(calls)],
        crm,
        None,
    )
    lost: list[str] = []
    writers = [
        JournalWriter(
            path,
            lambda _name: RELEASE,
            SEALER,
            lambda what, _: lost.append(what) if what == "lost" else None,
        )
        for _ in range(2)
    ]
    for writer in writers:
        writer.start()
    for number, reply in enumerate(replies):
        between(number)
        await writers[number % 2].save_record(
            reply.record, json.dumps(ended(f"call-{number}")).encode(), reply.body
        )
    await asyncio.gather(*(asyncio.to_thread(writer.close) for writer in writers))
    assert lost == []


def calls_in(path: Path) -> set[str]:
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return {call.call for call in SqliteJournalReader(path).list_calls(CallFilter())}


@pytest.mark.parametrize("how", [taken_away, moved, all_of_it, another])
def test_calls_after_a_replacement_are_in_a_file_that_can_be_found(
    tmp_path: Path, how: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    record(path, RELEASE, [ring("before")])
    shutil.copy(path, tmp_path / "copy.db")

    def between(number: int) -> None:
        if number == 20:
            how(path)

    asyncio.run(written(path, 40, between))
    assert {f"call-{number}" for number in range(20, 40)} <= calls_in(path)
    assert ("before" in calls_in(path)) is (how is another)
    assert len([line for line in caplog.messages if AWAY in line]) == 2, "once for each worker"


async def test_row_written_while_the_file_is_taken_away_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, left = tmp_path / "journal.db", [False, True]

    def leaving(*_: object) -> None:
        if left.pop():
            path.unlink()

    reply = (await recorded(tmp_path / "other.db", RELEASE, [ring()], crm, None))[0]
    writer = JournalWriter(path, lambda _name: RELEASE, SEALER, lambda *_: None)
    written = writer._storage._row_writer.write_rows
    monkeypatch.setattr(
        writer._storage._row_writer, "write_rows", lambda *given: (written(*given), leaving())[0]
    )
    writer.start()
    await writer.save_record(reply.record, json.dumps(ring()).encode(), reply.body)
    assert len(SqliteJournalReader(path).list_callbacks("call-1")) == 1
    await asyncio.to_thread(writer.close)
    assert left == []


async def test_answers_that_stood_in_the_old_file_are_written_to_the_new_one(
    tmp_path: Path,
) -> None:
    """What many callers hear is written once: a reference into the file that is gone would lead
    nowhere.
    """
    path = tmp_path / "journal.db"

    async def run() -> None:
        events = [ring(f"call-{number}") for number in range(20)]
        replies = await recorded(tmp_path / "other.db", RELEASE, events, crm, None)
        writer = JournalWriter(path, lambda _name: RELEASE, SEALER, lambda *_: None)
        writer.start()
        for number, (reply, event) in enumerate(zip(replies, events, strict=True)):
            if number == 10:
                path.unlink()
            await writer.save_record(reply.record, json.dumps(event).encode(), reply.body)
        await asyncio.to_thread(writer.close)

    await run()
    assert [call.call for call in SqliteJournalReader(path).list_calls(CallFilter())] == [
        f"call-{number}" for number in range(19, 9, -1)
    ]
    assert all(
        "For your bill press 1."
        in str(SqliteJournalReader(path).list_callbacks(f"call-{number}")[0].shown["answer"])
        for number in range(10, 20)
    )


async def test_folder_that_is_gone_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "journal.db"

    def between(number: int) -> None:
        path.parent.mkdir(exist_ok=True)
        if number == 2:
            shutil.rmtree(path.parent)
            path.parent.mkdir()

    path.parent.mkdir()
    await written(path, 4, between)
    assert {"call-2", "call-3"} <= calls_in(path)


async def test_file_that_cannot_be_written_any_more_is_opened_again(tmp_path: Path) -> None:
    """An operator copies something over the file itself, and then moves it away as the docs say."""
    path, counted = tmp_path / "journal.db", list[tuple[str, int]]()

    replies = await recorded(
        tmp_path / "other.db",
        RELEASE,
        [ended(f"call-{number}") for number in range(3)],
        crm,
        None,
    )
    writer = JournalWriter(path, lambda _name: RELEASE, SEALER, lambda *told: counted.append(told))
    writer.start()
    for number, reply in enumerate(replies):
        if number == 1:
            path.write_bytes(os.urandom(100_000))
            for name in ("journal.db-wal", "journal.db-shm"):
                (tmp_path / name).unlink()
        if number == 2:
            path.rename(tmp_path / "broken.db")
        await writer.save_record(
            reply.record, json.dumps(ended(f"call-{number}")).encode(), reply.body
        )
    await asyncio.to_thread(writer.close)
    assert "call-2" in calls_in(path)


def test_under_a_running_server(two_workers: Server) -> None:
    path = two_workers.folder / "journal.db"
    for number in range(20):
        Line(two_workers.port, f"old-{number}").ended()
    path.unlink()
    with pytest.raises(JournalError, match="there is no call journal"):
        SqliteJournalReader(path)
    for number in range(40):
        Line(two_workers.port, f"new-{number}").ended()
    assert calls_in(path) == {f"new-{number}" for number in range(40)}
    log = (two_workers.folder / "server.log").read_text()
    assert 1 <= log.count(AWAY) <= 2
    assert "Traceback" not in log
