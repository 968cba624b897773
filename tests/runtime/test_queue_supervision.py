"""Call-backs that an operator cancels, at each moment of their wait, through the engine and the tasks."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from flowengine.runtime.placements import CANCEL_TASK
from flowengine.runtime.queue_overview import QueueChangeRefusedError, load_queue_overviews
from flowengine.runtime.queue_supervision import (
    WaitingCaller,
    list_waiting_callers,
    take_out_caller,
)
from flowengine.runtime.queues import TURN_TASK
from flowengine.runtime.task_loop import TASK_LEASE_SECONDS
from flowengine.storage.sessions import MemoryStore, OrchestrationStore, SqliteStore, Store
from flowengine.storage.sessions.orchestration_rows import MATCH_TASK
from tests.runtime.place_calls import CALLER
from tests.runtime.ring_calls import ANNA, run
from tests.runtime.test_kept_turns import TurnLine

PAUSE_SECONDS = 5 * 60


class SupervisedLine(TurnLine):
    """The queue of one agent, with a caller to be called back, and somebody who takes callers out."""

    @property
    def rows(self) -> OrchestrationStore:
        assert self.store.orchestrations is not None
        return self.store.orchestrations

    async def find_call_back(self) -> WaitingCaller:
        waiting = await list_waiting_callers(self.rows, self.now, "support")
        (found,) = [one for one in waiting if one.is_call_back]
        return found

    async def cancel(self, call_back: WaitingCaller | None = None) -> str:
        call_back = call_back or await self.find_call_back()
        return await take_out_caller(self.rows, call_back, "omar", self.now)

    async def ring_caller(self) -> None:
        """The turn comes, and the phone of the caller rings."""
        await self.free_agent()
        await self.callback(1, "ice", originationType="SERVER")

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(one.outcome, one.reason) for one in self.ended]


def test_call_back_that_waits_for_its_turn_is_cancelled_and_the_next_caller_served() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        call_back = await line.find_call_back()
        assert (call_back.place, call_back.is_offered, call_back.is_later) == (1, False, False)
        assert await line.cancel() == f"{call_back.call} is cancelled: nobody is called back"
        assert await line.list_waiting() == ["later"]  # from this moment on
        await line.run_tasks()
        assert line.reasons == [("cancelled", "by omar")]
        await line.free_agent()
        assert line.rung == [ANNA, ANNA]
        assert await line.find_agent() == "later"
        (queue,) = await load_queue_overviews(line.rows, line.now)
        assert (queue.call_backs, queue.lost_today) == (0, 1)
        await line.run_tasks(3600)
        assert CALLER not in line.rung
        with pytest.raises(QueueChangeRefusedError, match="does not wait in support any more"):
            await line.cancel(call_back._replace(call="place-of-nobody"))

    run(wait())


def test_call_back_between_two_tries_is_listed_and_cancelled() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        await line.ring_caller()
        await line.callback(1, "dice", result="BUSY")
        await line.run_tasks()
        call_back = await line.find_call_back()
        assert (call_back.place, call_back.is_later) == (0, True)
        await line.cancel()
        await line.run_tasks()
        await line.call("later", "dice", result="ANSWERED")
        await line.run_tasks(PAUSE_SECONDS * 3)
        assert line.reasons == [("cancelled", "by omar")]
        assert line.rung.count(CALLER) == 1
        assert await list_waiting_callers(line.rows, line.now) == []

    run(wait())


def test_call_back_over_a_closed_weekend_is_listed_and_cancelled() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        line.now += 6 * 3600  # after closing
        await line.begin()
        await line.call("later", "dice", result="ANSWERED")
        assert (await line.find_call_back()).is_later
        await line.store.drop_expired(line.now + 3 * 86_400)  # longer than figures are kept
        assert (await line.find_call_back()).is_later
        await line.cancel()
        await line.run_tasks()
        assert line.outcomes == [("cancelled", 0)]

    run(wait())


def test_call_back_whose_phone_rings_is_tried_no_more_after_it() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        await line.ring_caller()
        assert (await line.find_call_back()).is_offered
        assert "is called just now" in await line.cancel()
        await line.run_tasks()
        assert not line.ended
        assert await line.find_agent() != ""  # kept for whom the phone rings
        await line.callback(1, "dice", result="BUSY")
        await line.run_tasks(PAUSE_SECONDS * 2)
        assert line.reasons == [("cancelled", "by omar")]
        assert line.rung.count(CALLER) == 1

    run(wait())


def test_call_back_that_is_cancelled_while_it_rings_is_served_when_answered() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        await line.ring_caller()
        await line.cancel()
        await line.run_tasks()
        await line.callback(1, "ace")
        answer = await line.press("leg-1", "1", menu="back.greet")
        assert answer["instructions"][0]["text"] == "Number 1."
        await line.callback(1, "dice", result="ANSWERED")
        assert line.outcomes == [("answered", 1)]

    run(wait())


def test_call_back_that_is_cancelled_before_the_platform_asks_rings_nobody() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        await line.free_agent()  # the call is requested
        await line.cancel()
        await line.run_tasks()
        assert line.outcomes == [("cancelled", 1)]
        answer = await line.callback(1, "ice", originationType="SERVER")
        assert answer["action"]["name"] == "hangup"
        assert await line.find_agent() == "later"

    run(wait())


@pytest.mark.parametrize("is_done", [False, True])
def test_offer_that_meets_a_cancelled_call_back_frees_the_member(*, is_done: bool) -> None:
    """The queue has offered a member in the moment in which somebody cancels, and the worker that has
    the offer is killed, before or after its turn.
    """

    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        await line.call("leg-0", "dice", result="ANSWERED")
        while killed := await line.rows.claim_task(line.now, TASK_LEASE_SECONDS):
            if killed.key == TURN_TASK:
                break
            await line.rows.settle_task(killed, await line.tasks.handle(killed))
        assert killed is not None
        assert (await line.find_call_back()).is_offered
        if is_done:
            await line.tasks.handle(killed)
        await line.cancel()
        for _ in range(4):
            await line.run_tasks(TASK_LEASE_SECONDS)
        assert line.outcomes == [("cancelled", int(is_done))]
        assert await line.find_agent() == "later"
        assert line.rung.count(CALLER) <= is_done  # requested before, and refused when it asks

    run(wait())


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def open_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Store]:
    if request.param == "memory":
        return MemoryStore
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "calls.db")
    address = request.getfixturevalue("postgresql")
    from flowengine.storage.sessions import postgresql_store

    monkeypatch.setattr(postgresql_store, "STATEMENT_TIMEOUT_SECONDS", 30.0)  # on a busy machine
    return lambda: postgresql_store.PostgresqlStore(address)


def test_call_back_that_is_offered_and_cancelled_at_once_keeps_no_member(
    open_store: Callable[[], Store],
) -> None:
    """Both are transactions of their own, and either may be first."""

    async def wait() -> None:
        line = SupervisedLine(store=open_store())
        await line.begin()
        await line.call("leg-0", "dice", result="ANSWERED")
        tasks = []
        while task := await line.rows.claim_task(line.now, TASK_LEASE_SECONDS):
            tasks.append(task)
        call_back = await line.find_call_back()
        match = next(task for task in tasks if task.key == MATCH_TASK)
        await asyncio.gather(line.tasks.handle(match), line.cancel(call_back))
        for _ in range(4):
            await line.run_tasks(TASK_LEASE_SECONDS)
        ((outcome, _),) = line.outcomes
        assert outcome == "cancelled"
        assert await line.find_agent() == "later"
        assert await line.list_waiting() == ["later"]
        await line.store.close()

    run(wait())


def test_call_back_is_cancelled_before_the_task_that_begins_it() -> None:
    """A worker that is killed in it leaves the task to another one."""

    async def wait() -> None:
        line = SupervisedLine()
        await line.begin_talk()
        await line.dial_in_from()
        await line.run_tasks(5)
        result = {"menuId": "room", "type": "sequence", "value": "2"}
        await line.call("caller", "pie", menuResult=result, conferenceId="room")
        while (killed := await line.rows.claim_task(line.now, TASK_LEASE_SECONDS)) is not None:
            if killed.key == "placement:begin":
                break
            await line.rows.settle_task(killed, await line.tasks.handle(killed))
        await line.hang_up("caller")
        assert await line.list_waiting() == ["call-back"]
        await line.cancel()
        assert await line.list_waiting() == []
        for _ in range(8):
            await line.run_tasks(TASK_LEASE_SECONDS / 4)
        assert line.outcomes == [("cancelled", 0)]
        await line.free_agent()
        assert line.rung == [ANNA]
        assert await line.list_waiting() == []

    run(wait())


def test_cancelling_twice_and_by_a_task_that_comes_again_ends_it_once() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        call_back = await line.find_call_back()
        await line.cancel()
        task = await line.rows.claim_task(line.now, TASK_LEASE_SECONDS)
        assert task is not None
        assert task.key == CANCEL_TASK
        await line.tasks.handle(task)
        await line.tasks.handle(task)
        with pytest.raises(QueueChangeRefusedError, match="any more"):
            await line.cancel(call_back)
        assert line.outcomes == [("cancelled", 0)]

    run(wait())


def test_name_of_an_operator_is_kept_without_control_characters() -> None:
    async def wait() -> None:
        line = SupervisedLine()
        await line.begin()
        await take_out_caller(line.rows, await line.find_call_back(), "om\nar\x1b[2J", line.now)
        await line.run_tasks()
        ((outcome, reason),) = line.reasons
        assert outcome == "cancelled"
        assert reason.isprintable()

    run(wait())
