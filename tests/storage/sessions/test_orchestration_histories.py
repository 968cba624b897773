"""Random histories of turns, tasks and agents: every store does what a simple model says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.storage.sessions import (
    OrchestrationChange,
    OrchestrationStore,
    SavedAgent,
    SavedOrchestration,
    ScheduledTask,
    Store,
)
from tests.storage.sessions.opened_stores import (
    LATER,
    in_memory,
    on_postgresql,
    on_sqlite,
    opened_store,
    step,
)
from tests.thoroughness import examples

pytestmark = pytest.mark.usefixtures("patient")
IDS, KEYS, AGENTS = "abc", "tuv", ("anna", "bo", "cleo")
LEASE = 3.0
names = st.sampled_from(IDS)
dues = st.floats(0, 8).map(lambda due: round(due, 3))
turns = st.fixed_dictionaries(
    {
        "do": st.just("turn"),
        "id": names,
        "is_over": st.sampled_from([False, False, False, True]),
        "tasks": st.dictionaries(st.sampled_from(KEYS), dues, max_size=3),
        "cancelled": st.lists(st.sampled_from(KEYS), max_size=2),
        "agents": st.dictionaries(st.sampled_from(AGENTS), st.booleans(), max_size=2),
    }
)
saves = st.fixed_dictionaries(
    {"do": st.just("save"), "id": names, "counter": st.integers(1, 4), "due": dues}
)
claims = st.fixed_dictionaries({"do": st.just("claim"), "at": dues})
settlements = st.fixed_dictionaries(
    {"do": st.just("settle"), "number": st.integers(0, 3), "due": st.none() | dues}
)
histories = st.lists(turns | saves | claims | settlements, max_size=30)


@dataclass
class Model:
    """What is stored. A task is its due time, payload, tries, and the claim that holds it."""

    calls: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    tasks: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    agents: dict[str, SavedAgent] = field(default_factory=dict)

    def end(self, name: str) -> None:
        self.versions.pop(name, None)
        self.tasks = {key: one for key, one in self.tasks.items() if key[0] != name}
        for agent in [one for one in self.agents.values() if one.occupied_by == name]:
            self.agents[agent.address] = agent._replace(occupied_by="")

    def find_next_due(self) -> float | None:
        return min((one[0] for one in self.tasks.values()), default=None)


class History:
    """Does the same to the store and to the model, and compares."""

    def __init__(self, store: Store) -> None:
        assert store.orchestrations is not None
        self.store = store
        self.found: OrchestrationStore = store.orchestrations
        self.model = Model()
        self.claimed: list[ScheduledTask] = []

    async def turn(self, number: int, wanted: dict[str, Any]) -> None:
        name, model = wanted["id"], self.model
        version = model.versions.get(name)

        def list_agents(saved: SavedOrchestration | None) -> Collection[str]:
            assert (None if saved is None else saved.version) == version
            return list(wanted["agents"])

        def decide(
            _: SavedOrchestration | None, agents: Mapping[str, SavedAgent]
        ) -> tuple[OrchestrationChange, int]:
            assert agents == {
                one: model.agents[one] for one in wanted["agents"] if one in model.agents
            }
            return change, number

        change = self.build_change(number, wanted, (version or 0) + 1)
        assert await self.found.take_turn(name, list_agents, decide) == number
        model.agents |= {agent.address: agent for agent in change.agents}
        if change.saved is None:
            model.end(name)
        else:
            self.write(change)

    def build_change(
        self, number: int, wanted: dict[str, Any], version: int
    ) -> OrchestrationChange:
        name = wanted["id"]
        return OrchestrationChange(
            name,
            None if wanted["is_over"] else orchestration(name, version),
            tuple(
                ScheduledTask(name, key, due, b"%d" % number)
                for key, due in wanted["tasks"].items()
            ),
            tuple(wanted["cancelled"]),
            tuple(
                SavedAgent(one, name if is_taken else "", float(number), 0.5)
                for one, is_taken in wanted["agents"].items()
            ),
        )

    def write(self, change: OrchestrationChange) -> None:
        assert change.saved is not None
        versions = self.model.versions
        versions[change.id] = max(versions.get(change.id, 0), change.saved.version)
        for key in change.cancelled:
            self.model.tasks.pop((change.id, key), None)
        for task in change.scheduled:
            self.model.tasks[change.id, task.key] = [task.due, task.payload, 0, None]

    async def save(self, number: int, wanted: dict[str, Any]) -> None:
        name, counter = wanted["id"], wanted["counter"]
        task = ScheduledTask(name, "t", wanted["due"], b"%d" % number)
        change = OrchestrationChange(name, orchestration(name, 0), (task,))
        made = step(counter, b"%d" % number)
        kept = await self.store.save(name, made, LATER, changes=(change,))
        assert (kept is made) == (counter > self.model.calls.get(name, 0))
        if kept is made:
            self.model.calls[name] = counter
            self.write(change)

    async def claim(self, _: int, wanted: dict[str, Any]) -> None:
        now, first = wanted["at"], self.model.find_next_due()
        claimed = await self.found.claim_task(now, LEASE)
        if claimed is None:
            assert first is None or first > now
            return
        stored = self.model.tasks[claimed.orchestration, claimed.key]
        assert stored[0] == first
        assert stored[0] <= now
        stored[0], stored[2], stored[3] = now + LEASE, stored[2] + 1, len(self.claimed)
        assert (claimed.due, claimed.payload, claimed.tries) == tuple(stored[:3])
        self.claimed.append(claimed)

    async def settle(self, _: int, wanted: dict[str, Any]) -> None:
        number = len(self.claimed) - 1 - wanted["number"]
        if number < 0:
            return
        task, due = self.claimed[number], wanted["due"]
        await self.found.settle_task(task, due)
        key = task.orchestration, task.key
        stored = self.model.tasks.get(key)
        if stored is not None and stored[3] == number:
            if due is None:
                del self.model.tasks[key]
            else:
                stored[0] = due

    async def compare(self) -> None:
        model = self.model
        assert await self.found.find_next_due() == model.find_next_due()
        stored = await self.found.list_orchestrations()
        assert {one.id: one for one in stored} == {
            name: orchestration(name, version) for name, version in model.versions.items()
        }
        assert await self.found.load_agents(AGENTS) == model.agents


def orchestration(name: str, version: int) -> SavedOrchestration:
    return SavedOrchestration(name, "ring", "r", version, b"%d" % version, LATER)


@given(history=histories)
@settings(max_examples=examples(40))
@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
async def test_store_does_what_the_model_says(
    history: list[dict[str, Any]], kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "memory":
        opener = in_memory
    elif kind == "sqlite":
        folder = request.getfixturevalue("tmp_path_factory").mktemp("store")
        opener = on_sqlite(folder / "calls.db")
    else:
        address = request.getfixturevalue("postgresql_server")
        opener = on_postgresql(address)
    async with opened_store(opener) as (store, _):
        await store.drop_expired(1e12)  # of the example before
        run = History(store)
        for number, wanted in enumerate(history):
            await getattr(run, wanted["do"])(number, wanted)
            await run.compare()
