"""A call-back in the turn of the caller, from the key in the queue to the member, through the engine
and the tasks.
"""

from typing import Any

import pytest

from flowengine.compile import Release
from flowengine.orchestration.matching import format_queue_id
from flowengine.orchestration.placement import ASKING_CALL_SECONDS
from flowengine.runtime.placement_tasks import CALLER_POLL_SECONDS
from flowengine.runtime.placements import WAITING_KIND
from flowengine.runtime.queue_overview import load_agent_overviews, load_queue_overviews
from flowengine.runtime.task_loop import TASK_LEASE_SECONDS
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX
from flowengine.templates import read_template
from tests.compiled_release import compile_release
from tests.runtime.place_calls import CALLER, OWN_NUMBER, PlaceLine
from tests.runtime.ring_calls import ANNA, APPLICATION, run

FILES = {
    "project.yaml": """
project: acme
zone: UTC
routes: [{flow: line}]
calendars: {support: {open: {daily: 09:00-17:00}}}
""",
    "groups/support.yaml": f"""
members: ["{ANNA}"]
most_waiting: 2
wrap_up: 0s
pause: 10s
""",
    "line.yaml": """
flow: line
locale: en-US
start: support
states:
  support:
    queue:
      of: support
      wait: {say: "You are number ${queue.position}."}
      keys: {2: call_back}
      priority: 'call.from == "+46700000005" ? 5 : 0'
      limit: 20m
      nobody: call_back
      full: call_back
  call_back:
    place: {flow: back, to: "${call.from}", when: my turn, within: support, tries: 2, pause: 5m}
    error: bye
    next: bye
  bye: {say: Goodbye., hangup: }
""",
    "back.yaml": """
flow: back
locale: en-US
on: {answered: greet}
states:
  greet: {menu: {prompt: "To speak with us, press 1.", options: {1: wait}, otherwise: bye}}
  wait:
    queue: {of: support, wait: {say: "Number ${queue.position}."}, limit: 5m, nobody: bye}
  bye: {say: Nobody is there., hangup: }
""",
}
RELEASE = compile_release(FILES)
QUEUE = format_queue_id(APPLICATION, "support")


class TurnLine(PlaceLine):
    """The queue of one agent, who talks with a caller. Another caller has waited behind them, and
    has gone to be called back.
    """

    def __init__(self, release: Release = RELEASE, **options: Any) -> None:
        super().__init__(release, **options)

    async def begin_talk(self) -> None:
        await self.dial_in_from("+46700000001", "talks")
        await self.run_tasks()
        await self.ask(0)
        await self.call("leg-0", "ace")
        await self.press("leg-0", "1")

    async def begin(self) -> None:
        await self.begin_talk()
        await self.dial_in_from()
        await self.run_tasks(5)
        await self.leave_by_key("caller")
        await self.run_tasks(5)
        await self.dial_in_from("+46700000003", "later")
        await self.run_tasks()

    async def run_tasks_of_killed_worker(self, number: int, *, is_done: bool) -> bool:
        """Run the tasks that are due up to the one with this number, from 0: the worker is killed in
        it, before or after its turn. Returns whether there was one; its lease goes on.
        """
        assert self.store.orchestrations is not None
        while task := await self.store.orchestrations.claim_task(self.now, TASK_LEASE_SECONDS):
            if number == 0:
                if is_done:
                    await self.tasks.handle(task)
                return True
            due = await self.tasks.handle(task)
            await self.store.orchestrations.settle_task(task, due)
            number -= 1
        return False

    async def leave_by_key(self, call_id: str, key: str = "2") -> None:
        result = {"menuId": "room", "type": "sequence", "value": key}
        await self.call(call_id, "pie", menuResult=result, conferenceId="room")
        await self.run_tasks()
        await self.hang_up(call_id)

    async def hang_up(self, call_id: str) -> None:
        await self.call(call_id, "dice", result="ANSWERED")

    async def free_agent(self) -> None:
        await self.call("leg-0", "dice", result="ANSWERED")
        await self.run_tasks()

    async def list_waiting(self) -> list[str]:
        assert self.store.orchestrations is not None
        entries = await self.store.orchestrations.list_entries(QUEUE, 0.0)
        kinds = {True: "call-back"}
        return [
            kinds.get(one.call.startswith(PLACEMENT_ID_PREFIX), one.call)
            for one in entries
            if not one.outcome
        ]

    async def find_agent(self) -> str:
        assert self.store.orchestrations is not None
        (agent,) = await self.store.orchestrations.load_agents([ANNA])
        return (await self.store.orchestrations.load_agents([ANNA]))[agent].occupied_by


def test_caller_who_leaves_keeps_the_place_and_comes_in_front() -> None:
    async def wait() -> None:
        line = TurnLine()
        await line.begin()
        assert await line.list_waiting() == ["call-back", "later"]
        assert line.rung == [ANNA]  # nobody is called before the turn
        assert line.store.orchestrations is not None
        (queue,) = await load_queue_overviews(line.store.orchestrations, line.now)
        assert (queue.waiting, queue.call_backs) == (2, 1)
        await line.free_agent()
        assert line.rung == [ANNA, CALLER]
        assert (await line.find_agent()).startswith(PLACEMENT_ID_PREFIX)  # kept for them
        await line.callback(1, "ice", originationType="SERVER")
        await line.callback(1, "ace")
        answer = await line.press("leg-1", "1", menu="back.greet")
        assert answer["instructions"][0]["text"] == "Number 1."
        await line.run_tasks()
        # the member is rung for them, and not for the one who came later
        assert line.rung == [ANNA, CALLER, ANNA]
        assert await line.find_agent() == "leg-1"
        assert await line.list_waiting() == ["leg-1", "later"]

    run(wait())


@pytest.mark.parametrize("is_end_lost", [False, True])
def test_caller_who_hears_goodbye_is_not_called_before_the_end(*, is_end_lost: bool) -> None:
    async def wait() -> None:
        line = TurnLine()
        await line.dial_in_from()
        await line.run_tasks()  # the phone of the agent rings
        result = {"menuId": "room", "type": "sequence", "value": "2"}
        await line.call("caller", "pie", menuResult=result, conferenceId="room")
        for _ in range(20):
            await line.run_tasks(1)
        assert line.rung == [ANNA]
        assert not (await line.find_agent()).startswith(PLACEMENT_ID_PREFIX)
        if is_end_lost:
            await line.run_tasks(ASKING_CALL_SECONDS)
        else:
            await line.hang_up("caller")
            await line.run_tasks(CALLER_POLL_SECONDS)
        assert line.rung == [ANNA, CALLER]

    run(wait())


def test_caller_of_the_template_who_asks_twice_is_called_twice() -> None:
    async def wait() -> None:
        files = read_template("queue-with-call-back", "acme")
        line = TurnLine(
            compile_release(
                {
                    name: text.replace("+14045550119", OWN_NUMBER)
                    for name, text in files.items()
                    if not name.startswith("scenarios/")
                }
            )
        )
        assert line.store.orchestrations is not None
        for call in ("first", "second"):
            await line.dial_in_from(call_id=call)
            await line.run_tasks()
            await line.leave_by_key(call)
            await line.run_tasks(60)
        assert len(await line.store.orchestrations.list_orchestrations(WAITING_KIND)) == 2

    run(wait())


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_next_caller_does_not_pass_a_call_back_whatever_task_a_worker_is_killed_in(
    number: int, *, is_done: bool
) -> None:
    """The agent is free right after the end of the call, before the lease of that task is over."""

    async def wait() -> None:
        line = TurnLine()
        await line.begin_talk()
        await line.dial_in_from()
        await line.dial_in_from("+46700000003", "later")
        await line.run_tasks(5)
        result = {"menuId": "room", "type": "sequence", "value": "2"}
        await line.call("caller", "pie", menuResult=result, conferenceId="room")
        assert line.store.orchestrations is not None
        has_killed = await line.run_tasks_of_killed_worker(number, is_done=is_done)
        if not await line.store.orchestrations.list_orchestrations(WAITING_KIND):
            await line.run_tasks(TASK_LEASE_SECONDS)  # the caller is still in the room
        await line.hang_up("caller")
        if not has_killed:
            await line.run_tasks_of_killed_worker(number, is_done=is_done)
        await line.free_agent()
        assert await line.find_agent() != "later"
        for _ in range(8):
            await line.run_tasks(TASK_LEASE_SECONDS / 4)
        assert line.rung == [ANNA, CALLER]

    run(wait())


def test_second_call_back_with_the_key_of_one_outside_of_turns_leaves_no_place_behind() -> None:
    async def wait() -> None:
        changes = {
            "when: my turn, within: support": "key: '${call.from}', when: my turn",
            "bye: {say": "soon: {place: {flow: back, to: '${call.from}', key: '${call.from}', "
            "in: 2h}, error: bye, next: bye}\n  bye: {say",
            "keys: {2: call_back}": "keys: {2: call_back, 3: soon}",
        }
        line = TurnLine(
            compile_release({**FILES, "line.yaml": replace_all(FILES["line.yaml"], changes)})
        )
        await line.begin_talk()
        for key in "32":
            await line.dial_in_from(call_id=f"caller {key}")
            await line.run_tasks(5)
            await line.leave_by_key(f"caller {key}", key)
            await line.run_tasks(5)
        assert await line.list_waiting() == ["call-back"]
        await line.free_agent()
        assert await line.list_waiting() == []
        assert await line.find_agent() == ""
        assert line.rung == [ANNA]

    run(wait())


def test_caller_outside_the_hours_has_no_place_until_the_opening() -> None:
    async def wait() -> None:
        line = TurnLine()
        line.now += 6 * 3600
        await line.begin()
        assert await line.list_waiting() == ["later"]
        await line.call("later", "dice", result="ANSWERED")
        await line.run_tasks(15 * 3600)
        assert await line.list_waiting() == ["call-back"]

    run(wait())


def replace_all(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def test_member_is_free_again_when_nobody_answers_and_the_place_is_kept() -> None:
    async def wait() -> None:
        line = TurnLine()
        await line.begin()
        await line.free_agent()
        await line.callback(1, "ice", originationType="SERVER")
        await line.callback(1, "dice", result="BUSY")
        await line.run_tasks()
        assert await line.list_waiting() == ["later"]
        assert await line.find_agent() == "later"
        await line.call("later", "dice", result="ANSWERED")
        await line.run_tasks(301)
        assert line.rung[-1] == CALLER
        await line.callback(len(line.rung) - 1, "ice", originationType="SERVER")
        await line.callback(len(line.rung) - 1, "dice", result="BUSY")
        assert line.outcomes == [("busy", 2)]
        await line.run_tasks()
        assert await line.list_waiting() == []
        assert await line.find_agent() == ""

    run(wait())


def test_turn_outside_the_hours_waits_for_the_opening_and_comes_first_then() -> None:
    async def wait() -> None:
        line = TurnLine()
        line.now += 5 * 3600 - 60
        await line.begin()
        line.now += 120
        await line.free_agent()
        assert line.rung == [ANNA, ANNA]  # for the one who came later
        assert await line.list_waiting() == ["later"]
        await line.call("later", "dice", result="ANSWERED")
        await line.run_tasks(16 * 3600)
        assert line.rung[-1] == CALLER

    run(wait())


def test_caller_whom_the_queue_does_not_take_gets_a_place_by_a_call_back() -> None:
    async def wait() -> None:
        line = TurnLine()
        await line.begin()
        await line.dial_in_from("+46700000005", "full")  # as many wait as may
        await line.hang_up("full")
        await line.run_tasks()
        assert await line.list_waiting() == ["call-back", "call-back", "later"]
        await line.free_agent()
        assert line.rung[-1] == "+46700000005"  # with the priority of the caller

    run(wait())


def test_members_are_those_of_the_release_that_is_live() -> None:
    async def wait() -> None:
        line = TurnLine()
        await line.begin()
        bo = "+14045009007"
        changed = {**FILES, "groups/support.yaml": f'members: ["{bo}"]'}
        line.release = compile_release(changed)
        line.restart()
        await line.run_tasks()
        await line.dial_in_from("+46700000004", "last")
        await line.run_tasks()
        assert line.rung == [ANNA, CALLER]
        assert line.store.orchestrations is not None
        agents = await line.store.orchestrations.load_agents([bo])
        assert agents[bo].occupied_by
        groups = line.release.groups
        members = await load_agent_overviews(line.store.orchestrations, line.now, groups)
        assert [one.member[-2:] for one in members] == [bo[-2:]]

    run(wait())
