"""Runs a load test of flows that call other people: in real time, with the API of the platform."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from secrets import randbits
from socket import socket
from time import perf_counter
from typing import Final

import uvicorn
from msgspec.structs import replace

from flowengine.switch.api.app import Api
from flowengine.switch.api.switch_server import run_switch
from flowengine.switch.config import SwitchConfig
from flowengine.switch.load.load_parties import LoadParties
from flowengine.switch.load.load_report import LoadCounter, LoadReport
from flowengine.switch.load.load_runner import LoadPlan, PlaceCall, ShowProgress, run_lanes
from flowengine.switch.load.simulated_caller import LOAD_SETTINGS
from flowengine.switch.switch_setup import Behaviour
from flowengine.switch.switch_store import open_store

ANYBODY: Final = {"": Behaviour("by hand")}  # the parties decides what each of them does


async def run_real_time_load(
    plan: LoadPlan, listener: socket, progress: ShowProgress = lambda _calls: None
) -> LoadReport:
    """Place the calls on one switch, whose API answers on `listener`: the server under load sends
    its requests there. Rings, queues and announcements are timed by the server, so this takes as
    long as the calls do.
    """
    host, port = listener.getsockname()[:2]
    config = SwitchConfig(replace(plan.build_setup(), parties=ANYBODY), LOAD_SETTINGS)
    counter, begun = LoadCounter(), perf_counter()
    async with run_switch(
        config, open_store("memory"), virtual=False, seed=randbits(64), url=f"http://{host}:{port}"
    ) as api:
        random = Random(plan.seed)  # noqa: S311  # who answers is no secret
        parties = LoadParties(api.context.exchange, counter, random, plan.talk)

        async def place_call(to: str) -> None:
            await parties.place_call(to)
            progress(counter.calls)

        def create_lane(_seed: int) -> PlaceCall:
            return place_call

        async with serve_api(api, listener):
            await run_lanes(plan, create_lane)
            await parties.wait_for_the_end()
    return counter.build_report(perf_counter() - begun)


@asynccontextmanager
async def serve_api(api: Api, listener: socket) -> AsyncIterator[None]:
    """Answer requests meanwhile."""
    settings = uvicorn.Config(api, lifespan="off", access_log=False, log_config=None)
    server = uvicorn.Server(settings)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
