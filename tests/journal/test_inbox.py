"""Under load callbacks are kept as they are, sealed, and become rows later: none is lost, none is
readable, and the rows are the same.
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.cli.canary import format_figures
from flowengine.compile import Release
from flowengine.journal import JournalEncryption, JournalReader, JournalWriter, deferred_rows
from flowengine.journal.journal_database import JournalError
from flowengine.journal.journal_row import JournalRow
from flowengine.releases.release_overview import Canary, build_journal_counter, compare_canary
from flowengine.runtime.engine import Reply
from tests.compiled_release import compile_release
from tests.journal.journal_line import (
    CALLER,
    SEALER,
    answered,
    crm,
    ended,
    files,
    keyed,
    press,
    record,
    recorded,
    ring,
    written,
)
from tests.waiting import wait_until_async

CONVERSATION = [ring(), press("1"), keyed("12345674"), answered(), ended()]
RELEASE = compile_release(files())


@pytest.fixture(autouse=True)
def _always_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred_rows, "BUSY_PER_SECOND", -1.0)


def begun(path: Path, sealer: JournalEncryption = SEALER, **options: Any) -> JournalWriter:
    made = JournalWriter(
        path,
        lambda _name: options.get("current", RELEASE),
        sealer,
        lambda *_: None,
        options.get("load"),
    )
    made._deferred_rows._is_busy = True  # from the first moment on
    made.start()
    return made


async def stowed(path: Path, replies: list[Reply], events: list[dict[str, Any]]) -> JournalWriter:
    """A writer that has written these, and is still too busy to make rows of them: as good as
    killed.
    """
    busy = begun(path)
    for reply, event in zip(replies, events, strict=True):
        await busy.save_record(reply.record, json.dumps(event).encode(), reply.body)
    return busy


async def gone(busy: JournalWriter) -> None:
    """The end of a killed process, as far as its file goes: it writes no more."""
    busy._deferred_rows._encryption = None
    await asyncio.to_thread(busy.close)


def killed(
    path: Path,
    events: list[dict[str, Any]],
    release: Release = RELEASE,
    look: Callable[[], None] = lambda: None,
    **options: Any,
) -> list[Reply]:
    """These are acknowledged, the process is killed, and another one starts and ends."""

    async def run() -> list[Reply]:
        replies = await recorded(path.with_name("other.db"), release, events, crm, None)
        await gone(await stowed(path, replies, events))
        look()
        restarted = begun(path, **options)
        restarted._deferred_rows._is_busy = False
        if options.get("load"):
            restarted._deferred_rows._is_pressed = True
            await wait_until_async(lambda: not JournalReader(path).count_waiting())
        await asyncio.to_thread(restarted.close)
        return replies

    return asyncio.run(run())


def waiting(path: Path) -> int:
    try:
        return JournalReader(path).count_waiting()
    except JournalError:  # it is being made
        return 0


def rows(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as file:
        found = file.execute(
            f"SELECT {', '.join(JournalRow._fields)} FROM callbacks ORDER BY number"
        ).fetchall()
    return [dict(zip(JournalRow._fields, row, strict=True)) for row in found]


def test_rows_are_the_same_whether_they_had_to_wait_or_not(tmp_path: Path) -> None:
    late, soon = tmp_path / "late.db", tmp_path / "soon.db"
    replies = killed(late, CONVERSATION)

    async def at_once() -> None:
        made = JournalWriter(soon, lambda _name: RELEASE, SEALER, lambda *_: None)
        made.start()
        for reply, event in zip(replies, CONVERSATION, strict=True):
            await made.save_record(reply.record, json.dumps(event).encode(), reply.body)
        await asyncio.to_thread(made.close)

    asyncio.run(at_once())
    first, second = rows(late), rows(soon)
    opened = [
        [SEALER.open(row.pop("sealed"), row["call"]) for row in found] for found in (first, second)
    ]
    assert opened[0] == opened[1]
    assert all(content is not None for content in opened[0])
    assert first == second
    assert len(first) == len(CONVERSATION)


def test_inbox_can_be_read_by_nobody_and_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    def look() -> None:
        assert (len(rows(path)), JournalReader(path).count_waiting()) == (0, len(CONVERSATION))
        for hidden in (b"12345674", CALLER.encode(), b"Ann", b"Welcome.", b"call-1", b"ice"):
            assert hidden not in written(path)
        told = CliRunner().invoke(main, ["calls", "--store", f"sqlite:{tmp_path / 'calls.db'}"])
        assert "5 callbacks are not among these yet" in told.stderr

    killed(path, CONVERSATION, look=look)
    assert JournalReader(path).count_waiting() == 0
    assert [step.event for step in JournalReader(path).list_callbacks("call-1")] == [
        "ice",
        "pie",
        "pie",
        "ace",
        "dice",
    ]
    for hidden in (b"12345674", CALLER.encode(), b"Ann"):
        assert hidden not in written(path)


def test_inbox_that_no_key_opens_waits_for_its_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    killed(path, CONVERSATION, sealer=JournalEncryption(["another"]))
    assert rows(path) == []
    assert "that no key opens" in caplog.text
    record(path, RELEASE, [ring("call-2")])
    assert sorted(row["call"] for row in rows(path)) == [b"call-1"] * 5 + [b"call-2"]


@pytest.mark.parametrize("known", [True, False], ids=["it can be had", "it is gone"])
def test_inbox_is_redacted_by_its_own_release_after_a_restart_on_another(
    tmp_path: Path, known: bool
) -> None:
    """The current release shows everything in clear, and its flow has no secrets."""
    path, asked = tmp_path / "journal.db", []
    plain = {
        name: content.replace(b", secret: true", b"")
        for name, content in files(journal="{numbers: clear, words: clear}").items()
    }

    async def load(name: str) -> Release | None:
        asked.append(name)
        return RELEASE if known else None

    killed(path, CONVERSATION, current=compile_release(plain), load=load)
    assert set(asked) == {RELEASE.id}
    assert len(rows(path)) == len(CONVERSATION)
    for hidden in (b"12345674", CALLER.encode(), b"Ann"):
        assert hidden not in written(path)


async def test_rows_stand_in_the_order_in_which_callbacks_came(tmp_path: Path) -> None:
    """Whoever is not busy any more does not overtake what still waits."""
    path = tmp_path / "journal.db"

    replies = await recorded(tmp_path / "other.db", RELEASE, CONVERSATION, crm, None)
    bodies = [json.dumps(event).encode() for event in CONVERSATION]
    made = await stowed(path, replies[:2], CONVERSATION[:2])
    for reply, body in zip(replies[2:], bodies[2:], strict=True):
        made._deferred_rows._is_busy = False
        await made.save_record(reply.record, body, reply.body)
    await asyncio.to_thread(made.close)
    assert [row["event"] for row in rows(path)] == ["ice", "pie", "pie", "ace", "dice"]


async def test_inbox_entry_that_cannot_be_written_does_not_cost_the_others(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    replies = await recorded(tmp_path / "other.db", RELEASE, CONVERSATION, crm, None)
    replies[2].record.names["vars.name"] = object()  # type: ignore[index]
    busy = await stowed(path, replies, CONVERSATION)
    await asyncio.to_thread(busy.close)
    assert {row["event"] for row in rows(path)} == {"ice", "pie", "ace", "dice"}


async def test_writer_closed_after_its_last_look_at_the_inbox_makes_the_rows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"

    replies = await recorded(tmp_path / "other.db", RELEASE, [ring()], crm, None)
    busy = begun(path)
    looked = threading.Event()
    busy._retention.purge_if_due = lambda: (looked.set(), busy._closing.wait())  # type: ignore[method-assign, assignment, return-value]
    await busy.save_record(replies[0].record, json.dumps(ring()).encode(), replies[0].body)
    await asyncio.to_thread(looked.wait)
    await asyncio.to_thread(busy.close)
    assert [row["event"] for row in rows(path)] == ["ice"]


async def test_inbox_shared_by_two_workers_makes_each_row_once(tmp_path: Path) -> None:
    path, events = tmp_path / "journal.db", [ring(f"call-{number}") for number in range(600)]

    async def run() -> None:
        replies = await recorded(tmp_path / "other.db", RELEASE, events, crm, None)
        busy = begun(path)
        for reply, event in zip(replies, events, strict=True):
            busy.enqueue_record(reply.record, json.dumps(event).encode(), reply.body)
        await wait_until_async(lambda: waiting(path) == len(events))
        others = [begun(path), begun(path)]
        await asyncio.gather(*(asyncio.to_thread(one.close) for one in (busy, *others)))

    await run()
    assert sorted(row["call"] for row in rows(path)) == sorted(
        event["callid"].encode() for event in events
    )


def test_figures_of_a_canary_tell_what_they_lack(tmp_path: Path) -> None:
    path, found = tmp_path / "journal.db", []

    def look() -> None:
        side = compare_canary(
            Canary(0.0, RELEASE.id, "candidate", 0.1), build_journal_counter(path)
        )
        found.extend(
            [
                side.waiting,
                side.figures[RELEASE.id].calls,
                next(line for line in format_figures(side) if "not among" in line),
            ]
        )

    killed(path, CONVERSATION, look=look)
    assert found[:2] == [5, 0]
    assert found[2].startswith("5 callbacks are not among these yet")
    side = compare_canary(Canary(0.0, RELEASE.id, "candidate", 0.1), build_journal_counter(path))
    assert (side.waiting, side.figures[RELEASE.id].calls) == (0, 1)
    assert not [line for line in format_figures(side) if "not among" in line]
