"""The session store of several machines, on a PostgreSQL server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
from msgspec.structs import astuple

from flowengine.sinch.call_id import encode_call_id
from flowengine.storage.pooler import check_sessions
from flowengine.storage.postgresql import connect, connect_async, ensure_tables
from flowengine.storage.sessions.database_clock import DatabaseClock
from flowengine.storage.sessions.orchestration_rows import (
    AGENT_KEPT_SECONDS,
    OrchestrationChange,
)
from flowengine.storage.sessions.pipelined_connection import PipelinedConnection
from flowengine.storage.sessions.postgresql_orchestrations import (
    DROP_EXPIRED_ORCHESTRATIONS,
    FORGET_AGENTS,
    ORCHESTRATION_TABLES_VERSION,
    POSTGRESQL_ORCHESTRATION_TABLES,
    RELEASES_OF_ORCHESTRATIONS,
    PostgresqlOrchestrations,
    write_change,
)
from flowengine.storage.sessions.postgresql_queues import (
    AGENT_SIGNERS_VERSION,
    DROP_OLD_ENTRIES,
    POSTGRESQL_AGENT_SIGNER_TABLES,
    POSTGRESQL_QUEUE_TABLES,
    QUEUE_TABLES_VERSION,
    list_drop_values,
)
from flowengine.storage.sessions.postgresql_steps import build_step_with_tasks, is_addition
from flowengine.storage.sessions.store_circuit import StoreCircuit
from flowengine.storage.sessions.store_protocol import (
    PROBE_KEY,
    RECEIVER_BYTES,
    PendingReport,
    SavedCall,
    StoreError,
)
from flowengine.storage.sessions.turn_connections import Connection, TurnConnections

# a callback reads, claims and writes; the platform waits about five seconds for all three
STATEMENT_TIMEOUT_SECONDS = 1.5
HOUSEKEEPING_SECONDS = 60.0
SESSION_TABLES_VERSION = 1

# No index on `expires`: PostgreSQL rewrites a row on its own page while its indexed columns stay
# the same, and most saves are rewrites. `release` changes once, as the call ends.
_SESSION_TABLES: tuple[LiteralString, ...] = (
    """CREATE TABLE flowengine.calls (id BYTEA PRIMARY KEY, counter BIGINT NOT NULL, state BYTEA NOT NULL, digest BYTEA NOT NULL,
        answer BYTEA NOT NULL, claimed DOUBLE PRECISION NOT NULL, release TEXT NOT NULL, expires DOUBLE PRECISION NOT NULL)
        WITH (fillfactor = 70)""",
    "CREATE INDEX calls_under_way ON flowengine.calls (release) WHERE release <> ''",
    (
        "CREATE TABLE flowengine.claims (id BYTEA, digest BYTEA, deadline DOUBLE PRECISION NOT NULL, PRIMARY KEY "
        "(id, digest))"
    ),
    """CREATE TABLE flowengine.outbox (id BYTEA PRIMARY KEY, content BYTEA NOT NULL, tries INTEGER NOT NULL,
        expires DOUBLE PRECISION NOT NULL, due DOUBLE PRECISION NOT NULL)""",
)
_LOAD: LiteralString = (
    "SELECT counter, state, digest, answer, claimed, release FROM flowengine.calls WHERE id = %b"
)
_SAVE: LiteralString = (
    "INSERT INTO flowengine.calls (id, counter, state, digest, answer, claimed, release, expires) VALUES (%b, "
    "%b, %b, %b, %b, %b, %b, %b) "
    "ON CONFLICT (id) DO UPDATE SET counter = excluded.counter, state = excluded.state, digest = "
    "excluded.digest, "
    "answer = excluded.answer, claimed = excluded.claimed, release = excluded.release, expires = "
    "excluded.expires "
    "WHERE excluded.counter > calls.counter RETURNING TRUE"
)
# the probe rewrites one row of its own
_CHECK: LiteralString = (
    "INSERT INTO flowengine.calls (id, counter, state, digest, answer, claimed, release, expires) "
    "VALUES (%b, 1, '', '', '', 0, '', %b) "
    "ON CONFLICT (id) DO UPDATE SET counter = calls.counter + 1, expires = excluded.expires"
)
_CLAIM: LiteralString = (
    "INSERT INTO flowengine.claims (id, digest, deadline) VALUES (%b, %b, %b) "
    "ON CONFLICT (id, digest) DO UPDATE SET deadline = excluded.deadline WHERE claims.deadline <= "
    "%b RETURNING TRUE"
)
_ADD_REPORT: LiteralString = (
    "INSERT INTO flowengine.outbox (id, content, tries, expires, due) VALUES (%b, %b, %b, %b, %b) "
    "ON CONFLICT DO NOTHING"
)
_CLAIM_REPORT: LiteralString = (
    "UPDATE flowengine.outbox SET tries = tries + 1, due = %b WHERE id = (SELECT id FROM flowengine.outbox WHERE due <= "
    "%b AND position(substring(id FROM 1 FOR %b) IN %b) = 0 ORDER BY due LIMIT 1 "
    "FOR UPDATE SKIP LOCKED) RETURNING id, content, tries, expires"
)
_RETRY_REPORT: LiteralString = "UPDATE flowengine.outbox SET due = %b WHERE id = %b AND tries = %b"
_DELETE_REPORT: LiteralString = "DELETE FROM flowengine.outbox WHERE id = %b"
_READ_CLOCK: LiteralString = "SELECT extract(epoch FROM clock_timestamp())::float8"
_RELEASES: LiteralString = "SELECT DISTINCT release FROM flowengine.calls WHERE release <> ''"
_DROP_CLAIMS: LiteralString = "DELETE FROM flowengine.claims WHERE deadline <= %b"
_DROP_CALLS: LiteralString = "DELETE FROM flowengine.calls WHERE expires <= %b"


class PostgresqlStore:
    """Has one connection for reads and one for writes, so that a read waits for no commit."""

    def __init__(self, address: str, clock: Callable[[], float] | None = None) -> None:
        self._address = address
        self._database_clock = DatabaseClock()
        self.clock = clock or self._database_clock.read
        try:
            check_sessions(address)
            with connect(address, HOUSEKEEPING_SECONDS) as connection:
                ensure_tables(connection, "calls", SESSION_TABLES_VERSION, _SESSION_TABLES)
                ensure_tables(
                    connection,
                    "orchestrations",
                    ORCHESTRATION_TABLES_VERSION,
                    POSTGRESQL_ORCHESTRATION_TABLES,
                )
                ensure_tables(connection, "queues", QUEUE_TABLES_VERSION, POSTGRESQL_QUEUE_TABLES)
                ensure_tables(
                    connection,
                    "agent signers",
                    AGENT_SIGNERS_VERSION,
                    POSTGRESQL_AGENT_SIGNER_TABLES,
                )
                asked = self._database_clock.begin()
                rows = connection.execute(_READ_CLOCK).fetchall()
                self._database_clock.set(asked, *rows[0])
        except psycopg.Error as error:
            raise StoreError(f"cannot open the session store: {error}") from error
        circuit = StoreCircuit(STATEMENT_TIMEOUT_SECONDS)
        self._reader = PipelinedConnection(address, STATEMENT_TIMEOUT_SECONDS, circuit)
        self._writer = PipelinedConnection(address, STATEMENT_TIMEOUT_SECONDS, circuit)
        self._turns = TurnConnections(address, STATEMENT_TIMEOUT_SECONDS, circuit)
        self.orchestrations = PostgresqlOrchestrations(self._turns, self._reader, self.clock)

    async def load(self, call_id: str) -> SavedCall | None:
        rows = await self._reader.run(_LOAD, encode_call_id(call_id))
        return SavedCall(*rows[0]) if rows else None

    async def save(
        self,
        call_id: str,
        saved: SavedCall,
        expires: float,
        changes: Sequence[OrchestrationChange] = (),
    ) -> SavedCall:
        row = (encode_call_id(call_id), *astuple(saved), expires)
        is_saved = (
            await self._save_with_changes(row, changes)
            if changes
            else await self._writer.run(_SAVE, *row)
        )
        if is_saved:
            return saved
        kept = await self.load(call_id)
        return (
            saved if kept is None or kept == saved else kept
            # another process has deleted the row, or this statement was committed before the connection
            # broke
        )

    async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
        return bool(
            await self._writer.run(_CLAIM, encode_call_id(call_id), key, deadline, self.clock())
        )

    async def update_clock(self) -> None:
        asked = self._database_clock.begin()
        rows = await self._reader.run(_READ_CLOCK)
        self._database_clock.set(asked, *rows[0])

    async def catch_up(self) -> bool:
        return False  # all machines read the same server

    async def check_writable(self) -> None:
        now = self.clock()
        await asyncio.gather(
            self._writer.run(_CHECK, PROBE_KEY, now + HOUSEKEEPING_SECONDS),
            self._writer.run(_CLAIM, PROBE_KEY, b"", now, now),
        )

    async def add_report(self, report: PendingReport, due: float) -> None:
        await self._writer.run(_ADD_REPORT, *report, due)

    async def claim_report(
        self, now: float, lease: float, busy: Collection[bytes]
    ) -> PendingReport | None:
        rows = await self._writer.run(
            _CLAIM_REPORT, now + lease, now, RECEIVER_BYTES, b",".join(busy)
        )
        return PendingReport._make(rows[0]) if rows else None

    async def settle_report(self, report: PendingReport, due: float | None) -> None:
        if due is None:
            await self._writer.run(_DELETE_REPORT, report.id)
        else:
            await self._writer.run(_RETRY_REPORT, due, report.id, report.tries)

    async def find_needed_releases(self) -> set[str]:
        async with self._connect_housekeeping() as connection:
            releases = f"{_RELEASES} UNION {RELEASES_OF_ORCHESTRATIONS}"
            found = await (await connection.execute(releases)).fetchall()
        return {release for (release,) in found}

    async def drop_expired(self, now: float) -> int:
        async with self._connect_housekeeping() as connection:
            await connection.execute(_DROP_CLAIMS, (now,))
            await connection.execute(DROP_EXPIRED_ORCHESTRATIONS, (now,))
            await connection.execute(FORGET_AGENTS, (now - AGENT_KEPT_SECONDS,))
            await connection.execute(DROP_OLD_ENTRIES, list_drop_values(now))
            return (await connection.execute(_DROP_CALLS, (now,))).rowcount

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()
        await self._turns.close()

    async def _save_with_changes(
        self, row: tuple[Any, ...], changes: Sequence[OrchestrationChange]
    ) -> bool:
        """Whether the step was saved, and the changes with it."""

        async def save_at_once(connection: Connection) -> bool:
            sql, values = build_step_with_tasks(_SAVE, row, changes[0])
            cursor = await connection.execute(sql, values, binary=True)
            return bool(await cursor.fetchall())

        async def save(connection: Connection) -> bool:
            # A transaction of its own: where this is cancelled between two statements, a pipeline
            # alone would commit the first.
            async with connection.pipeline(), connection.transaction():
                cursor = await connection.execute(_SAVE, row, binary=True)
                if not await cursor.fetchall():
                    return False
                for change in changes:
                    await write_change(connection, change)
                return True

        is_saved = await self._turns.run(save_at_once if is_addition(changes) else save)
        if is_saved:
            self.orchestrations.announce(changes)
        return is_saved

    @asynccontextmanager
    async def _connect_housekeeping(
        self,
    ) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        """Open a connection for statements that take longer and are rare."""
        try:
            async with await connect_async(self._address, HOUSEKEEPING_SECONDS) as connection:
                yield connection
        except psycopg.Error as error:
            raise StoreError(f"the session store cannot be looked through: {error}") from error
