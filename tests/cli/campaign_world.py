"""A campaign in virtual time: the server's own placements, and people who answer, are busy, or do not
answer, each as their number says.
"""

import asyncio
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowengine.cli.campaign_rows import CampaignRow
from flowengine.cli.campaign_run import CampaignPace, CampaignRun
from flowengine.cli.campaign_state import CampaignHead, CampaignState
from flowengine.runtime.platform_requests import CallOwner, RequestDone, RequestOutcome
from flowengine.server.access import TokenAuthorizer
from flowengine.server.placements import PlacementEndpoint, PlacementView, PlaceRequest
from flowengine.states.ring_plan import RingMember
from tests.compiled_release import compile_release
from tests.runtime.place_calls import PlaceLine

FLOWS = {
    "project.yaml": """
project: acme
zone: America/New_York
routes: [{flow: line}]
calendars: {calling: {open: {mon-fri: 09:00-12:00}}}
""",
    "line.yaml": "flow: line\nstart: bye\nstates: {bye: {hangup: }}\n",
    "remind.yaml": """
flow: remind
on: {answered: tell}
inputs: [name]
vars: {name: {type: text, max: 20}}
states: {tell: {say: "Hello ${vars.name}.", hangup: }}
""",
}
ENVIRONMENT = {"SINCH_APPLICATION_KEY": "key", "SINCH_APPLICATION_SECRET": "c2VjcmV0IG9mIGE="}
START = 1_772_458_200.0  # 2026-03-02 08:30 in New York, a Monday


class KilledError(BaseException):
    """The command is killed here."""


class CampaignWorld:
    """The server, the platform, and the clock of all."""

    def __init__(self, folder: Path, count: int, at_once: int = 20) -> None:
        self.rows = [
            CampaignRow(line, f"+1212{line:07}", {"name": f"N{line}"})
            for line in range(2, count + 2)
        ]
        self.state_path = folder / "people.csv.campaign"
        self.loop = asyncio.new_event_loop()
        self.line = PlaceLine(compile_release(FLOWS), calls_at_once=at_once)
        self.line.now = START
        self.line.platform.place_leg = self.place_leg  # type: ignore[method-assign]
        self.dialled: list[tuple[float, str]] = []
        self.most_at_once = 0
        self.events: list[tuple[float, int, Callable[[], Any]]] = []
        self.numbers = itertools.count()
        self.random = random.Random(7)
        self.kill_at: set[int] = set()
        self.acts = 0
        self.tries: Counter[str] = Counter()

    async def place_leg(
        self, _owner: CallOwner, member: RingMember, _cli: str, custom: str
    ) -> RequestOutcome:
        self.schedule(0.1, lambda: self.ring(member.address, custom))
        return RequestDone()

    def schedule(self, seconds: float, what: Callable[[], Any]) -> None:
        heapq.heappush(self.events, (self.line.now + seconds, next(self.numbers), what))

    async def ring(self, address: str, custom: str) -> None:
        call = f"call-{next(self.numbers)}"
        answer = await self.line.call(call, "ice", custom=custom, originationType="SERVER")
        if answer["action"]["name"] != "connectPstn":
            return
        self.dialled.append((self.line.now, address))
        self.tries[address] += 1
        does = ("ANSWERED", "ANSWERED", "BUSY", "NOANSWER")[int(address[-2:]) % 4]
        if self.tries[address] == 2:
            does = "ANSWERED"
        if does == "ANSWERED":
            self.schedule(5, lambda: self.line.call(call, "ace", custom=custom))
        self.schedule(30, lambda: self.line.call(call, "dice", custom=custom, result=does))

    def place(
        self, options: Mapping[str, Any], calls: Sequence[Mapping[str, Any]], **how: bool
    ) -> list[PlacementView]:
        request = PlaceRequest(calls=tuple(self._read_calls(calls)), **{**options, **how})
        placements = self.line.engine.placements
        assert placements is not None
        release = self.line.release
        endpoint = PlacementEndpoint(
            TokenAuthorizer({}, is_open=True),
            placements,
            lambda: release,
            ENVIRONMENT,
        )
        found = self.loop.run_until_complete(endpoint.place_calls(placements, request))
        self.act()
        return list(found.placements)

    def _read_calls(self, calls: Sequence[Mapping[str, Any]]) -> Any:
        from flowengine.runtime.placement_requests import WantedCall

        return [WantedCall(one["to"], one["with"], one.get("key", "")) for one in calls]

    def load(self, ids: Sequence[str]) -> list[PlacementView]:
        placements = self.line.engine.placements
        assert placements is not None
        release = self.line.release
        endpoint = PlacementEndpoint(
            TokenAuthorizer({}, is_open=True), placements, lambda: release, ENVIRONMENT
        )
        return list(
            self.loop.run_until_complete(endpoint.show_placements(placements, list(ids))).placements
        )

    def act(self) -> None:
        """The command does something; it is killed where the test says so."""
        self.acts += 1
        if self.acts in self.kill_at:
            raise KilledError

    def sleep(self, seconds: float) -> None:
        """Let time pass for the server and the people, and then for the command."""
        self.loop.run_until_complete(self.pass_time(self.line.now + seconds))
        self.act()

    async def pass_time(self, until: float) -> None:
        rows = self.line.store.orchestrations
        assert rows is not None
        await self.line.run_tasks()
        self.most_at_once = max(
            self.most_at_once, await rows.count_orchestrations("placement that calls")
        )
        while True:
            due = await rows.find_next_due()
            moments = [one for one in (due, self.events[0][0] if self.events else None) if one]
            if not moments or min(moments) > until:
                break
            self.line.now = max(self.line.now, min(moments))
            while self.events and self.events[0][0] <= self.line.now:
                await heapq.heappop(self.events)[2]()
            await self.line.run_tasks()
        self.line.now = max(self.line.now, until)

    def run(
        self,
        rate: float,
        tries: int = 2,
        is_forbidden: Callable[[str], bool] = lambda _address: False,
        ahead: float = 0.0,
    ) -> CampaignState:
        """Run the command until it ends or is killed; its state. `ahead` is how far the clock of
        its machine is ahead.
        """
        state = CampaignState(self.state_path, CampaignHead("c1", "remind"))
        options = {"flow": "remind", "within": "calling"}
        pace = CampaignPace(rate, 15, tries, 600)
        try:
            CampaignRun(
                self.rows,
                state,
                self,
                options,
                pace,
                lambda: self.line.now + ahead,
                self.sleep,
                is_forbidden,
            ).run()
        finally:
            state.close()
        return state

    def list_hours(self) -> set[int]:
        """The hours, by the clock of the people, in which somebody was called."""
        return {datetime.fromtimestamp(at, UTC).hour - 5 for at, _ in self.dialled}
