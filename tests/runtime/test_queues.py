"""A queue from the callers' states to the members and back, through the engine and the tasks."""

import json
from typing import Any

import pytest

from flowengine.compile import Release
from flowengine.orchestration.matching import format_queue_id
from flowengine.runtime.platform_requests import RequestRefused, RequestUnclear
from flowengine.runtime.queues import ENTERING_SECONDS
from flowengine.runtime.task_loop import TASK_LEASE_SECONDS
from flowengine.storage.sessions import StoreError
from flowengine.storage.sessions.orchestration_rows import (
    RESERVED,
    QueueEntry,
    SavedAgentStatus,
)
from tests.compiled_release import compile_release
from tests.runtime.ring_calls import ANNA, APPLICATION, BO, REGION, RingLine, run

QUEUE_FLOW = """
flow: line
locale: en-US
start: support
states:
  support:
    queue:
      of: support
      accept: A call for support. Press 1.
      wait: {say: "You are number ${queue.position}.", every: 30s, music: music2}
      keys: {2: call_back, 3: support}
      limit: 20m
      nobody: nobody_there
      full: full
      too_long: too_long
      after: survey
  call_back: {say: We call you back., hangup: }
  nobody_there: {say: Nobody is there., hangup: }
  full: {say: Too many wait., hangup: }
  too_long: {say: It takes too long., hangup: }
  survey: {say: How was it?, hangup: }
"""
GROUP = f"""
members: ["{ANNA}", "{BO}"]
wrap_up: 20s
most_waiting: 3
pause: 15s
"""
AGENT_FLOW = """
flow: line
locale: en-US
start: sign
states:
  sign: {agent: {group: support, sign: out, unknown: stranger}, next: done}
  done: {say: Goodbye., hangup: }
  stranger: {say: Who are you?, hangup: }
"""


def compile_queue(flow: str = QUEUE_FLOW, group: str = GROUP) -> Release:
    return compile_release({"line.yaml": flow, "groups/support.yaml": group})


RELEASE = compile_queue()
ONE_MEMBER = compile_queue(group=GROUP.replace(f', "{BO}"', ""))


def find_words(answer: Any) -> str:
    return " ".join(item["text"] for item in answer["instructions"] if item["name"] == "say")


async def list_entries(line: RingLine) -> dict[str, QueueEntry]:
    assert line.store.orchestrations is not None
    queue = format_queue_id(APPLICATION, "support")
    entries = await line.store.orchestrations.list_entries(queue, 0.0)
    return {entry.call: entry for entry in reversed(entries)}  # those that wait count


async def take(line: RingLine, number: int) -> Any:
    """The member of this leg takes the call."""
    assert (await line.ask(number))["name"] == "connectPstn"
    await line.call(f"leg-{number}", "ace")
    return await line.press(f"leg-{number}", "1")


def test_key_in_an_announcement_comes_too_late_once_a_member_has_the_caller() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        await line.dial_queue("caller")
        await line.run_tasks()
        await line.ask(0)
        await line.call("leg-0", "ace")
        await line.run_tasks(30)  # the words are spoken
        await line.press("leg-0", "1")
        answer = await line.press("caller", "2", menu="line.support")
        assert answer["action"]["name"] == "connectConf"  # to the member
        await line.run_tasks()
        assert (await list_entries(line))["caller"].outcome == "answered"

    run(wait())


def test_callers_are_taken_in_their_order_and_members_rest_after_a_call() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        first = await line.dial_queue("caller-1")
        assert find_words(first) == "You are number 1."
        assert first["action"]["moh"] == "music2"
        assert first["action"]["conferenceDtmfOptions"] == {"mode": "detect"}
        await line.run_tasks()
        assert find_words(await line.dial_queue("caller-2")) == "You are number 2."
        await line.run_tasks()
        assert line.rung == [ANNA]
        joined = await take(line, 0)
        assert joined["action"]["conferenceId"] == first["action"]["conferenceId"]
        await line.run_tasks(100)
        assert line.rung == [ANNA]
        await line.call("leg-0", "dice", result="ANSWERED")
        await line.run_tasks()
        (survey,) = map(json.loads, line.platform.released[-1:])
        assert find_words(survey) == "How was it?"
        await line.run_tasks(19)
        assert line.rung == [ANNA]
        await line.run_tasks(1)
        assert line.rung == [ANNA, ANNA]
        entries = await list_entries(line)
        assert (entries["caller-1"].outcome, entries["caller-2"].offered) == ("answered", ANNA)

    run(wait())


@pytest.mark.parametrize("reloads_at", ["in the talk", "after the talk"])
def test_wrap_up_is_that_of_the_call_over_a_reload(reloads_at: str) -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        for number in (1, 2):
            await line.dial_queue(f"caller-{number}")
            await line.run_tasks()
        await take(line, 0)
        line.release = compile_queue(
            group=GROUP.replace(f', "{BO}"', "").replace("wrap_up: 20s", "wrap_up: 50s")
        )
        if reloads_at == "in the talk":
            line.restart()
        await line.call("leg-0", "dice", result="ANSWERED")
        await line.run_tasks(5)
        line.restart()
        await line.run_tasks(14)
        assert line.rung == [ANNA]
        await line.run_tasks(1)
        assert line.rung == [ANNA, ANNA]

    run(wait())


def test_member_who_does_not_answer_is_left_alone_and_the_caller_stays_first() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        for number in (1, 2):
            await line.dial_queue(f"caller-{number}")
            await line.run_tasks(1)
        await line.ask(0)
        await line.call("leg-0", "dice", result="NOANSWER")
        await line.run_tasks(14)
        assert line.rung == [ANNA]
        await line.run_tasks(1)
        assert line.rung == [ANNA, ANNA]
        entries = await list_entries(line)
        assert [one.call for one in entries.values() if one.offered] == ["caller-1"]

    run(wait())


def test_announcement_says_the_position_anew_and_returns_to_the_room() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        for number in (1, 2):
            await line.dial_queue(f"caller-{number}")
            await line.run_tasks(1)
        await line.call("caller-1", "dice", result="ANSWERED", reason="CALLERHANGUP")
        await line.run_tasks(30)
        (announced,) = map(json.loads, line.platform.released)
        (menu,) = [one for one in announced["action"]["menus"] if one["id"] == "main"]
        assert menu["mainPrompt"] == "#tts[You are number 1.]"
        back = await line.press("caller-2", "", menu=announced["action"]["mainMenu"])
        assert back["action"]["name"] == "connectConf"
        await line.run_tasks(29)
        assert len(line.platform.released) == 1
        await line.run_tasks(1)
        assert len(line.platform.released) == 2

    run(wait())


def test_announcement_that_was_begun_goes_on_until_the_caller_has_heard_it() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        await line.dial_queue("caller")
        await line.run_tasks()
        await line.ask(0)
        await line.call("leg-0", "ace")
        line.platform.outcomes = [RequestUnclear("no answer")]
        await line.run_tasks(30)
        await line.press("leg-0", "1")
        line.restart()
        await line.run_tasks(1)
        assert len(line.platform.released) == 2
        assert line.platform.released[0] == line.platform.released[1]
        await line.run_tasks(300)
        assert len(line.platform.released) == 2

    run(wait())


def test_caller_who_cannot_leave_the_room_is_put_back() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        await line.dial_queue("caller")
        await line.run_tasks()
        line.platform.outcomes = [RequestRefused(400, "cannot be parked")]
        await line.run_tasks(30)
        (back,) = map(json.loads, line.platform.changed)
        assert back["action"]["name"] == "connectConf"

    run(wait())


def test_caller_whom_the_platform_does_not_know_leaves_the_queue() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        await line.dial_queue("caller")
        await line.run_tasks()
        line.platform.outcomes = [RequestRefused(404, "no such call (40400)")]
        line.platform.ongoing["caller"] = False
        await line.run_tasks(30)
        assert (await list_entries(line))["caller"].outcome == "abandoned"
        assert line.platform.changed == []

    run(wait())


@pytest.mark.parametrize("where", ["room", "announcement"])
def test_key_leads_out_of_the_queue(where: str) -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        room = (await line.dial_queue("caller"))["action"]["conferenceId"]
        await line.run_tasks()
        await line.ask(0)
        if where == "room":
            result = {"menuId": room, "type": "sequence", "value": "2"}
            answer = await line.call("caller", "pie", menuResult=result, conferenceId=room)
            assert answer == {}
            await line.run_tasks()
            answer = json.loads(line.platform.released[-1])
        else:
            await line.run_tasks(30)
            menu = json.loads(line.platform.released[-1])["action"]["mainMenu"]
            answer = await line.press("caller", "2", menu=menu)
            await line.run_tasks()
            assert len(line.platform.released) == 1
        assert find_words(answer) == "We call you back."
        assert line.platform.hung_up == ["leg-0"]
        assert (await list_entries(line))["caller"].outcome == "key"
        await line.run_tasks(3000)
        assert line.rung == [ANNA]

    run(wait())


def test_key_that_leads_to_the_queue_again_begins_at_its_end() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        for number in (1, 2):
            await line.dial_queue(f"caller-{number}")
            await line.run_tasks(1)
        await line.ask(0)
        await line.run_tasks(29)
        menu = json.loads(line.platform.released[-1])["action"]["mainMenu"]
        again = await line.press("caller-1", "3", menu=menu)
        assert again["action"]["name"] == "connectConf"
        await line.run_tasks()
        waiting = [one.call for one in (await list_entries(line)).values() if not one.outcome]
        assert sorted(waiting) == ["caller-1", "caller-2"]
        assert line.rung == [ANNA]  # the phone rings for nobody until it has ended
        await line.call("leg-0", "dice", result="NOANSWER")
        await line.run_tasks()
        assert line.rung == [ANNA, ANNA]
        entries = await list_entries(line)
        assert entries["caller-2"].offered == ANNA

    run(wait())


def test_longest_wait_ends_by_its_exit() -> None:
    async def wait() -> None:
        line = RingLine(compile_queue(QUEUE_FLOW.replace(", every: 30s", "")))
        await line.dial_queue("caller")
        await line.run_tasks()
        await line.ask(0)
        await line.run_tasks(1199)
        assert line.platform.released == []
        await line.run_tasks(1)
        assert find_words(json.loads(line.platform.released[-1])) == "It takes too long."
        assert (await list_entries(line))["caller"].outcome == "timeout"

    run(wait())


def test_queue_takes_no_more_callers_than_may_wait_who_come_at_the_same_moment() -> None:
    async def come() -> None:
        line = RingLine(RELEASE)
        for number in range(3):
            answer = await line.dial_queue(f"caller-{number}")
            assert answer["action"]["name"] == "connectConf"
        assert find_words(await line.dial_queue("caller-3")) == "Too many wait."
        # the callback of one who has a place comes again
        again = await line.dial_queue("caller-2")
        assert again["action"]["name"] == "connectConf"
        await line.run_tasks()
        assert line.store.orchestrations is not None
        queue = format_queue_id(APPLICATION, "support")
        assert await line.store.orchestrations.count_entries(queue) == 3
        assert len(await list_entries(line)) == 3

    run(come())


def test_member_is_kept_for_a_caller_who_was_first_and_is_about_to_enter() -> None:
    async def come() -> None:
        line = RingLine(ONE_MEMBER)
        assert line.store.orchestrations is not None
        await line.dial_queue("caller-1")
        task = await line.store.orchestrations.claim_task(line.now, TASK_LEASE_SECONDS)
        assert task is not None  # by a worker that is killed
        await line.dial_queue("caller-2")
        await line.run_tasks(1)
        assert line.rung == []
        await line.run_tasks(TASK_LEASE_SECONDS - 1)
        assert line.rung == [ANNA]
        assert (await list_entries(line))["caller-1"].offered == ANNA

    run(come())


def test_member_is_free_for_others_when_a_caller_who_was_first_never_enters() -> None:
    async def come() -> None:
        line = RingLine(ONE_MEMBER)
        assert line.store.orchestrations is not None
        queue = format_queue_id(APPLICATION, "support")
        gone = QueueEntry(queue, "gone", 1, 0, line.now, offered=RESERVED)
        assert await line.store.orchestrations.reserve_place(gone, 3)
        await line.dial_queue("caller")
        await line.run_tasks(ENTERING_SECONDS / 2)
        assert line.rung == []
        await line.run_tasks(ENTERING_SECONDS / 2)
        assert line.rung == [ANNA]

    run(come())


def test_queue_takes_nobody_while_it_is_full_or_nobody_is_signed_in() -> None:
    async def wait() -> None:
        line = RingLine(RELEASE)
        for number in range(5):
            await line.dial_queue(f"caller-{number}")
            await line.run_tasks(1)
        assert find_words(await line.dial_queue("caller-5")) == "Too many wait."
        assert line.store.orchestrations is not None
        for member in (ANNA, BO):
            agent_status = SavedAgentStatus("support", member, "out", line.now)
            await line.store.orchestrations.set_agent_status(agent_status)
        assert find_words(await line.dial_queue("caller-6")) == "Nobody is there."

    run(wait())


def test_agent_signs_out_by_a_call_and_is_not_rung() -> None:
    async def wait() -> None:
        line = RingLine(compile_queue(AGENT_FLOW))
        for number in (ANNA, "+46700000000"):
            answer = await line.call(
                f"agent {number}", "ice", cli=number, to={"type": "did", "endpoint": "1"}
            )
            known = number == ANNA
            assert find_words(answer) == ("Goodbye." if known else "Who are you?")
        line.release = RELEASE
        line.restart()
        await line.dial_queue("caller")
        await line.run_tasks()
        assert line.rung == [BO]

    run(wait())


def test_agent_who_signs_in_takes_who_waits() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        assert line.store.orchestrations is not None
        sign = line.store.orchestrations.set_agent_status
        await sign(SavedAgentStatus("support", ANNA, "pause", line.now))
        await line.dial_queue("caller")
        await line.run_tasks()
        assert line.rung == []
        await sign(SavedAgentStatus("support", ANNA, "in", line.now))
        await line.run_tasks()
        assert line.rung == [ANNA]

    run(wait())


def test_caller_who_hangs_up_frees_the_member_for_the_next() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        for number in (1, 2):
            await line.dial_queue(f"caller-{number}")
            await line.run_tasks(1)
        await line.call("caller-1", "dice", result="ANSWERED", reason="CALLERHANGUP")
        await line.run_tasks()
        assert line.rung == [ANNA, ANNA]
        assert (await line.ask(0))["name"] == "hangup"
        assert (await line.ask(1))["name"] == "connectPstn"

    run(wait())


def test_offer_for_a_caller_nobody_knows_any_more_frees_the_member() -> None:
    async def wait() -> None:
        line = RingLine(ONE_MEMBER)
        await line.dial_queue("caller-1")
        store = line.store.orchestrations
        assert store is not None
        queues = line.tasks
        while task := await store.claim_task(line.now, 3.0):
            if task.key == "offer":
                await store.take_turn(
                    "caller-1", lambda _: (), lambda saved, _: (_forget("caller-1"), saved)
                )
            await store.settle_task(task, await queues.handle(task))
        assert not (await store.load_agents((ANNA,)))[ANNA].occupied_by
        assert line.rung == []

    run(wait())


def _forget(call_id: str) -> Any:
    from flowengine.storage.sessions import OrchestrationChange

    return OrchestrationChange(call_id, None)


def test_queue_that_cannot_be_asked_apologises(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait() -> None:
        line = RingLine(RELEASE)

        async def fail(*_: object) -> None:
            raise StoreError("gone")

        monkeypatch.setattr(line.store.orchestrations, "read_place", fail)
        answer = await line.call(
            "caller", "ice", to={"type": "did", "endpoint": "1"},
            callResourceUrl=f"{REGION}/calling/v1/calls/id/caller",
        )  # fmt: skip
        assert answer["action"] == {"name": "hangup"}

    run(wait())


def test_estimate_is_told_when_calls_were_taken_lately() -> None:
    async def wait() -> None:
        flow = QUEUE_FLOW.replace("every: 30s", 'estimate: "About ${queue.wait}."')
        line = RingLine(compile_queue(flow, GROUP.replace("20s", "0s")))
        for number in range(5):
            answer = await line.dial_queue(f"caller-{number}")
            assert find_words(answer) == "You are number 1."  # a member is free
            await line.run_tasks()
            await take(line, number)
            if number < 3:  # the last two go on talking
                await line.call(f"leg-{number}", "dice", result="ANSWERED")
            await line.run_tasks(200)
        assert find_words(await line.dial_queue("next")).endswith("About 4 minutes.")

    run(wait())
