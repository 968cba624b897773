"""A server whose worker is killed in one of its tasks, with a platform and people who go on."""

import json
from collections.abc import Awaitable, Callable, Mapping
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any, Literal

from flowengine.compile import Release
from flowengine.runtime.platform_requests import CallOwner, RequestOutcome
from flowengine.runtime.task_loop import TASK_LEASE_SECONDS
from flowengine.storage.sessions import ScheduledTask, SqliteStore
from tests.runtime.place_calls import PlaceLine
from tests.runtime.ring_calls import REGION, FakePlatform

KillMoment = Literal["before", "at the request", "after"]
KILL_MOMENTS: tuple[KillMoment, ...] = ("before", "at the request", "after")
Habit = Literal["answers", "is silent", "is busy"]
MOMENT_SECONDS, RINGING_SECONDS, TALK_SECONDS, ANNOUNCED_SECONDS = 0.5, 5.0, 10.0, 3.0


class KilledError(BaseException):
    """The worker is killed here."""


class KillingPlatform(FakePlatform):
    """Obeys; with `is_killing` the worker that asks is killed before it hears so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_killing = False
        self.answered: list[tuple[str, bytes]] = []

    async def release_caller(self, owner: CallOwner, call_id: str, svaml: bytes) -> RequestOutcome:
        self.answered.append((call_id, svaml))
        return await super().release_caller(owner, call_id, svaml)

    async def change_call(self, owner: CallOwner, call_id: str, svaml: bytes) -> RequestOutcome:
        self.answered.append((call_id, svaml))
        return await super().change_call(owner, call_id, svaml)

    async def remove_participant(self, owner: CallOwner, room: str, call_id: str) -> RequestOutcome:
        if (room, call_id) in self.participants:
            self.hung_up.append(call_id)
        return await super().remove_participant(owner, room, call_id)

    def _finish(self, owner: CallOwner) -> RequestOutcome:
        outcome = super()._finish(owner)
        if self.is_killing:
            raise KilledError
        return outcome


class KilledLine(PlaceLine):
    """Kills the worker in the task with the number `kill_in`, from 1; 0 is never. `habits` are those of people
    who are called, by their numbers. `told` is what people notice.
    """

    platform: KillingPlatform

    def __init__(
        self,
        release: Release,
        habits: Mapping[str, Habit],
        kill: tuple[int, KillMoment],
        path: Path,
    ) -> None:
        super().__init__(release, store=SqliteStore(path, clock=lambda: self.now))
        self.platform = KillingPlatform()
        self.restart()
        self.habits, (self.kill_in, self.moment) = habits, kill
        self.tasks_run = 0
        self.told: list[str] = []
        self.ringing: set[str] = set()
        self.lines: dict[str, str] = {}
        self._events: list[tuple[float, int, Callable[[], Awaitable[None]]]] = []
        self._numbers = count()
        self._seen = [0, 0, 0]

    async def run_tasks(self, seconds: float = 0) -> None:
        """Let so much time pass, and run all tasks that are due."""
        self.now += seconds
        assert self.store.orchestrations is not None
        while task := await self.store.orchestrations.claim_task(self.now, TASK_LEASE_SECONDS):
            self.tasks_run += 1
            if self.tasks_run == self.kill_in:
                await self._kill_worker(task)
            else:
                due = await self.tasks.handle(task)
                await self.store.orchestrations.settle_task(task, due)

    async def _kill_worker(self, task: ScheduledTask) -> None:
        self.platform.is_killing = self.moment == "at the request"
        try:
            if self.moment != "before":
                await self.tasks.handle(task)
        except KilledError:
            pass
        self.platform.is_killing = False
        self.restart()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for the server, the platform and the people."""
        assert self.store.orchestrations is not None
        until, moment = self.now + seconds, self.now
        while moment <= until:
            self.now = max(self.now, moment)
            await self.run_tasks()
            await self._notice_requests()
            while self._events and self._events[0][0] <= self.now:
                await heappop(self._events)[2]()
            due = await self.store.orchestrations.find_next_due()
            moment = until + 1 if due is None else due
            moment = min(moment, self._events[0][0]) if self._events else moment
        self.now = until

    def schedule(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        heappush(self._events, (self.now + seconds, next(self._numbers), act))

    async def dial(self, call_id: str, to: str, number: str = "+46700000001") -> None:
        """Somebody calls."""
        self.lines[call_id] = call_id
        answer = await self.call(
            call_id, "ice", cli=number.removeprefix("+"), originationType="PSTN",
            to={"type": "did", "endpoint": to},
            callResourceUrl=f"{REGION}/calling/v1/calls/id/{call_id}",
        )  # fmt: skip
        await self.follow(call_id, answer)

    async def press_in_room(self, call_id: str, key: str) -> None:
        result = {"menuId": "room", "type": "sequence", "value": key}
        await self.call(call_id, "pie", menuResult=result, conferenceId="room")

    async def follow(self, call_id: str, answer: Any) -> None:
        """A call does what it is answered. What somebody hears twice after a kill is told once."""
        action = answer.get("action", {})
        words = [one["text"] for one in answer.get("instructions", ()) if one["name"] == "say"]
        words += [menu["mainPrompt"] for menu in action.get("menus", ()) if "mainPrompt" in menu]
        for one in words:
            self.tell(f"{self.lines[call_id]} hears {one}")
        if action.get("name") == "hangup":
            self.schedule(MOMENT_SECONDS, lambda: self.end(call_id))
        elif action.get("name") == "connectConf":
            self.tell(f"{self.lines[call_id]} is in {action['conferenceId']}")
            self.platform.participants.add((action["conferenceId"], call_id))
        elif action.get("name") == "runMenu":
            menu = action["mainMenu"]
            key = "1" if call_id.startswith("leg-") else ""
            self.schedule(ANNOUNCED_SECONDS, lambda: self.press_key(call_id, key, menu))

    async def press_key(self, call_id: str, key: str, menu: str) -> None:
        if call_id in self.lines:
            await self.follow(call_id, await self.press(call_id, key, menu=menu))

    async def end(self, call_id: str, result: str = "ANSWERED") -> None:
        """A call is over, which the platform tells once."""
        if call_id not in self.lines:
            return
        who = self.lines.pop(call_id)
        self.ringing.discard(who)
        self.tell(f"{who} is gone")
        rooms = self.platform.participants
        rooms -= {member for member in rooms if member[1] == call_id}
        await self.call(call_id, "dice", result=result)

    def tell(self, what: str) -> None:
        if what not in self.told[-2:]:
            self.told.append(what)

    async def _notice_requests(self) -> None:
        placed, hung_up, answered = (
            self.platform.placed,
            self.platform.hung_up,
            self.platform.answered,
        )
        news = placed[self._seen[0] :], hung_up[self._seen[1] :], answered[self._seen[2] :]
        first, self._seen = self._seen[0], [len(placed), len(hung_up), len(answered)]
        for number, (address, custom) in enumerate(news[0], first):
            await self._ring(f"leg-{number}", address, custom)
        for call_id in news[1]:
            await self.end(call_id)
        for call_id, svaml in news[2]:
            if call_id in self.lines:
                await self.follow(call_id, json.loads(svaml))

    async def _ring(self, call_id: str, address: str, custom: str) -> None:
        """The platform asks first, and then the phone rings."""
        fields = {"custom": custom, "originationType": "SERVER"}
        action = (await self.call(call_id, "ice", **fields))["action"]
        if action["name"] == "hangup":
            await self.call(call_id, "dice", result="FAILED", custom=custom)
            return
        assert address not in self.ringing, f"{address} is rung twice at once"
        self.ringing.add(address)
        self.lines[call_id] = address
        self.tell(f"{address} is rung")
        habit = self.habits[address]
        if habit == "answers":
            self.schedule(MOMENT_SECONDS, lambda: self._pick_up(call_id))
            self.schedule(TALK_SECONDS, lambda: self.end(call_id))
        elif habit == "is busy":
            self.schedule(MOMENT_SECONDS, lambda: self.end(call_id, "BUSY"))
        else:
            self.schedule(RINGING_SECONDS, lambda: self.end(call_id, "NOANSWER"))

    async def _pick_up(self, call_id: str) -> None:
        if call_id in self.lines:
            await self.follow(call_id, await self.call(call_id, "ace"))
