"""A call that is parked under a code, and who picks it up, through the engine and the tasks."""

import json
from typing import Any

from flowengine.runtime.parkings import FREE_CODE_KIND, PARKING_KIND
from flowengine.runtime.platform_requests import RequestUnclear
from tests.compiled_release import compile_release
from tests.runtime.ring_calls import REGION, RingLine, run

RELEASE = compile_release(
    {
        "project.yaml": """
project: acme
routes: [{to: "+141", flow: hold}, {to: "+142", flow: take}]
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
        "take.yaml": """
flow: take
start: take
states:
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
        assert brought == [{"name": "connectConf", "conferenceId": room}] * 2
        await line.run_tasks(100)
        assert await line.count(PARKING_KIND) == 1
        line.platform.participants = {(room, "caller")}
        await line.leave("anna")
        assert line.platform.changes == [("caller", "remove")]
        assert (await line.count(PARKING_KIND), await line.count(FREE_CODE_KIND)) == (0, 1)

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
