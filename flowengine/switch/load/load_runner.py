"""Runs a load test against a server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import perf_counter

from flowengine.switch.load.load_report import LoadCounter, LoadReport
from flowengine.switch.load.simulated_caller import SimulatedCaller
from flowengine.switch.switch_setup import Number, SwitchApplication, SwitchSetup
from flowengine.switch.wire import ConcurrentTransport


@dataclass(frozen=True, slots=True)
class LoadPlan:
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


async def run_load(
    plan: LoadPlan, progress: Callable[[int], None] = lambda _calls: None
) -> LoadReport:
    """Place the calls. Each lane has one at a time, in a virtual time of its own that stands still
    only while the server answers.
    """
    world = SwitchSetup(
        (SwitchApplication(plan.key, plan.secret, plan.url),),
        tuple(Number(number, plan.key) for number in plan.to),
    )
    tally, numbers, begun = LoadCounter(), iter(range(plan.calls)), perf_counter()

    async def run_lane(pool: ConcurrentTransport, seed: int) -> None:
        random = Random(seed)  # noqa: S311  # which keys are pressed is no secret
        for number in numbers:
            # by the number of the call, not by pauses: a slow server must not lower the rate
            await _wait_for_start(plan, number, begun)
            await SimulatedCaller(world, pool, tally, random, plan.talk).place_call(
                plan.to[number % len(plan.to)]
            )
            progress(tally.calls)

    pool = ConcurrentTransport()
    try:
        async with asyncio.TaskGroup() as group:
            # lanes share one iterator of calls, so a slow call holds up no other lane
            for number in range(min(plan.concurrent, plan.calls)):
                # each lane draws from a seed of its own: what it does depends on no other
                group.create_task(run_lane(pool, plan.seed * 1_000_003 + number))
        await pool.wait()  # raises what a lane could not take
    finally:
        await pool.close()
    return tally.build_report(perf_counter() - begun)


async def _wait_for_start(plan: LoadPlan, number: int, begun: float) -> None:
    """Wait until the call may start"""
    if plan.rate:
        await asyncio.sleep(max(0.0, begun + number / plan.rate - perf_counter()))
