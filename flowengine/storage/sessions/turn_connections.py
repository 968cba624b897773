"""Connections to PostgreSQL for transactions that read, decide and write: each has one to itself,
so that a lock that it waits for holds up no callback.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from flowengine.storage.postgresql import connect_async
from flowengine.storage.sessions.store_circuit import StoreCircuit
from flowengine.storage.sessions.store_protocol import StoreError

# More turns at a time wait for one: a machine with many workers must not use up the server's.
MAX_TURN_CONNECTIONS = 4
MAX_TURN_TRIES = 3

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
T = TypeVar("T")


class TurnConnections:
    """Opens a connection when all others are in use, and keeps it. A turn that takes too long may
    wait for a lock, so it opens no `circuit`.
    """

    def __init__(self, address: str, patience: float, circuit: StoreCircuit) -> None:
        self._address = address
        self._patience = patience
        self._circuit = circuit
        self._slots = asyncio.Semaphore(MAX_TURN_CONNECTIONS)
        self._free: list[Connection] = []

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run this, and again where the connection had been broken before, or where PostgreSQL has
        ended the transaction in favour of another one. Raises StoreError, also where there is no
        result within the patience, and at once while the server answers nothing.
        """
        self._circuit.check_open()
        # In a task of its own: the driver needs one, and the direct protocol may run a callback
        # without a task.
        return await asyncio.create_task(self._run_in_time(work))

    async def close(self) -> None:
        """Close the connections that are not in use."""
        while self._free:
            await self._free.pop().close()

    async def _run_in_time(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                for _ in range(MAX_TURN_TRIES - 1):
                    try:
                        return await self._run_once(work)
                    except psycopg.OperationalError:
                        continue
                return await self._run_once(work)
        except (psycopg.Error, TimeoutError) as error:
            reason = str(error) or f"no answer within {self._patience:g} seconds"
            raise StoreError(f"the session store does not answer: {reason}") from error

    async def _run_once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._borrow_connection() as connection:
            result = await work(connection)
        self._circuit.note_answer()
        return result

    @asynccontextmanager
    async def _borrow_connection(self) -> AsyncIterator[Connection]:
        async with self._slots:
            connection = (
                self._free.pop()
                if self._free
                else await connect_async(self._address, self._patience)
            )
            try:
                yield connection
            except psycopg.errors.ReadOnlySqlTransaction:
                # Another server behind the address may be the writable one by now.
                await connection.close()
                raise
            finally:
                self._free.append(connection)
                if connection.info.transaction_status != TransactionStatus.IDLE:
                    # It is broken, or in the middle of something. Where the server was started
                    # anew, no other connection is better.
                    await self.close()
