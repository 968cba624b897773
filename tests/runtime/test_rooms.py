"""A conference with a moderator, through the engine and the tasks."""

import asyncio
import json
import time
from typing import TypeVar

import pytest

from flowengine.orchestration.room_turn import MemberJoined
from flowengine.releases import Registry
from flowengine.runtime.engine import Engine
from flowengine.runtime.orchestration_janitor import OrchestrationJanitor
from flowengine.runtime.platform_requests import CallOwner, RequestUnclear
from flowengine.runtime.rooms import EMPTY_ROOM_KIND, ROOM_KIND, name_room
from flowengine.sinch import decode
from flowengine.states.room_plan import EnterRoom, RoomPlan
from flowengine.storage.sessions import MemoryStore, StoreError
from flowengine.storage.sessions.memory_orchestrations import MemoryOrchestrations
from flowengine.storage.sessions.orchestration_rows import Decide, ListAgents
from tests.compiled_release import compile_release
from tests.runtime.ring_calls import APPLICATION, CODEC, REGION, RingLine, answer_no_lookup, run

T = TypeVar("T")
FLOW = """
flow: board
start: room
on: {ended: over}
states:
  room:
    say: Welcome.
    connect:
      conference: board
      moderator: call.from == "+46700000001"
      wait: music1
      until: moderator leaves
      keys: {1: mute, 9: end}
  over: {done: }
"""
RELEASE = compile_release({"board.yaml": FLOW})
HOST, ANNA = "46700000001", "46700000002"


class BoardLine(RingLine):
    """Callers who dial into the conference."""

    def __init__(self) -> None:
        super().__init__(RELEASE)

    async def join(self, caller: str) -> None:
        """Dial in, and hear the words."""
        answer = await self.call(
            caller, "ice", cli=caller, to={"type": "did", "endpoint": "1"},
            callResourceUrl=f"{REGION}/calling/v1/calls/id/{caller}",
        )  # fmt: skip
        assert answer["action"]["name"] == "connectConf"
        assert answer["action"]["moh"] == "music1"
        assert answer["action"]["conferenceDtmfOptions"]["mode"] == "detect"

    async def come_in(self, caller: str) -> None:
        """The platform has said the words."""
        self.platform.participants.add(("board", caller))
        await self.run_tasks(0.25)

    async def press_key(self, caller: str, key: str, second: int) -> None:
        """Press a key in this second of the minute."""
        stamp = f"2026-11-28T10:00:{second:02}.1234567Z".encode()
        body = json.dumps(
            {
                "event": "pie",
                "callid": caller,
                "version": 1,
                "applicationKey": APPLICATION,
                "conferenceId": "board",
                "menuResult": {"menuId": "board", "type": "sequence", "value": key},
            }
        ).encode()
        reply = await self.engine.answer(decode(body), body, stamp)
        assert json.loads(reply.body) == {}
        await self.run_tasks()

    async def leave(self, caller: str) -> None:
        self.platform.participants.discard(("board", caller))
        await self.call(caller, "dice", result="ANSWERED", reason="CALLERHANGUP")
        await self.run_tasks(0.25)

    async def count(self, kind: str) -> int:
        assert self.store.orchestrations is not None
        return await self.store.orchestrations.count_orchestrations(kind)


def test_guests_wait_for_the_moderator_and_leave_with_them() -> None:
    async def meet() -> None:
        line = BoardLine()
        await line.join(ANNA)
        await line.run_tasks()
        assert line.platform.changes == []
        await line.come_in(ANNA)
        assert line.platform.changes == [(ANNA, "onhold music1")]
        await line.join(HOST)
        await line.run_tasks()
        assert len(line.platform.changes) == 1
        await line.come_in(HOST)
        assert line.platform.changes[1:] == [(HOST, "find"), (ANNA, "resume")]
        assert line.platform.owners == {CallOwner(APPLICATION, REGION)}
        assert await line.count(ROOM_KIND) == 1
        await line.leave(HOST)
        assert line.platform.changes[3:] == [(ANNA, "remove")]
        await line.leave(ANNA)
        assert (await line.count(ROOM_KIND), await line.count(EMPTY_ROOM_KIND)) == (0, 1)

    run(meet())


@pytest.mark.parametrize(
    ("until", "change"), [("", "onhold music1"), ("until: moderator leaves", "remove")]
)
def test_guests_hear_music_or_leave_as_soon_as_the_end_of_the_moderator_is_told(
    until: str, change: str
) -> None:
    """The requests are due with the turn: no timer and no look stands between them."""

    async def leave() -> None:
        line = BoardLine()
        line.release = compile_release(
            {"board.yaml": FLOW.replace("until: moderator leaves", until)}
        )
        line.restart()
        for caller in (HOST, ANNA):
            await line.join(caller)
            await line.come_in(caller)
        before, now = len(line.platform.changes), line.now
        line.platform.participants.discard(("board", HOST))
        await line.call(HOST, "dice", result="ANSWERED", reason="CALLERHANGUP")
        await line.run_tasks()
        assert line.platform.changes[before:] == [(ANNA, change)]
        assert line.now == now

    run(leave())


def test_next_meeting_in_an_empty_conference_begins_anew() -> None:
    async def meet() -> None:
        line = BoardLine()
        await line.join(HOST)
        await line.come_in(HOST)
        await line.leave(HOST)
        await line.join(ANNA)
        await line.come_in(ANNA)
        assert line.platform.changes[1:] == [(ANNA, "onhold music1")]
        assert await line.count(ROOM_KIND) == 1

    run(meet())


def test_keys_are_handled_once_and_go_on_after_a_restart() -> None:
    async def meet() -> None:
        line = BoardLine()
        for caller in (ANNA, HOST):
            await line.join(caller)
            await line.come_in(caller)
        line.platform.changes.clear()
        await line.press_key(ANNA, "1", 1)
        await line.press_key(ANNA, "1", 1)  # told again: the same delivery
        assert line.platform.changes == [(ANNA, "mute")]
        line.restart()
        await line.press_key(ANNA, "9", 2)  # a moderator's
        await line.press_key(ANNA, "5", 3)
        assert line.platform.changes == [(ANNA, "mute")]
        await line.press_key(HOST, "9", 4)
        assert line.platform.changes[1:] == [(ANNA, "remove"), (HOST, "remove")]

    run(meet())


def test_request_that_fails_is_sent_again() -> None:
    async def meet() -> None:
        line = BoardLine()
        await line.join(ANNA)
        line.platform.outcomes = [RequestUnclear("no answer")]
        await line.come_in(ANNA)
        await line.run_tasks(0.25)
        assert line.platform.changes == [(ANNA, "onhold music1")] * 2

    run(meet())


def test_caller_who_leaves_during_the_words_is_asked_for_no_more() -> None:
    async def meet() -> None:
        line = BoardLine()
        await line.join(ANNA)
        await line.run_tasks()
        await line.leave(ANNA)
        await line.come_in(ANNA)
        assert line.platform.changes == []
        assert await line.count(ROOM_KIND) == 0

    run(meet())


def test_member_whose_end_was_not_told_is_forgotten() -> None:
    async def meet() -> None:
        line = BoardLine()
        for caller in (ANNA, HOST):
            await line.join(caller)
            await line.come_in(caller)
        line.platform.ongoing[HOST] = False
        assert line.engine.orchestrations is not None
        janitor = OrchestrationJanitor(
            line.store, line.engine.orchestrations, line.platform, lambda: line.now
        )
        line.now += 60
        await janitor.look_after_rings(0)
        await line.run_tasks()
        assert line.platform.changes[-1] == (ANNA, "remove")

    run(meet())


def test_members_of_a_conference_that_moves_are_looked_for_each_minute() -> None:
    async def meet() -> None:
        line = BoardLine()
        for caller in (ANNA, HOST):
            await line.join(caller)
            await line.come_in(caller)
        line.platform.ongoing[HOST] = False
        assert line.engine.orchestrations is not None
        janitor = OrchestrationJanitor(
            line.store, line.engine.orchestrations, line.platform, lambda: line.now
        )
        await janitor.look_after_rings(3)
        await line.run_tasks()
        assert line.platform.changes[-1] == (ANNA, "remove")

    run(meet())


class SlowStore(MemoryOrchestrations):
    """A store that counts turns, each of which takes a moment. The first one fails."""

    turns = 0

    async def take_turn(self, id: str, list_agents: ListAgents, decide: Decide[T]) -> T:  # noqa: A002
        self.turns += 1
        await asyncio.sleep(0)
        if self.turns == 1:
            raise StoreError("busy")
        return await super().take_turn(id, list_agents, decide)


def test_events_that_come_during_a_turn_are_taken_together_after_it() -> None:
    async def meet() -> None:
        line = BoardLine()
        assert line.engine.orchestrations is not None
        rooms = line.engine.orchestrations.rooms
        owner = CallOwner(APPLICATION, REGION)
        rooms.store = store = SlowStore(time.time)
        plans = {str(number): RoomPlan("board", wait="music1") for number in range(20)}
        store.write_changes(rooms.build_updates("0", owner, 1, [EnterRoom(plans["0"])]))
        room_id = name_room(APPLICATION, "board")
        joins = [MemberJoined(call, APPLICATION, REGION, plan) for call, plan in plans.items()]
        results = await asyncio.gather(
            *(rooms.take_turn(room_id, join) for join in joins), return_exceptions=True
        )
        assert [type(result) for result in results] == [StoreError, *[bool] * 19]
        assert store.turns == 2
        saved = await store.load_orchestration(room_id)
        room = rooms.open(saved) if saved else None
        assert room
        assert [one.call_id for one in room.members] == [*plans][1:]

    run(meet())


def test_conference_with_a_moderator_needs_a_session_store() -> None:
    async def meet() -> None:
        line = BoardLine()
        store = MemoryStore()
        store.orchestrations = None
        line.engine = Engine(Registry(RELEASE), store, CODEC, answer_no_lookup)
        answer = await line.call("c1", "ice", cli=ANNA, to={"type": "did", "endpoint": "1"})
        assert answer["action"] == {"name": "hangup"}

    run(meet())
