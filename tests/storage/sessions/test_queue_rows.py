"""What every store promises to queues."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from flowengine.storage.sessions import (
    OrchestrationChange,
    SavedAgent,
    SavedCall,
    SavedOrchestration,
    ScheduledTask,
    Store,
)
from flowengine.storage.sessions.orchestration_rows import (
    MATCH_TASK,
    QUEUE_ENTRY_KEPT_SECONDS,
    QUEUE_KIND,
    RESERVATION_SECONDS,
    RESERVED,
    WAITING_ENTRY_KEPT_SECONDS,
    QueueEntry,
    SavedAgentStatus,
)
from tests.storage.sessions.opened_stores import LATER, Opener, opened_store
from tests.storage.sessions.test_orchestration_rows import changed, orchestrations_of, write

pytestmark = pytest.mark.usefixtures("patient")
ANNA, BO = "+14045009001", "sip:bo@example.com"
QUEUE, OTHER_QUEUE = "queue app sales", "queue app support"


def entry(call: str, entered: float, priority: int = 0, **more: Any) -> QueueEntry:
    return QueueEntry(QUEUE, call, 1, priority, entered, **more)


def queue_row(of: str = QUEUE) -> OrchestrationChange:
    return OrchestrationChange(of, SavedOrchestration(of, QUEUE_KIND, "", 1, b"group", LATER))


async def enter(store: Store, *entries: QueueEntry) -> None:
    for one in entries:
        await write(store, changed(of=one.call, entries=(one,)))


async def look(
    store: Store, *agents: str, group: str = "sales"
) -> tuple[Mapping[str, SavedAgent], list[str]]:
    """What a turn of the queue gets to see."""

    def decide(
        _saved: SavedOrchestration | None,
        found: Mapping[str, SavedAgent],
        calls: Sequence[QueueEntry],
    ) -> tuple[None, tuple[Mapping[str, SavedAgent], list[str]]]:
        return None, (found, [one.call for one in calls])

    return await orchestrations_of(store).take_queue_turn(QUEUE, group, lambda _: agents, decide)


async def test_calls_wait_in_the_order_of_priority_and_arrival(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await enter(store, entry("b", 2.0), entry("a", 1.0), entry("c", 3.0, 9), entry("d", 4.0, 9))
        await enter(store, entry("e", 0.5, offered=ANNA))
        assert (await look(store))[1] == ["c", "d", "a", "b"]
        waiting = await orchestrations_of(store).list_entries(QUEUE, 0.0)
        assert [one.call for one in waiting] == ["c", "d", "e", "a", "b"]


async def test_place_counts_those_before_it_and_the_latest_answered_calls(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await enter(store, entry("a", 1.0), entry("b", 2.0), entry("c", 3.0, 9))
        places = orchestrations_of(store)
        assert await places.read_place(QUEUE, (0, 2.0, "b"), 0.0) == (2, 0, 0.0)
        assert await places.read_place(QUEUE, (5, 9.0, ""), 0.0) == (1, 0, 0.0)
        assert await places.read_place(OTHER_QUEUE, (0, 2.0, "b"), 0.0) == (0, 0, 0.0)
        assert await places.count_entries(QUEUE) == 3
        for number in range(12):
            taken = entry(f"t{number}", 1.0, outcome="answered", ended=100.0 + number)
            await enter(store, taken, entry(f"l{number}", 1.0, outcome="abandoned", ended=200.0))
        assert await places.read_place(QUEUE, (0, 2.0, "b"), 0.0) == (2, 10, 102.0)
        assert await places.read_place(QUEUE, (0, 2.0, "b"), 108.0) == (2, 3, 109.0)


async def test_places_are_for_as_many_callers_of_a_burst_as_there_is_room_for(
    opener: Opener,
) -> None:
    async with opened_store(opener) as (store, _):
        places = orchestrations_of(store)
        await enter(store, entry("a", 1.0))
        burst = [entry(f"c{number}", 2.0, offered=RESERVED) for number in range(8)]
        found = await asyncio.gather(*(places.reserve_place(one, 3) for one in burst))
        assert sorted(found, key=bool)[:6] == [None] * 6
        assert len({*found}) == 3  # no two have the same place
        kept = [one for one, entered_at in zip(burst, found, strict=True) if entered_at]
        again = [await places.reserve_place(one, 3) for one in kept]  # the callback comes again
        assert again == [entered_at for entered_at in found if entered_at]
        assert {*(await look(store))[1]} == {"a", *(one.call for one in kept)}
        assert await places.count_entries(QUEUE) == 3
        assert await places.reserve_place(burst[0]._replace(queue=OTHER_QUEUE, number=2), 1)
        await enter(store, kept[0]._replace(offered=""))
        (reserved,) = [
            one for one in await places.list_entries(QUEUE, 0.0) if one.offered == RESERVED
        ]
        assert reserved.call == kept[1].call
        later = 2.0 + RESERVATION_SECONDS + 1
        assert await places.reserve_place(entry("d", later, offered=RESERVED), 3)
        assert await places.count_entries(QUEUE) == 3  # the second of the burst has never come
        await store.drop_expired(later + RESERVATION_SECONDS + 1)
        assert await places.count_entries(QUEUE) == 2


async def test_place_is_behind_all_of_its_priority_whatever_the_clock_says(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        places = orchestrations_of(store)
        first = await places.reserve_place(entry("a", 7.0, offered=RESERVED), 0)
        assert first == 7.0
        second = await places.reserve_place(entry("b", 6.0, offered=RESERVED), 0)
        assert second is not None
        assert 7.0 < second < 7.001
        assert await places.reserve_place(entry("c", 6.0, 9, offered=RESERVED), 0) == 6.0
        assert await places.read_place(QUEUE, (0, second, "b"), 0.0) == (2, 0, 0.0)
        await enter(store, entry("b", 8.0), entry("a", 9.0))  # by the turns, which come later
        assert (await look(store))[1] == ["c", "a", "b"]
        assert await places.read_place(QUEUE, (0, first, "a"), 0.0) == (1, 0, 0.0)


async def test_wait_that_has_ended_never_changes(opener: Opener) -> None:
    """A turn of the queue may have read it before its end."""
    async with opened_store(opener) as (store, _):
        await enter(store, entry("a", 1.0))
        await write(
            store, changed(2, of="a", entries=(entry("a", 1.0, outcome="abandoned", ended=5.0),))
        )
        await write(store, changed(3, of="a", entries=(entry("a", 1.0, offered=ANNA),)))
        assert (await look(store))[1] == []
        (known,) = await orchestrations_of(store).list_entries(QUEUE, 0.0)
        assert (known.outcome, known.ended) == ("abandoned", 5.0)
        assert await orchestrations_of(store).list_entries(QUEUE, 6.0) == []


async def test_new_entry_leaves_one_with_its_call_and_number_as_it_is(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        added = [entry("a", 1.0), entry("b", 2.0), entry("c", 3.0)]
        await enter(store, added[0]._replace(offered=ANNA))
        await enter(store, added[1]._replace(outcome="called", ended=5.0))
        change = OrchestrationChange(
            "c", SavedOrchestration("c", "ring", "", 0, b"", LATER), new_entries=tuple(added)
        )
        saved = SavedCall(1, b"state", b"log", b"answer", 1.0)
        assert await store.save("caller", saved, LATER, [change]) is saved
        assert (await look(store))[1] == ["c"]
        known = await orchestrations_of(store).list_entries(QUEUE, 0.0)
        assert [(one.call, one.offered, one.outcome) for one in known] == [
            ("a", ANNA, ""), ("c", "", ""), ("b", "", "called")
        ]  # fmt: skip


async def test_waking_gives_a_task_to_queues_with_calls_alone(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        heard: list[float] = []
        orchestrations_of(store).watch_schedule(heard.append)
        await write(store, queue_row())
        await write(store, queue_row(OTHER_QUEUE))
        await write(store, changed(of="x", wakes_queues=1.0))
        assert await orchestrations_of(store).find_next_due() is None
        await enter(store, entry("a", 1.0))
        offered = ScheduledTask("a", "offer", 4.0, b"anna")
        for_queue = ScheduledTask(QUEUE, MATCH_TASK, 9.0, b"")
        await write(store, changed(2, offered, for_queue, of="a"))
        await write(store, changed(2, of="x", wakes_queues=3.0))
        first = await orchestrations_of(store).claim_task(5.0, 60.0)
        second = await orchestrations_of(store).claim_task(5.0, 60.0)
        assert first is not None
        assert second is not None
        assert (first.orchestration, first.key) == (QUEUE, MATCH_TASK)
        assert (second.orchestration, second.payload) == ("a", b"anna")
        assert await orchestrations_of(store).claim_task(5.0, 60.0) is None
        assert heard[-1] == 3.0
        await orchestrations_of(store).wake_queues(7.0)
        third = await orchestrations_of(store).claim_task(8.0, 60.0)
        assert third is not None
        assert (third.orchestration, third.due) == (QUEUE, 68.0)
        assert await orchestrations_of(store).claim_task(8.0, 60.0) is None
        assert heard[-1] == 7.0


async def test_signing_is_seen_in_turns_of_its_group(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        known = orchestrations_of(store)
        await write(store, changed(agents=(SavedAgent(BO, "a", 1.0, 2.0),)))
        await known.set_agent_status(SavedAgentStatus("sales", ANNA, "out", 7.0))
        await write(
            store, changed(2, agent_statuses=(SavedAgentStatus("sales", BO, "pause", 8.0),))
        )
        agents, _ = await look(store, ANNA, BO)
        assert agents[ANNA] == SavedAgent(ANNA, "", 0.0, 0.0, status="out")
        assert agents[BO] == SavedAgent(BO, "a", 1.0, 2.0, status="pause")
        agents, _ = await look(store, ANNA, BO, group="support")
        assert {one.status for one in agents.values()} <= {""}
        assert (await known.load_agents((BO,), "sales"))[BO].status == "pause"
        await known.set_agent_status(SavedAgentStatus("sales", ANNA, "in", 9.0))
        assert sorted(await known.list_agent_statuses()) == [
            SavedAgentStatus("sales", ANNA, "in", 9.0),
            SavedAgentStatus("sales", BO, "pause", 8.0),
        ]


async def test_signer_of_a_member_counts_for_the_status_that_they_set_alone(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        known = orchestrations_of(store)
        set_by_rita = SavedAgentStatus("sales", ANNA, "out", 7.0, "Rita")
        await known.set_agent_status(set_by_rita)
        await known.set_agent_status(SavedAgentStatus("sales", BO, "out", 7.0, "Rita"))
        await known.set_agent_status(SavedAgentStatus("sales", BO, "in", 8.0, "Omar"))
        assert sorted(await known.list_agent_statuses()) == [
            set_by_rita,
            SavedAgentStatus("sales", BO, "in", 8.0, "Omar"),
        ]
        # a call, or a server of before
        by_call = SavedAgentStatus("sales", ANNA, "in", 9.0)
        await write(store, changed(2, agent_statuses=(by_call,)))
        assert by_call in await known.list_agent_statuses()


async def test_call_that_is_forgotten_waits_no_more_and_old_entries_go(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await enter(store, entry("a", LATER), entry("b", 1.0, outcome="answered", ended=2.0))
        await write(store, OrchestrationChange("a", None))
        assert [one.call for one in await orchestrations_of(store).list_entries(QUEUE, 0.0)] == [
            "b"
        ]
        kept = SavedOrchestration("c", "ring", "", 1, b"", 1e9)  # for longer than figures count
        await write(store, OrchestrationChange("c", kept, entries=(entry("c", 1.0),)))
        await store.drop_expired(QUEUE_ENTRY_KEPT_SECONDS + 3.0)
        assert [one.call for one in await orchestrations_of(store).list_entries(QUEUE, 0.0)] == [
            "c"
        ]


async def test_called_entries_of_call_backs_are_kept_for_as_long_as_these_may_wait(
    opener: Opener,
) -> None:
    async with opened_store(opener) as (store, _):
        called = {"outcome": "called", "ended": 2.0}
        for call, kind, entries in (
            (
                "a",
                "waits",
                (entry("a", 1.0, **called)._replace(number=2), entry("a", 1.0, **called)),
            ),
            ("b", "over", (entry("b", 1.0, **called),)),
            ("c", "waits", (entry("c", 1.0, outcome="answered", ended=2.0),)),
            ("d", "waits", (entry("d", 1.0),)),
        ):
            saved = SavedOrchestration(call, kind, "", 1, b"", 1e9)
            await write(store, OrchestrationChange(call, saved, entries=entries))
        await store.drop_expired(QUEUE_ENTRY_KEPT_SECONDS + 9.0)
        found = await orchestrations_of(store).list_called_entries("waits")
        assert [(one.queue, one.call, one.number) for one in found] == [
            (QUEUE, "a", 1), (QUEUE, "a", 2),
        ]  # fmt: skip
        await store.drop_expired(WAITING_ENTRY_KEPT_SECONDS + 9.0)
        assert await orchestrations_of(store).list_called_entries("waits") == []


async def test_orchestration_that_expires_waits_no_more(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        saved = SavedOrchestration("a", "ring", "", 1, b"", 10.0)
        await write(store, OrchestrationChange("a", saved, entries=(entry("a", 1.0),)))
        await store.drop_expired(11.0)
        assert await orchestrations_of(store).list_entries(QUEUE, 0.0) == []
