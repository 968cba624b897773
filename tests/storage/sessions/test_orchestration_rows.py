"""What every store promises to orchestrations."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from flowengine.storage.sessions import (
    MemoryStore,
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedCall,
    SavedOrchestration,
    ScheduledTask,
    Store,
    StoreError,
    open_store,
)
from flowengine.storage.sessions.orchestration_rows import AGENT_KEPT_SECONDS
from tests.storage.sessions.opened_stores import LATER, Opener, opened_store, step

pytestmark = pytest.mark.usefixtures("patient")
T = TypeVar("T")
ANNA, BO = "+14045009001", "sip:bo@example.com"


def ring(version: int = 1, *, of: str = "a", release: str = "r1") -> SavedOrchestration:
    return SavedOrchestration(of, "ring", release, version, b"state %d" % version, LATER)


def task(key: str, due: float, payload: bytes = b"", *, of: str = "a") -> ScheduledTask:
    return ScheduledTask(of, key, due, payload)


def changed(
    version: int = 1, *tasks: ScheduledTask, of: str = "a", **more: Any
) -> OrchestrationChange:
    return OrchestrationChange(of, ring(version, of=of), tasks, **more)


def orchestrations_of(store: Store) -> OrchestrationStore:
    assert store.orchestrations is not None
    return store.orchestrations


async def write(store: Store, change: OrchestrationChange) -> None:
    await orchestrations_of(store).take_turn(
        change.id, lambda _: [agent.address for agent in change.agents], lambda *_: (change, None)
    )


async def load(store: Store, of: str = "a") -> SavedOrchestration | None:
    return await orchestrations_of(store).take_turn(
        of, lambda _: (), lambda saved, _: (None, saved)
    )


async def test_turn_reads_what_the_last_one_wrote(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await write(store, changed(1, agents=(SavedAgent(ANNA, "a", 1.5, 2.5, 3.5),)))
        seen: list[object] = []

        def list_agents(saved: SavedOrchestration | None) -> Collection[str]:
            seen.append(saved)
            return [BO, ANNA]

        def decide(
            saved: SavedOrchestration | None, agents: Mapping[str, SavedAgent]
        ) -> tuple[OrchestrationChange, str]:
            seen.extend((saved, agents))
            return changed(2), "verdict"

        found = orchestrations_of(store)
        assert await found.take_turn("a", list_agents, decide) == "verdict"
        anna = SavedAgent(ANNA, "a", 1.5, 2.5, 3.5)
        assert seen[-3:] == [ring(1), ring(1), {ANNA: anna}]
        assert await load(store) == ring(2)
        assert await load(store, "b") is None
        assert await found.list_orchestrations() == [ring(2)]
        assert await found.list_orchestrations("ring") == [ring(2)]
        assert await found.list_orchestrations("queue") == []
        assert await found.count_orchestrations("ring") == 1
        assert await found.count_orchestrations("queue") == 0
        assert await found.load_agents([ANNA, BO]) == {ANNA: anna}


async def test_turn_that_raises_writes_nothing_and_disturbs_no_save(opener: Opener) -> None:
    def fail(*_: object) -> tuple[None, None]:
        raise LookupError("a mistake of the conductor")

    async with opened_store(opener) as (store, _):
        turn = orchestrations_of(store).take_turn("a", lambda _: [ANNA], fail)
        made = step(1)
        failed, kept = await asyncio.gather(
            turn, store.save("call", made, LATER), return_exceptions=True
        )
        assert isinstance(failed, LookupError)
        assert kept is made
        await write(store, changed(1))
        with pytest.raises(ValueError, match="from version 1 made 1"):
            await write(store, changed(1, task("t", 1.0)))
        assert await orchestrations_of(store).find_next_due() is None


async def run_without_task(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it as the direct protocol runs callbacks: step by step, without a task."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def proceed(_: object = None) -> None:
        assert asyncio.current_task() is None
        try:
            awaited = coroutine.send(None)
        except StopIteration as ended:
            done.set_result(ended.value)
        except BaseException as error:  # noqa: BLE001
            done.set_exception(error)
        else:
            awaited._asyncio_future_blocking = False
            awaited.add_done_callback(proceed)

    asyncio.get_running_loop().call_soon(proceed)
    return await done


async def test_callback_without_a_task_may_save_changes_and_take_turns(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await write(store, changed(1, of="b"))  # connections are open by now

        async def save() -> SavedCall:
            return await store.save("a", made, LATER, changes=(changed(0, task("t", 1.0)),))

        made = step(1)
        assert await run_without_task(save()) is made
        assert await run_without_task(load(store)) == ring(0)
        await run_without_task(write(store, changed(1)))
        assert await load(store) == ring(1)


async def test_turns_of_the_same_agent_come_one_after_the_other(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):

        def take(name: str) -> Any:
            def decide(
                _: SavedOrchestration | None, agents: Mapping[str, SavedAgent]
            ) -> tuple[OrchestrationChange, bool]:
                is_free = ANNA not in agents
                mine = (SavedAgent(ANNA, name, 0.0, 0.0),) if is_free else ()
                return changed(1, of=name, agents=mine), is_free

            return decide

        taken = await asyncio.gather(
            *(
                orchestrations_of(store).take_turn(f"{n}", lambda _: [BO, ANNA], take(f"{n}"))
                for n in range(12)
            )
        )
        assert sum(taken) == 1
        (anna,) = (await orchestrations_of(store).load_agents([ANNA])).values()
        assert anna.occupied_by == f"{taken.index(True)}"


async def test_end_deletes_the_tasks_and_frees_the_agents(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        agents = SavedAgent(ANNA, "a", 0.0, 0.0), SavedAgent(BO, "b", 0.0, 0.0)
        await write(store, changed(1, task("t", 1.0), agents=agents))
        await write(store, changed(1, task("t", 2.0, of="b"), of="b"))
        await write(store, OrchestrationChange("a", None, agents=(agents[0]._replace(rung_at=7),)))
        found = orchestrations_of(store)
        assert await load(store) is None
        assert await found.find_next_due() == 2.0
        assert await found.load_agents([ANNA, BO]) == {
            ANNA: SavedAgent(ANNA, "", 0.0, 0.0, 7.0),
            BO: agents[1],
        }


async def test_task_is_replaced_and_cancelled_by_its_key(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await write(store, changed(1, task("t", 5.0), task("u", 6.0), task("v", 7.0)))
        await write(store, changed(2, task("t", 8.0, b"new"), cancelled=("u", "nothing")))
        found = orchestrations_of(store)
        assert await found.find_next_due() == 7.0
        claimed = [await found.claim_task(10.0, 3.0) for _ in range(3)]
        assert [one and one[:5] for one in claimed] == [
            ("a", "v", 13.0, b"", 1),
            ("a", "t", 13.0, b"new", 1),
            None,
        ]


async def test_claimed_task_is_due_again_when_its_lease_runs_out(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await write(store, changed(1, task("t", 5.0, b"what")))
        found = orchestrations_of(store)
        assert await found.claim_task(4.9, 3.0) is None
        assert await found.claim_task(5.0, 3.0)
        assert await found.claim_task(7.9, 3.0) is None
        assert await found.find_next_due() == 8.0
        again = await found.claim_task(8.0, 3.0)
        assert again is not None
        assert again[:5] == ("a", "t", 11.0, b"what", 2)
        await found.settle_task(again, 9.0)
        assert await found.find_next_due() == 9.0
        last = await found.claim_task(9.0, 3.0)
        assert last is not None
        await found.settle_task(last, None)
        assert await found.find_next_due() is None


async def test_task_that_has_changed_since_its_claim_is_not_settled(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        found = orchestrations_of(store)
        await write(store, changed(1, task("t", 5.0)))
        replaced = await found.claim_task(5.0, 3.0)
        await write(store, changed(2, task("t", 5.0)))
        assert replaced is not None
        await found.settle_task(replaced, None)
        lost = await found.claim_task(5.0, 3.0)  # the same moment, and one try, as before
        assert lost is not None
        await found.settle_task(replaced, None)
        assert await found.find_next_due() == 8.0
        held = await found.claim_task(8.0, 3.0)
        await found.settle_task(lost, 1.0)
        assert await found.find_next_due() == 11.0
        await write(store, changed(3, cancelled=("t",)))
        assert held is not None
        await found.settle_task(held, 1.0)
        assert await found.find_next_due() is None


async def test_tasks_are_claimed_once_by_many(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        found = orchestrations_of(store)
        await write(store, changed(1, *(task(f"{n}", float(n)) for n in range(30))))
        claimed = await asyncio.gather(*(found.claim_task(50.0, 3.0) for _ in range(30)))
        while last := await found.claim_task(50.0, 3.0):
            claimed.append(last)  # a claim may meet one that is being claimed, and find none
        keys = [one.key for one in claimed if one]
        assert sorted(keys, key=int) == [f"{n}" for n in range(30)]


async def test_changes_are_saved_with_the_step_that_they_belong_to(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        found, first = orchestrations_of(store), step(2)
        begun = changed(0, task("begin", 1.0))
        assert await store.save("a", first, LATER, changes=(begun,)) is first
        assert await store.load("a") == first
        assert await load(store) == ring(0)
        late = changed(0, task("late", 0.5)), changed(0, task("t", 0.5, of="b"), of="b")
        assert await store.save("a", step(1), LATER, changes=late) == first
        assert await store.save("a", step(2, b"other"), LATER, changes=late) == first
        assert await store.save("a", step(1), LATER, changes=late[:1]) == first
        assert await store.save("a", step(2, b"other"), LATER, changes=late[1:]) == first
        assert await found.find_next_due() == 1.0
        assert await load(store, "b") is None


async def test_change_of_a_step_keeps_what_turns_have_made(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await write(store, changed(3, task("t", 5.0)))
        left = changed(0, task("caller_left", 1.0))
        await store.save("a", step(1), LATER, changes=(left,))
        assert await load(store) == ring(3)
        assert await orchestrations_of(store).find_next_due() == 1.0


async def test_watcher_hears_of_tasks_after_their_commit(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        heard: list[float] = []
        orchestrations_of(store).watch_schedule(heard.append)
        await write(store, changed(1, task("t", 5.0), task("u", 4.0)))
        await store.save("b", step(1), LATER, changes=(changed(0, task("t", 3.0, of="b"), of="b"),))
        await store.save("b", step(1), LATER, changes=(changed(0, task("t", 2.0, of="b"), of="b"),))
        await write(store, changed(2))
        await write(store, OrchestrationChange("a", None, (task("t", 1.0),)))
        assert heard == [4.0, 3.0]


async def test_releases_of_orchestrations_are_needed(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await store.save("a", replace(step(1), release="r1"), LATER)
        other = OrchestrationChange("b", ring(of="b", release="r2"))
        await write(store, other)
        await write(store, changed(1))
        assert await store.find_needed_releases() == {"r1", "r2"}
        await write(store, OrchestrationChange("b", None))
        await write(store, OrchestrationChange("c", ring(of="c", release="")))
        assert await store.find_needed_releases() == {"r1"}


async def test_expired_orchestrations_and_forgotten_agents_are_dropped(opener: Opener) -> None:
    end = AGENT_KEPT_SECONDS + 100.0
    async with opened_store(opener) as (store, _):
        agents = (
            SavedAgent(ANNA, "a", end, 0.0),
            SavedAgent(BO, "b", 0.0, 0.0),
            SavedAgent("c", "", 0.0, 0.0, 99.0),
            SavedAgent("d", "", 0.0, 101.0),
        )
        over, lasting = (ring(of=name)._replace(expires=end + n) for n, name in enumerate("ab"))
        await write(store, OrchestrationChange("a", over, (task("t", 1.0),), (), agents))
        await write(store, OrchestrationChange("b", lasting, (task("t", 9.0, of="b"),)))
        found = orchestrations_of(store)
        assert await store.drop_expired(end - 1) == 0
        assert await load(store) == over
        assert await store.drop_expired(end) == 0
        assert await found.list_orchestrations() == [lasting]
        assert await found.find_next_due() == 9.0
        left = await found.load_agents([agent.address for agent in agents])
        assert left.keys() == {ANNA, BO, "d"}
        assert left[ANNA] == SavedAgent(ANNA, "", end, 0.0)
        assert left[BO].occupied_by == "b"


async def test_ids_and_addresses_of_any_kind_are_kept(opener: Opener) -> None:
    odd = "\ud800 \0 ü"
    async with opened_store(opener) as (store, _):
        agent = SavedAgent(odd, odd, 0.0, 0.0)
        await write(store, changed(1, task("t", 1.0, of=odd), of=odd, agents=(agent,)))
        found = orchestrations_of(store)
        assert await found.list_orchestrations() == [ring(1, of=odd)]
        assert await found.load_agents([odd]) == {odd: agent}
        claimed = await found.claim_task(1.0, 1.0)
        assert claimed is not None
        assert claimed.orchestration == odd


async def test_store_none_has_no_orchestrations_and_says_so() -> None:
    store = open_store("none")
    assert store.orchestrations is None
    assert MemoryStore().orchestrations is not None
    with pytest.raises(StoreError, match=r"over several calls: start the server with --store"):
        await store.save("a", step(1), LATER, changes=(changed(0),))
    assert await store.load("a") is None
