"""A connection to PostgreSQL that sends all waiting statements in one round trip and one
transaction.
"""

import asyncio
from operator import itemgetter
from typing import Any, LiteralString, NamedTuple

import psycopg

from flowengine.storage.postgresql import connect_async
from flowengine.storage.sessions.store_circuit import StoreCircuit
from flowengine.storage.sessions.store_protocol import StoreError

Rows = list[tuple[Any, ...]]


class PendingStatement(NamedTuple):
    """A statement whose caller waits for its rows."""

    sql: LiteralString
    values: tuple[Any, ...]
    answer: asyncio.Future[Rows]


class PipelinedConnection:
    """Statements that arrive while the connection is busy wait, and go together in the next round
    trip. Where the connection is broken, as after a restart of the server, they go over a new one:
    repeating a statement changes nothing more.
    """

    def __init__(self, address: str, patience: float, circuit: StoreCircuit) -> None:
        self._address = address
        self._patience = patience
        self._circuit = circuit
        self._waiting: list[PendingStatement] = []
        self._runner: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None

    async def run(self, sql: LiteralString, *values: Any) -> Rows:
        """Run a statement, and return its rows after the commit. The caller waits at most for the
        patience, whatever the network does, and not at all while the server answers nothing.
        """
        self._circuit.check_open()
        loop = asyncio.get_running_loop()
        asked = PendingStatement(sql, values, loop.create_future())
        self._waiting.append(asked)
        if self._runner is None:
            self._runner = loop.create_task(self._run_batches())
        limit = loop.call_later(self._patience, self._time_out, asked, self._circuit.answers)
        try:
            return await asked.answer
        finally:
            limit.cancel()

    async def close(self) -> None:
        """Close the connection. Statements that run have until their patience to end."""
        runner = self._runner
        if runner is not None:
            await asyncio.wait([runner], timeout=self._patience)
        if self._connection is not None:
            await self._connection.close()
        if runner is not None:
            runner.cancel()  # after that, as the driver would ask PostgreSQL to end the statement

    async def _run_batches(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                answers = await self._run_batch(batch)
            except Exception as error:  # noqa: BLE001 - whatever it was, nobody may wait for it any longer
                if not isinstance(error, psycopg.errors.ConnectionTimeout):
                    self._circuit.note_answer()
                _fail_statements(batch, error)
            else:
                self._circuit.note_answer()
                for asked, rows in zip(batch, answers, strict=True):
                    if not asked.answer.done():  # the caller may have been cancelled
                        asked.answer.set_result(rows)
        self._runner = None

    def _time_out(self, asked: PendingStatement, answers: int) -> None:
        self._circuit.note_time_out(answers)
        _fail_statements([asked], TimeoutError(f"no answer within {self._patience:g} seconds"))

    async def _run_batch(self, batch: list[PendingStatement]) -> list[Rows]:
        connection = await self._ensure_connection()
        try:
            return await run_pipeline(connection, batch)
        except psycopg.errors.ReadOnlySqlTransaction:
            # Another server behind the address may be the writable one by now.
            await connection.close()
            raise
        except psycopg.OperationalError:
            if not connection.closed:
                raise
        return await run_pipeline(await self._ensure_connection(), batch)

    async def _ensure_connection(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect_async(self._address, self._patience)
        return self._connection


async def run_pipeline(
    connection: psycopg.AsyncConnection[tuple[Any, ...]], batch: list[PendingStatement]
) -> list[Rows]:
    """The rows of each statement, in the order of the batch."""
    cursors = {}
    async with connection.pipeline():
        for number in order_for_locking(batch):
            cursors[number] = await connection.execute(
                batch[number].sql, batch[number].values, binary=True
            )
    return [
        await cursors[number].fetchall() if cursors[number].description else []
        for number in range(len(batch))
    ]


def order_for_locking(batch: list[PendingStatement]) -> list[int]:
    """Sort the statements of a batch by their row, so that machines lock rows in the same order and
    never deadlock.
    """
    return [
        number
        for number, _ in sorted(
            enumerate((asked.sql, asked.values[:1]) for asked in batch), key=itemgetter(1)
        )
    ]


def _fail_statements(batch: list[PendingStatement], error: Exception) -> None:
    for asked in batch:
        if not asked.answer.done():
            failure = StoreError(f"the session store does not answer: {error}")
            failure.__cause__ = error
            asked.answer.set_exception(failure)
