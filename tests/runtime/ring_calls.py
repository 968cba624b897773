"""Rings through the engine: a platform that does what it is asked when the test says so, and a clock
that the test sets.
"""

import asyncio
import json
from typing import Any

from flowengine.compile import Release
from flowengine.orchestration.room_turn import MemberCommand
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine, Reply
from flowengine.runtime.orchestration_tasks import OrchestrationTasks
from flowengine.runtime.platform_requests import (
    CallOwner,
    RequestDone,
    RequestOutcome,
    RequestRefused,
)
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult, OwnEvent
from flowengine.states.ring_plan import RingMember
from flowengine.states.room_plan import RoomMusic
from flowengine.storage.sessions import MemoryStore, Store
from tests.compiled_release import compile_release

ANNA, BO, CY = "+14045009001", "+14045009002", "+14045009003"
FLOW = """
flow: line
locale: en-US
start: welcome
states:
  welcome: {say: Welcome., next: menu}
  menu:
    menu: {prompt: Press 1., options: {1: sales}, otherwise: sales}
  sales:
    ring:
      who: ["+14045009001", "+14045009002", "+14045009003"]
      order: in turn
      each: 20s
      accept: {prompt: A call for sales. Press 1., taken: It is taken.}
      wait: {say: One moment., music: music1}
      nobody: voicemail
      after: survey
  voicemail: {say: Nobody is there., menu: {prompt: Press 2., options: {2: sales}, otherwise: bye}}
  survey: {say: How was it?, hangup: }
  bye: {hangup: }
"""
APPLICATION = "669E367E-6BBA-48AB-AF15-266871C28135"
REGION = "https://calling-euc1.api.sinch.com"
CODEC = Codec([derive_key("secret")])


def compile_line(flow: str = FLOW, **changes: str) -> Release:
    for old, new in changes.items():
        flow = flow.replace(old, new)
    return compile_release({"line.yaml": flow})


class FakePlatform:
    """Takes requests; `outcomes` are those of the next ones, where they are not done."""

    def __init__(self) -> None:
        self.placed: list[tuple[str, str]] = []
        self.hung_up: list[str] = []
        self.released: list[bytes] = []
        self.changed: list[bytes] = []
        self.owners: set[CallOwner] = set()
        self.outcomes: list[RequestOutcome] = []
        self.ongoing: dict[str, bool | None] = {}
        self.asked_about: list[str] = []
        self.participants: set[tuple[str, str]] = set()
        self.changes: list[tuple[str, str]] = []

    async def place_leg(
        self, owner: CallOwner, member: RingMember, _cli: str, custom: str
    ) -> RequestOutcome:
        self.placed.append((member.address, custom))
        return self._finish(owner)

    async def hang_up_call(self, owner: CallOwner, call_id: str) -> RequestOutcome:
        self.hung_up.append(call_id)
        return self._finish(owner)

    async def release_caller(self, owner: CallOwner, _call_id: str, svaml: bytes) -> RequestOutcome:
        self.released.append(svaml)
        return self._finish(owner)

    async def change_call(self, owner: CallOwner, _call_id: str, svaml: bytes) -> RequestOutcome:
        self.changed.append(svaml)
        return self._finish(owner)

    async def change_participant(
        self, owner: CallOwner, room: str, call_id: str, command: MemberCommand, music: RoomMusic
    ) -> RequestOutcome:
        return self._change(owner, room, call_id, f"{command} {music}".rstrip())

    async def remove_participant(self, owner: CallOwner, room: str, call_id: str) -> RequestOutcome:
        return self._change(owner, room, call_id, "remove")

    async def find_participant(self, owner: CallOwner, room: str, call_id: str) -> RequestOutcome:
        return self._change(owner, room, call_id, "find")

    def _change(self, owner: CallOwner, room: str, call_id: str, what: str) -> RequestOutcome:
        """Do it where the call is in the conference: who is in none gets status 404."""
        self.owners.add(owner)
        if (room, call_id) not in self.participants:
            return RequestRefused(404, "not there")
        self.changes.append((call_id, what))
        return self._finish(owner)

    async def is_call_ongoing(self, owner: CallOwner, call_id: str) -> bool | None:
        self.owners.add(owner)
        self.asked_about.append(call_id)
        return self.ongoing.get(call_id, True)

    def _finish(self, owner: CallOwner) -> RequestOutcome:
        self.owners.add(owner)
        return self.outcomes.pop(0) if self.outcomes else RequestDone()


async def answer_no_lookup(_request: LookupRequest, _left: float) -> LookupResult:
    return LookupResult(0, error="connection")


class RingLine:
    """A server, its platform, and a caller."""

    def __init__(self, release: Release, store: Store | None = None) -> None:
        self.now = 1_000_000.0
        self.store = store or MemoryStore(clock=lambda: self.now)
        self.release = release
        self.platform = FakePlatform()
        self.replies: dict[str, Reply] = {}
        self.restart()

    def restart(self) -> None:
        """Begin anew with what the store has."""
        self.engine = Engine(
            Registry(self.release), self.store, CODEC, answer_no_lookup, lambda: self.now
        )
        assert self.engine.orchestrations is not None
        self.tasks = OrchestrationTasks(
            self.engine.orchestrations, CODEC, self.platform, self.answer_result, lambda: self.now
        )

    async def answer_result(self, event: OwnEvent, body: bytes) -> bytes | None:
        reply = await self.engine.answer_result(event, body)
        return reply.body if reply else None

    async def call(self, call_id: str, event: str, **fields: Any) -> Any:
        """The answer to a callback."""
        body = json.dumps(
            {
                "event": event,
                "callid": call_id,
                "version": 1,
                "applicationKey": APPLICATION,
                **fields,
            }
        ).encode()
        reply = self.replies[call_id] = await self.engine.answer(decode(body), body)
        return json.loads(reply.body)

    async def dial_queue(self, call_id: str) -> Any:
        """A caller comes to a flow that begins with a queue."""
        return await self.call(
            call_id, "ice", cli="46700000000", to={"type": "did", "endpoint": "1"},
            callResourceUrl=f"{REGION}/calling/v1/calls/id/{call_id}",
        )  # fmt: skip

    async def dial_in(self, api: str = REGION) -> Any:
        """A caller comes to the ring, whose call is on this API."""
        await self.call(
            "caller", "ice", cli="46700000000", to={"type": "did", "endpoint": "1"},
            callResourceUrl=f"{api}/calling/v1/calls/id/caller",
        )  # fmt: skip
        return await self.press("caller", "1", menu="line.menu")

    async def ask(self, number: int, call_id: str = "") -> Any:
        """The platform asks about the leg that was placed as this one, from 0."""
        custom = self.platform.placed[number][1]
        answer = await self.call(
            call_id or f"leg-{number}", "ice", custom=custom, originationType="SERVER"
        )
        return answer["action"]

    async def press(self, call_id: str, key: str, menu: str = "main", **fields: Any) -> Any:
        result = {"menuId": menu, "type": "return" if key else "timeout", "value": key}
        return await self.call(call_id, "pie", menuResult=result, **fields)

    async def run_tasks(self, seconds: float = 0) -> None:
        """Let so much time pass, and run all tasks that are due."""
        self.now += seconds
        assert self.store.orchestrations is not None
        while task := await self.store.orchestrations.claim_task(self.now, 3.0):
            due = await self.tasks.handle(task)
            await self.store.orchestrations.settle_task(task, due)

    @property
    def rung(self) -> list[str]:
        return [address for address, _ in self.platform.placed]


def run(line: Any) -> Any:
    return asyncio.run(line)
