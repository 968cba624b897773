"""A server that several machines share: what happens while others write, and while the server or
the way to it fails.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from flowengine.storage.sessions import (
    OrchestrationChange,
    SavedAgent,
    SavedCall,
    SavedOrchestration,
    Store,
    StoreError,
    open_store,
)
from flowengine.storage.sessions.pipelined_connection import PipelinedConnection
from flowengine.storage.sessions.store_circuit import StoreCircuit
from flowengine.storage.sessions.store_url import redact_password
from tests.runtime.engine_calls import Phone, engine
from tests.waiting import PATIENCE_SECONDS

psycopg = pytest.importorskip("psycopg")
LATER = 2e9
STEP = SavedCall(1, b"state", b"digest", b"answer", 1.0)
SAVES_THE_SAME = """
import asyncio, json, sys
from random import Random
from flowengine.storage.sessions import SavedCall, open_store, postgresql_store

# a ring of locks is found by PostgreSQL, and said to be one, after a second of its own
postgresql_store.STATEMENT_TIMEOUT_SECONDS = 30.0

async def main(address, name):
    store, stored, calls = open_store(address), {}, list(range(400))
    Random(name).shuffle(calls)
    async def save(call):
        for counter in (1, 2):
            kept = await store.save(f"{call}", SavedCall(counter, b"state", name.encode(), name.encode() * 500, 1.0), 2e9)
        stored[call] = kept.deliveries.decode()
    sys.stdin.read(1)
    for start in range(0, 400, 100):
        await asyncio.gather(*map(save, calls[start : start + 100]))
    await store.close()
    print(json.dumps(stored, sort_keys=True))

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def opened_store(address: str) -> AsyncIterator[Store]:
    store = open_store(address)
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def asking(address: str) -> Iterator[Any]:
    """The server, asked by somebody else."""
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def cut_off(address: str) -> None:
    """As when the server is started anew."""
    with asking(address) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
            "'flowengine'"
        )


async def test_saves_of_one_moment_are_one_transaction(postgresql: str) -> None:
    async with opened_store(postgresql) as store:
        await store.save("warm", STEP, LATER)
        await asyncio.gather(*(store.save(f"call {n}", STEP, LATER) for n in range(64)))
    with asking(postgresql) as other:
        groups = other.execute(
            "SELECT count(*) FROM flowengine.calls GROUP BY xmin::text ORDER BY 1"
        ).fetchall()
    assert groups == [(1,), (64,)]


async def test_failing_statement_fails_those_of_its_moment_and_nothing_else(
    postgresql: str,
) -> None:
    async with opened_store(postgresql) as store:
        too_big = replace(STEP, counter=2**63)
        failed = await asyncio.gather(
            store.save("a", STEP, LATER), store.save("b", too_big, LATER), return_exceptions=True
        )
        assert [type(failure) for failure in failed] == [StoreError, StoreError]
        assert await store.load("a") is None
        assert await store.save("a", STEP, LATER) is STEP


async def test_repeated_ice_is_recognised_on_each_machine(postgresql: str) -> None:
    async with opened_store(postgresql) as store:
        other = open_store(postgresql)
        phones = [Phone(engine(store)), Phone(engine(other))]
        body = phones[0].body("ice", cli="467", to={"type": "did", "endpoint": "1"})
        replies = [await phone.send(body) for phone in (*phones, *phones)]
        await other.close()
        assert [reply.record.repeated for reply in replies] == [False, True, True, True]
        assert len({reply.body for reply in replies}) == 1


async def test_store_goes_on_after_the_server_was_restarted(postgresql: str) -> None:
    async with opened_store(postgresql) as store:
        for counter in range(1, 6):
            kept = replace(STEP, counter=counter)
            assert await store.save("a", kept, LATER) is kept
            cut_off(postgresql)
            assert await store.load("a") == kept


async def test_save_that_waits_for_a_lock_fails_in_time_and_the_store_works_again(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "flowengine.storage.sessions.postgresql_store.STATEMENT_TIMEOUT_SECONDS", 0.2
    )

    async with opened_store(postgresql) as store:
        await store.save("a", STEP, LATER)
        with psycopg.connect(postgresql) as other:
            other.execute("UPDATE flowengine.calls SET expires = 0")
            with pytest.raises(StoreError, match=r"within 0\.2 seconds|statement timeout"):
                await store.save("a", replace(STEP, counter=2), LATER)
            assert await store.load("a") == STEP, "readers do not wait"
            other.rollback()
        kept = replace(STEP, counter=3)
        assert await store.save("a", kept, LATER) is kept


def advance(saved: SavedOrchestration | None, _: object) -> tuple[OrchestrationChange, int]:
    version = saved.version + 1 if saved else 1
    made = SavedOrchestration("a", "ring", "r", version, b"", LATER)
    return OrchestrationChange("a", made), version


async def test_turns_go_on_after_the_server_was_restarted(postgresql: str) -> None:
    async with opened_store(postgresql) as store:
        assert store.orchestrations
        for version in range(1, 5):
            await asyncio.gather(
                *(
                    store.orchestrations.take_turn(name, lambda _: (), lambda *_: (None, None))
                    for name in "bcde"
                )
            )
            cut_off(postgresql)
            assert await store.orchestrations.take_turn("a", lambda _: (), advance) == version


async def test_turn_that_waits_for_a_lock_fails_in_time_and_holds_up_no_save(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "flowengine.storage.sessions.postgresql_store.STATEMENT_TIMEOUT_SECONDS", 0.3
    )
    async with opened_store(postgresql) as store:
        assert store.orchestrations
        take_turn = store.orchestrations.take_turn
        await take_turn("a", lambda _: (), advance)
        with psycopg.connect(postgresql) as other:
            other.execute("UPDATE flowengine.orchestrations SET expires = 0")
            turn = asyncio.ensure_future(take_turn("a", lambda _: (), advance))
            await asyncio.sleep(0.05)
            assert await store.save("a", STEP, LATER) is STEP
            with pytest.raises(StoreError, match=r"within 0\.3 seconds|statement timeout"):
                await turn
            other.rollback()
        assert await take_turn("a", lambda _: (), advance) == 2


async def test_turns_that_list_agents_in_any_order_never_wait_in_a_ring(postgresql: str) -> None:
    names = [f"agent {n}" for n in range(6)]

    async def take_turn(store: Store, ring: str, version: int, order: list[str]) -> None:
        agents = tuple(SavedAgent(name, "", float(version), 0.0) for name in order)
        saved = SavedOrchestration(ring, "ring", "r", version, b"", LATER)
        change = OrchestrationChange(ring, saved, agents=agents)
        assert store.orchestrations
        await store.orchestrations.take_turn(ring, lambda _: order, lambda *_: (change, None))

    async def take_turns(store: Store, start: int) -> None:
        for turn in range(20):
            first = (start + turn) % 6
            await take_turn(store, f"{start}", turn + 1, names[first:] + names[:first])

    async with opened_store(postgresql) as store, opened_store(postgresql) as other:
        await asyncio.gather(*(take_turns((store, other)[n % 2], n) for n in range(6)))
    with asking(postgresql) as connection:
        (deadlocks,) = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert deadlocks == 0


def test_machines_that_save_the_same_calls_agree_on_each_and_never_wait_for_each_other_in_a_ring(
    postgresql: str,
) -> None:
    command = [sys.executable, "-c", SAVES_THE_SAME, postgresql]
    machines = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in "abc"
    ]
    first, second, third = (
        json.loads(machine.communicate(b"go", timeout=PATIENCE_SECONDS)[0]) for machine in machines
    )
    assert len(first) == 400
    assert first == second == third


async def test_pending_report_is_claimed_by_one_machine_at_a_time(postgresql: str) -> None:
    from flowengine.storage.sessions import PendingReport

    async with opened_store(postgresql) as store:
        other = open_store(postgresql)
        letters = [PendingReport(b"%d" % number, b"content", 0, LATER) for number in range(40)]
        await asyncio.gather(*(store.add_report(letter, 1.0) for letter in letters))
        found = await asyncio.gather(
            *((store, other)[number % 2].claim_report(2.0, 5.0, []) for number in range(40))
        )
        while letter := await store.claim_report(2.0, 5.0, []):
            found.append(letter)  # a claim may meet one that is being claimed, and find none
        await other.close()
        claimed = [letter for letter in found if letter is not None]
        assert sorted(letter.id for letter in claimed) == sorted(letter.id for letter in letters)
        assert {letter.tries for letter in claimed} == {1}


async def test_closing_finishes_what_is_being_saved(postgresql: str) -> None:
    store = open_store(postgresql)
    saving = asyncio.ensure_future(store.save("a", STEP, LATER))
    await asyncio.sleep(0)
    await store.close()
    assert await saving is STEP


async def test_tables_of_another_version_are_refused(postgresql: str) -> None:
    async with opened_store(postgresql):
        pass  # the tables are made
    with asking(postgresql) as other:
        other.execute("UPDATE flowengine.parts SET version = 7")
    with pytest.raises(
        StoreError,
        match=r"its part calls has version 7, not 1: .* install that version again, or name another",
    ):
        open_store(postgresql)


async def test_user_without_the_right_to_create_tables_can_use_them(postgresql: str) -> None:
    async with opened_store(postgresql) as store:
        assert await store.save("a", STEP, LATER)
    with asking(postgresql) as other:
        other.execute("DROP ROLE IF EXISTS clerk")
        other.execute("CREATE ROLE clerk LOGIN")
        other.execute("GRANT USAGE ON SCHEMA flowengine TO clerk")
        other.execute(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA flowengine TO clerk"
        )
        try:
            async with opened_store(postgresql.replace("postgres:@", "clerk:@")) as store:
                assert await store.save("b", STEP, LATER)
        finally:
            other.execute("DROP OWNED BY clerk")
            other.execute("DROP ROLE clerk")


@pytest.mark.parametrize(
    "address", ["postgresql://ann@127.0.0.1:1/calls", "postgresql://ann@127.0.0.1/calls?nonsense=1"]
)
def test_server_that_cannot_be_reached_is_refused_with_the_reason(address: str) -> None:
    with pytest.raises(StoreError, match=r"cannot open the session store: .*(refused|nonsense)"):
        open_store(address)


def test_without_its_driver_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "flowengine.storage.sessions.postgresql_store", raising=False)
    monkeypatch.delitem(sys.modules, "flowengine.storage.postgresql", raising=False)
    with pytest.raises(StoreError, match=r'pip install "flowengine\[postgresql\]"'):
        open_store("postgresql://ann@host/calls")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://ann:secret@host:5432/calls", "postgresql://ann:…@host:5432/calls"),
        (
            "postgres://ann@host/calls?password=secret&sslmode=require",
            "postgres://ann@host/calls?password=…&sslmode=require",
        ),
        ("postgresql://ann@host/calls", "postgresql://ann@host/calls"),
        ("sqlite:/srv/a:b@c.db", "sqlite:/srv/a:b@c.db"),
    ],
)
def test_store_url_is_shown_without_its_password(url: str, text: str) -> None:
    assert redact_password(url) == text


async def test_store_whose_server_hangs_is_closed_in_time(postgresql: str) -> None:
    connection = PipelinedConnection(postgresql, PATIENCE_SECONDS, StoreCircuit(PATIENCE_SECONDS))
    ((server,),) = await connection.run("SELECT pg_backend_pid()")
    connection._patience = 0.1
    os.kill(server, signal.SIGSTOP)
    try:
        with pytest.raises(StoreError, match="no answer within"):
            await connection.run("SELECT 1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await connection.close()
    finally:
        os.kill(server, signal.SIGCONT)
