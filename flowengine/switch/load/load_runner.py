"""Runs a load test against a server."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from time import perf_counter

import msgspec

from flowengine.switch.load.load_report import LoadCounter, LoadReport
from flowengine.switch.load.simulated_caller import SimulatedCaller
from flowengine.switch.switch_setup import Number, SwitchApplication, SwitchSetup
from flowengine.switch.wire import ConcurrentTransport


class LoadPlan(msgspec.Struct, frozen=True):
    """Which load to put on which server, as which application."""

    url: str
    key: str
    secret: str
    calls: int = 1000
    concurrent: int = 100
    rate: float = 0.0
    """Calls that begin in a second; 0 is as many as the server takes"""
    to: tuple[str, ...] = ("+14045550100",)
    """The numbers that are called, in turn"""
    talk: tuple[str, ...] = ()
    """What callers press where they are asked; without, whatever is offered, at random"""
    seed: int = 0

    def build_setup(self) -> SwitchSetup:
        """A switch with this application and its numbers."""
        return SwitchSetup(
            (SwitchApplication(self.key, self.secret, self.url),),
            tuple(Number(number, self.key) for number in self.to),
        )


PlaceCall = Callable[[str], Awaitable[None]]
ShowProgress = Callable[[int], None]


async def run_load(plan: LoadPlan, progress: ShowProgress = lambda _calls: None) -> LoadReport:
    """Place the calls. Each lane has one at a time, in a virtual time of its own that stands still
    only while the server answers.
    """
    setup = plan.build_setup()
    counter, begun = LoadCounter(), perf_counter()
    pool = ConcurrentTransport()

    def create_lane(seed: int) -> PlaceCall:
        random = Random(seed)  # noqa: S311  # which keys are pressed is no secret

        async def place_call(to: str) -> None:
            await SimulatedCaller(setup, pool, counter, random, plan.talk).place_call(to)
            progress(counter.calls)

        return place_call

    try:
        await run_lanes(plan, create_lane)
        await pool.wait()  # raises what a lane could not take
    finally:
        await pool.close()
    return counter.build_report(perf_counter() - begun)


async def run_lanes(plan: LoadPlan, create_lane: Callable[[int], PlaceCall]) -> None:
    """Place all calls of a plan. Each lane has one at a time, and a seed of its own: what happens in
    it depends on no other lane.
    """
    numbers, begun = iter(range(plan.calls)), perf_counter()

    async def run_lane(place_call: PlaceCall) -> None:
        # lanes share one iterator of calls, so a slow call holds up no other lane
        for number in numbers:
            if plan.rate:
                # by the number of the call, not by pauses: a slow server must not lower the rate
                await asyncio.sleep(max(0.0, begun + number / plan.rate - perf_counter()))
            await place_call(plan.to[number % len(plan.to)])

    async with asyncio.TaskGroup() as group:
        for number in range(min(plan.concurrent, plan.calls)):
            group.create_task(run_lane(create_lane(plan.seed * 1_000_003 + number)))
