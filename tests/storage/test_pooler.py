"""PostgreSQL behind a pooler: sessions are kept, or the pooler is refused."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from flowengine.journal import CallFilter, open_journal_reader
from flowengine.journal.call_index import CallIndex
from flowengine.journal.journal_location import build_journal_feed
from flowengine.releases.archive_database import ArchiveError
from flowengine.storage.sessions import (
    OrchestrationChange,
    SavedCall,
    SavedOrchestration,
    StoreError,
    open_store,
)
from tests.console.operated_line import compile_line
from tests.journal.journal_line import record, ring
from tests.storage.pgbouncer import PLAIN, pgbouncer
from tests.waiting import PATIENCE_SECONDS, find_free_port

psycopg = pytest.importorskip("psycopg")
SHIPPED = Path(__file__).parents[2] / "deploy/pgbouncer/pgbouncer.ini"
STEP = SavedCall(1, b"state", b"digest", b"answer", 1.0)
SHARED = "shares connections among transactions"


@pytest.fixture(params=["defaults", "shipped", "statements kept"])
def pooler(request: pytest.FixtureRequest, postgresql: str) -> Iterator[str]:
    text = SHIPPED.read_text() if request.param == "shipped" else PLAIN
    more = {"server_reset_query_always": "1"} if request.param == "statements kept" else {}
    with pgbouncer(postgresql, text, **more) as address:
        yield address


async def test_store_behind_a_pooler_of_sessions_works(pooler: str) -> None:
    store, other = open_store(pooler), open_store(pooler)
    for number in range(12):  # often enough for statements to be prepared
        call = f"call {number}"
        assert await store.save(call, STEP, 2e9) is STEP
        assert await other.load(call) == STEP
        assert await store.claim(call, b"d", 2e9)
        assert not await other.claim(call, b"d", 2e9)
        change = OrchestrationChange(call, SavedOrchestration(call, "ring", "r", 0, b"", 2e9))
        assert await store.save(call, replace(STEP, counter=2), 2e9, changes=(change,))
        assert other.orchestrations
        turn = other.orchestrations.take_turn(call, lambda _: ["anna"], lambda one, _: (None, one))
        assert await turn == change.saved
    await store.check_writable()
    assert await store.drop_expired(3e9) >= 12
    assert await store.find_needed_releases() == set()
    await store.close()
    await other.close()


def test_journal_behind_a_pooler_of_sessions_works(pooler: str) -> None:
    calls = [ring(f"call-{number}") for number in range(12)]
    record(pooler, compile_line(), calls)
    with closing(open_journal_reader(pooler)) as reader:
        assert len(reader.list_calls(CallFilter())) == 12
    with closing(CallIndex(build_journal_feed(pooler))) as index:
        assert index.catch_up()


def test_statement_over_a_pooler_has_a_time_limit_and_no_search_path_of_ours(pooler: str) -> None:
    from flowengine.storage.postgresql import connect

    with connect(pooler, 0.2) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('"$user", public',)
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")
    with psycopg.connect(pooler, autocommit=True) as next_one:
        assert next_one.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_leader_lock_over_a_pooler_belongs_to_one(pooler: str) -> None:
    from flowengine.releases.postgresql_archive import PostgresqlDatabase, PostgresqlLeaderLock

    PostgresqlDatabase(pooler).close()
    first, second = PostgresqlLeaderLock(pooler), PostgresqlLeaderLock(pooler)
    try:
        for _ in range(5):
            assert first.try_acquire()
            assert not second.try_acquire()
        first.close()
        limit = time.monotonic() + PATIENCE_SECONDS  # the pooler frees the lock a moment later
        while not second.try_acquire():
            assert time.monotonic() < limit
            time.sleep(0.02)
    finally:
        second.close()


def test_archive_behind_a_pooler_of_sessions_works(pooler: str) -> None:
    from flowengine.releases.postgresql_archive import PostgresqlDatabase

    database = PostgresqlDatabase(pooler)
    for number in range(8):
        with database.transaction():
            database.execute("INSERT INTO contents VALUES (?, ?)", b"%d" % number, b"packed")
    assert len(database.execute("SELECT digest FROM contents")) == 8
    assert database.read_data_version() == 0
    database.close()


@pytest.mark.parametrize("name", ["voice", "flowengine"])
async def test_tables_are_found_whatever_the_role_is_called(postgresql: str, name: str) -> None:
    """ "$user" in search_path is a schema of the role's name: tables of others may stand in it."""
    with psycopg.connect(postgresql, autocommit=True) as other:
        other.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE; DROP ROLE IF EXISTS {name}")
        other.execute(f"CREATE ROLE {name} SUPERUSER LOGIN; CREATE SCHEMA {name}")
        if name != "flowengine":
            other.execute(
                f"CREATE TABLE {name}.calls (nothing INT); "
                f"CREATE TABLE {name}.releases (nothing INT)"
            )
    address = postgresql.replace("postgres:@", f"{name}:@")

    try:
        store = open_store(address)
        await store.save("call", STEP, 2e9)
        assert await store.load("call") == STEP
        await store.close()
        with psycopg.connect(postgresql) as other:
            assert other.execute("SELECT count(*) FROM flowengine.calls").fetchone() == (1,)
    finally:
        with psycopg.connect(postgresql, autocommit=True) as other:
            other.execute(
                f"DROP SCHEMA {name} CASCADE; DROP OWNED BY {name} CASCADE; DROP ROLE {name}"
            )


@pytest.mark.parametrize(
    "options",
    [
        {"pool_mode": "transaction"},
        {"pool_mode": "statement"},
        {"pool_mode": "transaction", "server_round_robin": "1"},
        {"pool_mode": "transaction", "default_pool_size": "1"},
        {"pool_mode": "transaction", "min_pool_size": "5"},
    ],
)
def test_pooler_that_shares_connections_is_refused(
    postgresql: str, options: dict[str, str]
) -> None:
    from flowengine.releases.postgresql_archive import PostgresqlDatabase

    with pgbouncer(postgresql, **options) as address:
        with pytest.raises(StoreError, match=SHARED) as told:
            open_store(address)
        assert "\n" not in str(told.value)
        with pytest.raises(ArchiveError, match=SHARED):
            PostgresqlDatabase(address)


def test_pooler_that_shares_connections_is_refused_while_others_use_it(postgresql: str) -> None:
    """Backends go from hand to hand meanwhile."""
    done = threading.Event()

    def ask(address: str) -> None:
        with psycopg.connect(address, autocommit=True, prepare_threshold=None) as connection:
            while not done.is_set():
                connection.execute("SELECT 1")

    with pgbouncer(postgresql, pool_mode="transaction", default_pool_size="8") as address:
        others = [threading.Thread(target=ask, args=(address,)) for _ in range(4)]
        for other in others:
            other.start()
        try:
            for _ in range(5):
                with pytest.raises(StoreError, match=SHARED):
                    open_store(address)
        finally:
            done.set()
            for other in others:
                other.join(10)


def test_pooler_without_a_free_connection_is_told(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.storage.pooler.CHECK_SECONDS", 1.0)
    with (
        pgbouncer(postgresql, default_pool_size="1") as address,
        psycopg.connect(address) as busy,
    ):
        busy.execute("SELECT 1")
        with pytest.raises(StoreError, match="no connection free"):
            open_store(address)


def test_server_behind_a_pooler_that_shares_connections_does_not_start(
    postgresql: str, tmp_path: Path
) -> None:
    import subprocess

    (tmp_path / "line.yaml").write_text("flow: line\nstart: a\nstates:\n  a: {hangup: }\n")
    with pgbouncer(postgresql, pool_mode="transaction") as address:
        command = [
            sys.executable,
            "-m",
            "flowengine",
            "serve",
            str(tmp_path),
            "--store",
            address,
            "--no-console",
            "--port",
            str(find_free_port()),
        ]
        done = subprocess.run(
            command,
            env={"PATH": "", "FLOWENGINE_COOKIE_KEYS": "a key of this test"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert done.returncode == 2
    assert SHARED in " ".join(done.stderr.decode().split())
    assert b"Traceback" not in done.stderr
