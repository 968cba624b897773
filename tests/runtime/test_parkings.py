"""A call that is parked under a code, and who picks it up, through the engine and the tasks."""

import asyncio
import json
from typing import Any

import pytest

from flowengine.runtime import parkings
from flowengine.runtime.orchestration_janitor import OrchestrationJanitor
from flowengine.runtime.parkings import FREE_CODE_KIND, PARKING_KIND
from flowengine.runtime.platform_requests import RequestRefused, RequestUnclear
from flowengine.storage.sessions import StoreError
from tests.compiled_release import compile_release
from tests.line_flows import TAKE_FLOW
from tests.runtime.ring_calls import REGION, RingLine, run

RELEASE = compile_release(
    {
        "project.yaml": """
project: acme
routes: [{to: "+141", flow: hold}, {to: "+142", flow: take}, {to: "+143", flow: ask},
  {to: "+144", flow: take-blanks}, {to: "+145", flow: hold-blanks}]
""",
        "hold.yaml": """
flow: hold
start: wait
states:
  wait:
    park: {code: "17", intro: One moment., limit: 1m, in_use: engaged, too_long: nobody}
  engaged: {say: In use., hangup: }
  nobody: {say: Nobody came., hangup: }
""",
        "take.yaml": TAKE_FLOW,
        "take-blanks.yaml": """
flow: take-blanks
start: take
states:
  take: {pick_up: {code: " 17", nobody: nobody}}
  nobody: {say: Nobody waits., hangup: }
""",
        "hold-blanks.yaml": """
flow: hold-blanks
start: wait
states:
  wait: {park: {code: "17 ", in_use: engaged}}
  engaged: {say: In use., hangup: }
""",
        "ask.yaml": """
flow: ask
start: ask
states:
  ask: {menu: {prompt: Press 1., options: {1: take}, otherwise: nobody}}
  take: {pick_up: {code: "17", nobody: nobody}}
  nobody: {say: Nobody waits., hangup: }
""",
    }
)


class DeskLine(RingLine):
    """Callers who are parked, and others who pick them up."""

    def __init__(self) -> None:
        super().__init__(RELEASE)

    async def dial(self, call_id: str, number: str) -> Any:
        return await self.call(
            call_id, "ice", cli="46700000000", to={"type": "did", "endpoint": number},
            callResourceUrl=f"{REGION}/calling/v1/calls/id/{call_id}",
        )  # fmt: skip

    async def leave(self, call_id: str) -> None:
        await self.call(call_id, "dice", result="ANSWERED", reason="CALLERHANGUP")
        await self.run_tasks()

    async def look(self, seconds: float, looks: int) -> None:
        """Let time pass, and the janitor look that has looked so often."""
        self.now += seconds
        assert self.engine.orchestrations is not None
        janitor = OrchestrationJanitor(
            self.store, self.engine.orchestrations, self.platform, lambda: self.now
        )
        await janitor.look_after_rings(looks)
        await self.run_tasks()

    async def talk(self) -> str:
        """Two callers in a conference; its name."""
        await self.dial("caller", "141")
        room: str = (await self.dial("anna", "142"))["action"]["conferenceId"]
        await self.run_tasks()
        self.platform.participants = {(room, "caller"), (room, "anna")}
        return room

    async def count(self, kind: str) -> int:
        assert self.store.orchestrations is not None
        return await self.store.orchestrations.count_orchestrations(kind)


def test_caller_is_picked_up_by_the_first_and_both_end_together() -> None:
    async def pick_up() -> None:
        line = DeskLine()
        parked = await line.dial("caller", "141")
        assert (parked["action"]["name"], parked["action"]["maxDuration"]) == ("park", 90)
        assert (await line.dial("second", "141"))["instructions"][0]["text"] == "In use."
        taken = await line.dial("anna", "142")
        room = taken["action"]["conferenceId"]
        assert (taken["action"]["name"], taken["action"]["moh"]) == ("connectConf", "ring")
        assert await line.dial("anna", "142") == taken
        assert (await line.dial("bo", "142"))["instructions"][0]["text"] == "Nobody waits."
        line.platform.outcomes = [RequestUnclear("no answer")]
        await line.run_tasks()
        await line.run_tasks(1)
        brought = [json.loads(svaml)["action"] for svaml in line.platform.changed]
        assert brought == [{"name": "connectConf", "conferenceId": room, "moh": "music1"}] * 2
        await line.run_tasks(100)
        assert await line.count(PARKING_KIND) == 1
        line.platform.participants = {(room, "caller")}
        await line.leave("anna")
        assert line.platform.changes == [("caller", "remove")]
        assert (await line.count(PARKING_KIND), await line.count(FREE_CODE_KIND)) == (0, 1)

    run(pick_up())


def test_code_with_blanks_around_it_is_the_same_code() -> None:
    async def pick_up() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        assert (await line.dial("anna", "144"))["action"]["name"] == "connectConf"
        await line.leave("anna")
        assert (await line.count(PARKING_KIND), await line.count(FREE_CODE_KIND)) == (0, 1)
        assert (await line.dial("bo", "145"))["action"]["name"] == "park"
        assert (await line.dial("eve", "141"))["instructions"][0]["text"] == "In use."
        await line.leave("bo")
        assert (await line.dial("eve2", "141"))["action"]["name"] == "park"

    run(pick_up())


def test_caller_goes_on_when_nobody_picks_up() -> None:
    async def wait() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        await line.run_tasks(59)
        assert line.platform.changed == []
        line.restart()
        await line.run_tasks(1)
        (answer,) = map(json.loads, line.platform.changed)
        assert answer["instructions"][0]["text"] == "Nobody came."
        assert (await line.dial("anna", "142"))["action"]["name"] == "hangup"

    run(wait())


def test_caller_who_hangs_up_frees_the_code() -> None:
    async def leave() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        await line.leave("caller")
        assert (await line.dial("second", "141"))["action"]["name"] == "park"
        await line.run_tasks(60)
        assert len(line.platform.changed) == 1

    run(leave())


@pytest.mark.parametrize(("gone", "other"), [("anna", "caller"), ("caller", "anna")])
def test_call_whose_other_has_gone_untold_ends_soon_after_a_start(gone: str, other: str) -> None:
    async def lose() -> None:
        line = DeskLine()
        await line.talk()
        line.platform.ongoing[gone] = False
        await line.look(61, 2)
        assert line.platform.changes == []  # people who talk are looked for less often
        line.restart()
        await line.look(6, 0)
        assert line.platform.changes == [(other, "remove")]
        assert await line.count(PARKING_KIND) == 0

    run(lose())


def test_parked_call_whose_end_was_not_told_frees_the_code() -> None:
    async def lose() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        line.platform.ongoing["caller"] = False
        await line.look(6, 2)
        assert await line.count(PARKING_KIND) == 1
        await line.look(60, 3)
        assert await line.count(PARKING_KIND) == 0

    run(lose())


@pytest.mark.parametrize("number", ["141", "142"])
def test_code_whose_call_cannot_be_saved_is_not_answered_from_the_cookie(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        line = DeskLine()
        if number == "142":
            await line.dial("caller", "141")
        monkeypatch.setattr(line.store, "save", refuse_save)
        assert (await line.dial("anna", number))["action"]["name"] == "hangup"
        if number == "141":
            assert await line.count(PARKING_KIND) == 0  # others may park there

    run(fail())


def test_code_is_freed_as_soon_as_the_store_can(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        line = DeskLine()
        monkeypatch.setattr(parkings, "FREEING_PAUSES", (0.0, 0.0))
        assert line.store.orchestrations is not None
        take_turn, fails = line.store.orchestrations.take_turn, iter([False, True, True, False])

        async def take_or_fail(*args: Any) -> Any:
            return await (refuse_save() if next(fails) else take_turn(*args))

        monkeypatch.setattr(line.store.orchestrations, "take_turn", take_or_fail)
        monkeypatch.setattr(line.store, "save", refuse_save)
        await line.dial("anna", "141")
        assert await line.count(PARKING_KIND) == 1
        for _ in range(5):
            await asyncio.sleep(0)
        assert await line.count(PARKING_KIND) == 0

    run(fail())


async def refuse_save(*_: Any) -> Any:
    raise StoreError("the disk is full")


def test_picker_of_a_call_that_has_gone_unnoticed_hears_that_nobody_waits() -> None:
    async def lose() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        await line.dial("anna", "142")
        line.platform.outcomes = [RequestRefused(404, "no such call")]
        line.platform.ongoing["caller"] = False
        await line.run_tasks()
        (answer,) = map(json.loads, line.platform.released)
        assert answer["instructions"][0]["text"] == "Nobody waits."
        assert await line.count(PARKING_KIND) == 0

    run(lose())


def test_picker_whom_the_platform_does_not_release_is_removed() -> None:
    async def refuse() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        room = (await line.dial("anna", "142"))["action"]["conferenceId"]
        await line.leave("caller")
        line.platform.participants = {(room, "anna")}
        line.platform.outcomes = [RequestRefused(400, "a caller from an app")] * 7
        for _ in range(8):
            await line.run_tasks(10)
        assert line.platform.changes == [("anna", "remove")]

    run(refuse())


def test_call_that_is_not_parked_yet_is_brought_by_a_later_try() -> None:
    async def wait() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        room = (await line.dial("anna", "142"))["action"]["conferenceId"]
        line.platform.outcomes = [RequestRefused(400, "not parked")] * 2
        for _ in range(4):
            await line.run_tasks(1)
        assert len(line.platform.changed) == 3
        line.platform.participants = {(room, "caller")}
        await line.leave("anna")
        assert line.platform.changes == [("caller", "remove")]

    run(wait())


def test_call_that_can_never_be_brought_is_given_up() -> None:
    async def refuse() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        await line.dial("anna", "142")
        line.platform.outcomes = [RequestRefused(400, "not parked")] * 7
        for _ in range(8):
            await line.run_tasks(10)
        assert (len(line.platform.changed), len(line.platform.released)) == (7, 1)

    run(refuse())


def test_call_that_an_earlier_try_has_brought_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def repeat() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        room = (await line.dial("anna", "142"))["action"]["conferenceId"]
        line.platform.outcomes = [RequestRefused(400, "in a conference")]
        line.platform.participants = {(room, "caller")}
        await line.run_tasks()
        await line.leave("anna")
        assert line.platform.changes == [("caller", "find"), ("caller", "remove")]
        assert caplog.text == ""

    run(repeat())


def test_call_whose_picker_hangs_up_at_once_stays_parked() -> None:
    async def leave() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        await line.dial("anna", "142")
        line.platform.outcomes = [RequestUnclear("no answer")]
        await line.run_tasks()
        await line.leave("anna")
        await line.run_tasks(58)
        assert (line.platform.released, line.platform.changes) == ([], [])
        await line.run_tasks(2)
        answer = json.loads(line.platform.released[0])
        assert answer["instructions"][0]["text"] == "Nobody came."

    run(leave())


def test_call_whose_picker_hangs_up_before_the_answer_stays_parked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leave() -> None:
        line = DeskLine()
        await line.dial("caller", "141")
        await line.dial("anna", "143")
        assert line.engine.orchestrations is not None
        parkings = line.engine.orchestrations.parkings
        answer = parkings.answer_request

        async def answer_late(*request: Any) -> Any:
            result = await answer(*request)
            await line.call("anna", "dice", result="ANSWERED", reason="CALLERHANGUP")
            return result

        with monkeypatch.context() as patch:
            patch.setattr(parkings, "answer_request", answer_late)
            assert (await line.press("anna", "1", menu="ask.ask"))["action"]["name"] == "hangup"
        await line.run_tasks()
        assert line.platform.changed == []
        assert (await line.dial("bo", "142"))["action"]["name"] == "connectConf"

    run(leave())
