"""What is written down of a callback, and what never is in clear."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowengine.journal import (
    CallFilter,
    JournalEncryption,
    JournalWriter,
    SqliteJournalReader,
    journal_writer,
    row_builder,
)
from flowengine.journal.journal_database import open_for_reading
from flowengine.journal.journal_row import (
    JournalRecord,
    JournalRow,
    build_row,
    find_last_exit,
    strip_own_cookie,
)
from flowengine.runtime.engine import Reply
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.states import LookupRequest, LookupResult
from tests.compiled_release import compile_release
from tests.journal.journal_line import (
    CALLER,
    FLOW,
    LINE,
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
)  # fmt: skip
from tests.waiting import wait_until_async

CONVERSATION = [ring(), press("1"), keyed("12345674"), answered(), ended()]


def journal(
    tmp_path: Path, told: str = "", events: list[dict[str, Any]] | None = None, **options: Any
) -> Path:
    path = tmp_path / "journal.db"
    record(
        path,
        compile_release(files(journal=told)),
        CONVERSATION if events is None else events,
        **options,
    )
    return path


def shown(path: Path) -> str:
    """All that people may read."""
    with closing(open_for_reading(path)) as connection:
        rows = connection.execute("SELECT readable, own, said, trace FROM rows").fetchall()
    return " ".join(text for row in rows for text in row)


async def test_thread_is_woken_once_for_all_that_share_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is awaited takes along what came before it, so the next one has all its time."""
    monkeypatch.setattr(journal_writer, "BATCH_DELAY_SECONDS", 0.3)
    release = compile_release(files())
    reply, *_ = await recorded(tmp_path / "other.db", release, [ring()], crm, SEALER)
    written: list[tuple[int, float]] = []
    writer = JournalWriter(tmp_path / "journal.db", lambda _name: release, SEALER, lambda *_: None)
    write = writer._storage.write
    monkeypatch.setattr(
        writer._storage,
        "write",
        lambda noted, lost: (written.append((len(noted), time.monotonic())), write(noted, lost))[1],
    )
    writer.start()
    note = (reply.record, json.dumps(ring()).encode(), reply.body)
    writer.enqueue_record(*note)
    await writer.save_record(*note)
    await asyncio.sleep(0.2)
    begun = time.monotonic()
    writer.enqueue_record(*note)
    await wait_until_async(lambda: len(written) == 2)
    await asyncio.to_thread(writer.close)
    assert [count for count, _ in written] == [2, 1]
    assert written[1][1] - begun > 0.25


def test_call_is_written_from_its_first_callback_to_its_last(tmp_path: Path) -> None:
    steps = SqliteJournalReader(journal(tmp_path)).list_callbacks("call-1")
    assert [(step.event, step.state, step.step, step.outcome) for step in steps] == [
        ("ice", "main", 1, "answered"), ("pie", "ask_account", 2, "answered"), ("pie", "agents", 3, "answered"),
        ("ace", "agents", 4, "answered"), ("dice", "agents", 5, "answered"),
    ]  # fmt: skip
    assert steps[2].shown["trace"][:3] == [
        "line/ask_account: next",
        "line/look_up: asks crm",
        "line/look_up: next",
    ]
    assert steps[2].shown["lookups"] == ["crm: 200"]
    assert steps[0].shown["answer"]["action"]["name"] == "runMenu"


@pytest.mark.parametrize(
    "hidden",
    [
        b"12345674",
        CALLER.encode(),
        LINE.strip("+").encode(),
        b"Ann",
        b"14045009000",
        b"1 2 3 4 5 6 7 4",
    ],
    ids=[
        "what was pressed",
        "who called",
        "what was called",
        "what a lookup told",
        "whom it reached",
        "spelled out",
    ],
)
def test_caller_numbers_and_words_are_not_in_the_file(tmp_path: Path, hidden: bytes) -> None:
    assert hidden not in written(journal(tmp_path))


def test_words_that_repeat_an_input_are_hidden(tmp_path: Path) -> None:
    told = shown(journal(tmp_path, events=[ring(), press("2"), keyed("654321")]))
    assert "Order * * * * * * is on its way to +***********" in told
    assert "For your bill press 1." in told, "what the author wrote stays readable"


def test_numbers_and_words_in_clear_leave_secrets_hidden(tmp_path: Path) -> None:
    path = journal(
        tmp_path,
        "{numbers: clear, words: clear}",
        [*CONVERSATION, ring("call-2"), press("2", "call-2"), keyed("654321", "call-2")],
    )
    told = shown(path)
    assert CALLER in told
    assert "Order 6 5 4 3 2 1 is on its way to +12015550123." in told
    assert "Hello Ann, your account is ********." in told
    assert b"12345674" not in written(path)


def test_words_are_hidden_in_other_letters_too(tmp_path: Path) -> None:
    flow = FLOW.replace(
        "say: Hello ${vars.name},", "say: Dear ${upper(vars.name)} or ${lower(vars.name)},"
    )

    async def lookup(_request: LookupRequest, _left: float) -> LookupResult:
        return LookupResult(200, {"name": "Ann-Marie; Öst"})

    path = tmp_path / "journal.db"
    record(
        path, compile_release(files(flow)), [ring(), press("1"), keyed("12345674")], fetch=lookup
    )
    assert "Dear ***-***, *** or ***-***, ***, your" in shown(path)


def test_rejected_input_for_a_secret_is_hidden(tmp_path: Path) -> None:
    path = journal(tmp_path, "{numbers: clear, words: clear}", [ring(), press("1"), keyed("4711")])
    assert b"4711" not in written(path)
    assert '"value":"1"' in shown(path), "other keys stay readable"


def test_with_words_in_clear_numbers_stay_masked(tmp_path: Path) -> None:
    told = shown(journal(tmp_path, "{words: clear}", [ring(), press("2"), keyed("654321")]))
    assert CALLER not in told
    assert '"cli":"+*********23"' in told
    assert '"value":"654321"' in told


@pytest.mark.parametrize(
    ("told", "options"),
    [("{replay: false}", {}), ("", {"sealer": None})],
    ids=["not wanted", "no key"],
)
def test_content_is_not_sealed_where_it_is_not_wanted_or_cannot_be(
    tmp_path: Path, told: str, options: dict[str, Any]
) -> None:
    rows = (
        sqlite3.connect(journal(tmp_path, told, **options))
        .execute("SELECT sealed FROM callbacks")
        .fetchall()
    )
    assert rows == [(None,)] * len(CONVERSATION)


def test_sealed_content_opens_for_its_own_call_and_key_only() -> None:
    sealed = SEALER.seal(b"content", b"call-1")
    assert SEALER.open(sealed, b"call-1") == b"content"
    assert SEALER.open(sealed, b"call-2") is None
    assert JournalEncryption(["another"]).open(sealed, b"call-1") is None
    assert JournalEncryption(["another", "the secret"]).open(sealed, b"call-1") == b"content"
    assert SEALER.open(b"short", b"call-1") is None


def test_repeated_delivery_has_one_row_even_if_only_the_repetition_was_written(
    tmp_path: Path,
) -> None:
    """The worker that answered first may have died between the two commits, of the call's state and
    of the journal.
    """
    release, path = compile_release(files()), tmp_path / "journal.db"
    record(path, release, [ring(), ended(), ended()])
    assert [step.outcome for step in SqliteJournalReader(path).list_callbacks("call-1")] == [
        "answered",
        "answered",
    ]

    async def second_worker() -> None:
        reply: Reply = (
            await recorded(tmp_path / "lost.db", release, [ring(), ended(), ended()], crm, None)
        )[2]
        assert reply.record.repeated
        writer = JournalWriter(
            tmp_path / "journal.db", lambda _release: release, None, lambda *_: None
        )
        writer.start()
        body = json.dumps(ended("call-2")).encode()
        for _ in range(2):
            await writer.save_record(reply.record, body, reply.body)
        await asyncio.to_thread(writer.close)

    asyncio.run(second_worker())
    assert [step.outcome for step in SqliteJournalReader(path).list_callbacks("call-1")] == [
        "answered",
        "answered",
        "repeated",
    ]


def test_calls_are_found_by_time_release_and_outcome(tmp_path: Path) -> None:
    broken = FLOW.replace("say: Welcome.", 'say: "${10 / size(vars.name)}"')
    release, path = compile_release(files()), tmp_path / "journal.db"
    record(path, release, [ring("good"), press("0", "good"), answered("good"), ended("good")])
    record(path, compile_release(files(broken)), [ring("bad"), ended("bad", seconds=1)])
    reader = SqliteJournalReader(path)
    assert [(call.call, call.outcome) for call in reader.list_calls(CallFilter())] == [
        ("bad", "apology"),
        ("good", "answered"),
    ]
    assert [call.call for call in reader.list_calls(CallFilter(outcome="apology"))] == ["bad"]
    assert [call.call for call in reader.list_calls(CallFilter(release=release.id))] == ["good"]
    assert [call.call for call in reader.list_calls(CallFilter(limit=1))] == ["bad"]
    assert reader.list_calls(CallFilter(since=time.time() + 1e9)) == []
    good = reader.list_calls(CallFilter(release=release.id))[0]
    assert (good.callbacks, good.seconds, good.reason, good.ended, good.exit) == (
        4,
        20,
        "callerhangup",
        True,
        "line/main: key 0",
    )


def test_answer_that_many_callers_hear_is_written_once(tmp_path: Path) -> None:
    path = journal(tmp_path, events=[ring(f"call-{number}") for number in range(100)])
    assert written(path).count(b"For your bill press 1.") <= 4 * 2, (
        "in its two menus, when it came for the first and the second time"
    )
    (step,) = SqliteJournalReader(path).list_callbacks("call-99")
    assert "For your bill press 1." in str(step.shown["answer"])


def test_old_calls_are_dropped_and_new_ones_stay(tmp_path: Path) -> None:
    release, path = compile_release(files()), tmp_path / "journal.db"
    record(path, release, [ring(f"old-{number}") for number in range(1200)])

    async def purged(before: float) -> None:
        writer = JournalWriter(path, lambda _release: release, None, lambda *_: None)
        writer._storage._retention.purge_before(before)
        writer.start()
        await asyncio.to_thread(writer.close)

    last = sqlite3.connect(path).execute("SELECT max(at) FROM callbacks").fetchone()[0]
    asyncio.run(purged(last))
    assert [call.call for call in SqliteJournalReader(path).list_calls(CallFilter())] == [
        "old-1199"
    ]


def test_journal_that_is_not_wanted_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"\[\]"):
        record(
            tmp_path / "journal.db", compile_release(files(journal="{keep: none}")), CONVERSATION
        )
    assert not list(tmp_path.iterdir()), "not even a file"


async def test_written_calls_are_deleted_when_the_journal_is_not_wanted_any_more(
    tmp_path: Path,
) -> None:
    path = await asyncio.to_thread(journal, tmp_path)

    writer = JournalWriter(
        path,
        lambda _release: compile_release(files(journal="{keep: none}")),
        SEALER,
        lambda *_: None,
    )
    writer.start()
    await asyncio.to_thread(writer.close)
    assert SqliteJournalReader(path).list_calls(CallFilter()) == []


async def test_call_is_kept_or_not_by_its_own_release(tmp_path: Path) -> None:
    path, (kept, other) = (
        tmp_path / "journal.db",
        (compile_release(files(journal=told)) for told in ("", "{keep: none}")),
    )

    replies = [
        (await recorded(tmp_path / f"{release.id}.db", kept, [ring(release.id)], crm, SEALER))[0]
        for release in (kept, other)
    ]
    writer = JournalWriter(
        path, {kept.id: kept, other.id: other, "": kept}.__getitem__, SEALER, lambda *_: None
    )
    writer.start()
    for reply, release in zip(replies, (kept, other), strict=True):
        writer.enqueue_record(
            msgspec.structs.replace(reply.record, release=release.id, located=None),
            b"{}",
            reply.body,
        )
    await asyncio.to_thread(writer.close)
    assert [call.call for call in SqliteJournalReader(path).list_calls(CallFilter())] == [kept.id]


@pytest.mark.parametrize("what", ["a folder in its place", "another file in its place"])
async def test_journal_that_cannot_be_written_costs_no_call_and_is_logged_once(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    if what.startswith("a folder"):
        path.mkdir()
    else:
        path.write_bytes(b"no database" * 1000)
    counted: list[tuple[str, int]] = []

    reply = (
        await recorded(
            tmp_path / "other.db", compile_release(files()), [ring(), ended()], crm, None
        )
    )[1]
    writer = JournalWriter(
        path,
        lambda _release: compile_release(files()),
        None,
        lambda what, rows: counted.append((what, rows)),
    )
    writer.start()
    for number in range(3):
        await writer.save_record(reply.record, str(number).encode(), reply.body)
    await asyncio.to_thread(writer.close)
    assert sum(rows for what, rows in counted if what == "lost") == 3
    assert (
        len([line for line in caplog.messages if "not written to the call journal" in line]) == 1
    ), "said once, not each time"


def test_callback_that_cannot_be_written_does_not_cost_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def hostile(request: LookupRequest, left: float) -> LookupResult:
        return (
            LookupResult(200, {"name": object()})
            if request.method == "GET"
            else await crm(request, left)
        )

    path, release = tmp_path / "journal.db", compile_release(files())
    with pytest.raises(AssertionError, match="lost"):
        record(path, release, CONVERSATION, fetch=hostile)
    assert [step.event for step in SqliteJournalReader(path).list_callbacks("call-1")] == [
        "ice",
        "pie",
        "ace",
        "dice",
    ]
    assert "is not in the call journal" in caplog.text


def test_value_that_sqlite_refuses_costs_its_own_row_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(record: JournalRecord, *more: Any) -> JournalRow:
        made = build_row(record, *more)
        return (
            msgspec.structs.replace(made, step=2**70)
            if record.record.event.call_id == "call-2"
            else made
        )

    monkeypatch.setattr(row_builder, "build_row", build)
    path = tmp_path / "journal.db"
    with pytest.raises(AssertionError, match="lost"):
        record(path, compile_release(files()), [ring(f"call-{number}") for number in range(5)])
    rows = [len(SqliteJournalReader(path).list_callbacks(f"call-{number}")) for number in range(5)]
    assert rows == [1, 1, 0, 1, 1]
    assert "of call call-2 is not in the call journal" in caplog.text


def test_cookie_in_an_answer_is_left_out() -> None:
    cookie = b'{"name":"setCookie","key":"fe","value":"12.ab-_c"}'
    assert (
        strip_own_cookie(b'{"instructions":[' + cookie + b'],"action":{"name":"hangup"}}')
        == b'{"action":{"name":"hangup"}}'
    )
    said = b'{"name":"say","text":"a"}'
    assert (
        strip_own_cookie(b'{"instructions":[' + said + b"," + cookie + b'],"action":1}')
        == b'{"instructions":[' + said + b'],"action":1}'
    )


@pytest.mark.parametrize(
    ("exit_taken", "trace"),
    [
        ("f/main: key 1", ["main: key 1", "say: next", "agents: answers"]),
        ("f/say: next", ["say: next", "main: answers"]),
        (
            "f/look: on 404",
            ["ask: next", "look: asks crm", "look: on 404", "main: answers", "main: no match"],
        ),
        ("f/say: error", ["say: failed: 1 is no date", "say: error", "sorry: answers"]),
        ("", ["main: answers"]),
        ("", ["say: failed: x", "say: apology", "say: answers"]),
    ],
)
def test_last_exit_is_the_one_that_says_most(exit_taken: str, trace: list[str]) -> None:
    assert find_last_exit([TraceEntry("f", *line.split(": ", 1)) for line in trace]) == exit_taken


async def test_enqueued_records_wait_in_memory_and_no_caller_waits_for_the_disk(
    tmp_path: Path,
) -> None:
    release = compile_release(files())
    reply = (await recorded(tmp_path / "other.db", release, [ring()], crm, None))[0]
    writer = JournalWriter(tmp_path / "journal.db", lambda _release: release, None, lambda *_: None)
    for _ in range(1_000):
        writer.enqueue_record(reply.record, b"", reply.body)
    assert not (tmp_path / "journal.db").exists()
    assert JournalRecord._fields == ("record", "body", "answer")


def test_notes_of_a_trace_are_no_exits() -> None:
    note = TraceEntry("f", "look", "fetch failed: status 500", is_note=True)
    assert find_last_exit(
        [TraceEntry("f", "look", "failed"), note, TraceEntry("f", "x", "answers")]
    ) == ("f/look: failed")
