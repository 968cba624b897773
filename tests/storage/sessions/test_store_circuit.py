"""A database server that takes statements and answers none: callbacks do not wait for it again and
again.
"""

import asyncio
import socket
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from flowengine.storage.sessions import SavedCall, Store, StoreError, open_store
from flowengine.storage.sessions.pipelined_connection import PipelinedConnection
from flowengine.storage.sessions.store_circuit import StoreCircuit
from tests.hanging_database import hanging
from tests.runtime.engine_calls import Phone, engine
from tests.waiting import PATIENCE_SECONDS, wait_until_async

LATER = 2e9
STEP = SavedCall(1, b"state", b"digest", b"answer", 1.0)
OPEN = "has not answered for"


@pytest.fixture
def store(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    module = "flowengine.storage.sessions.postgresql_store"
    monkeypatch.setattr(f"{module}.STATEMENT_TIMEOUT_SECONDS", 0.3)
    return open_store(postgresql)


async def find_reasons(count: int, load: Any) -> list[str]:
    """Why so many loads of one moment have failed."""
    failed = await asyncio.gather(*(load() for _ in range(count)), return_exceptions=True)
    assert all(isinstance(one, StoreError) for one in failed), failed
    return [str(one) for one in failed]


async def wait_until_open(load: Any) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while OPEN not in (await find_reasons(1, load))[0]:
            pass


async def wait_until_most_fail_at_once(load: Any) -> None:
    """Of those that come while the circuit is open, trials alone wait."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(OPEN in reason for reason in await find_reasons(200, load)) < 195:
            await wait_until_open(load)


async def test_callbacks_do_not_wait_for_a_server_that_hangs(store: Store, postgresql: str) -> None:
    def load() -> Any:
        return store.load("a")

    await store.save("a", STEP, LATER)
    await load()
    with hanging(postgresql):
        await wait_until_most_fail_at_once(load)
        assert store.orchestrations is not None
        # it has a connection of its own
        await wait_until_open(partial(store.orchestrations.wake_queues, 0.0))
        phone = Phone(engine(store))
        reply = await phone.send(phone.body("ice", cli="467", to={"type": "did", "endpoint": "1"}))
        assert reply.record.outcome == "unsaved"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                assert await load() == STEP
                break
            except StoreError:
                await asyncio.sleep(0.01)
    assert await asyncio.gather(*(load() for _ in range(200))) == [STEP] * 200
    await store.close()


async def test_server_that_accepts_connections_and_says_nothing_is_asked_by_trials() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"postgresql://ann@127.0.0.1:{silent.getsockname()[1]}/calls?sslmode=disable"
        circuit = StoreCircuit(0.1)
        connection = PipelinedConnection(address, 0.1, circuit)

        def load() -> Any:
            return connection.run("SELECT 1")

        await wait_until_open(load)
        await wait_until_async(lambda: connection._runner is None)  # the time to connect is over
        assert circuit.answers == 0
        await wait_until_most_fail_at_once(load)
        await connection.close()


async def test_server_that_refuses_connections_is_asked_each_time() -> None:
    """It says so at once, and may be back at once."""
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    connection = PipelinedConnection(
        f"postgresql://ann@127.0.0.1:{port}/calls", PATIENCE_SECONDS, StoreCircuit(0.0)
    )
    for _ in range(5):
        assert "refused" in (await find_reasons(1, lambda: connection.run("SELECT 1")))[0]


class Moments:
    """A circuit whose statements have 1.5 seconds, and what is asked when."""

    def __init__(self) -> None:
        self.now = 100.0
        self.circuit = StoreCircuit(1.5, lambda: self.now)

    def time_out(self, at: float) -> None:
        """A statement that was asked in time ends, and no other was answered meanwhile."""
        self.now = at
        self.circuit.note_time_out(self.circuit.answers)

    def is_open(self, at: float) -> bool:
        self.now = at
        try:
            self.circuit.check_open()
        except StoreError:
            return True
        return False


def test_circuit_opens_when_nothing_was_answered_for_twice_the_patience() -> None:
    moments = Moments()
    moments.time_out(1.5)
    assert not moments.is_open(1.5)
    moments.time_out(2.9)
    assert not moments.is_open(2.9)
    moments.time_out(3.0)
    assert moments.is_open(3.0)
    assert moments.is_open(3.9)
    assert not moments.is_open(4.0), "the trial"
    assert moments.is_open(4.0), "one alone"
    moments.time_out(5.5)
    assert moments.is_open(6.4)
    assert not moments.is_open(6.5)
    moments.circuit.note_answer()
    assert not any(moments.is_open(6.5) for _ in range(3))


def test_answer_to_any_statement_keeps_the_circuit_closed() -> None:
    """Another one waits for a lock."""
    moments = Moments()
    for second in range(1, 20):
        moments.now = float(second)
        asked = moments.circuit.answers
        moments.circuit.note_answer()
        moments.circuit.note_time_out(asked)
        assert not moments.is_open(float(second))


def test_trial_that_was_given_up_lets_another_one_follow() -> None:
    moments = Moments()
    moments.time_out(1.5)
    moments.time_out(3.0)
    assert not moments.is_open(4.0)
    assert moments.is_open(5.9)
    assert not moments.is_open(6.0)


def test_circuit_lets_all_through_where_nothing_was_asked_for_a_while() -> None:
    """They come after a quiet night, in which the server came back; or it did not."""
    moments = Moments()
    moments.time_out(1.5)
    moments.time_out(3.0)
    assert not any(moments.is_open(5.0) for _ in range(3))
    moments.time_out(6.5)
    assert moments.is_open(6.5), "nothing was answered yet"
