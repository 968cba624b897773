"""The switch as a server: one process, one event loop, and in it a clock of either kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import uvicorn

from flowengine.switch.api.app import Api
from flowengine.switch.api.auth import Gate
from flowengine.switch.api.desk import Desk
from flowengine.switch.api.driver import Driver, RealTime, VirtualTime
from flowengine.switch.api.stamped import Stamped
from flowengine.switch.clock import Clock, LoopClock, VirtualClock
from flowengine.switch.config import Configured
from flowengine.switch.exchange import Exchange
from flowengine.switch.store import Store
from flowengine.switch.wire import Concurrent, Transport

GRACE_SECONDS = 5


@asynccontextmanager
async def running(
    given: Configured, store: Store, *, virtual: bool, seed: int, url: str
) -> AsyncIterator[Api]:
    """The APIs of a switch that runs, on this event loop."""
    requests = Concurrent()
    secrets = {item.key: item.secret for item in given.world.applications}
    transport: Transport = requests
    clock: Clock = LoopClock()
    driver: Driver = RealTime()
    if virtual:
        clock = virtual_clock = VirtualClock()
        driver = VirtualTime(virtual_clock, requests)
        transport = Stamped(requests, secrets)
    exchange = Exchange(
        replace(given.world, api_url=url), clock, given.settings, transport, seed=seed
    )
    gate = Gate(secrets, given.settings.timestamp_window, clock)
    task = asyncio.create_task(driver.serve())
    try:
        yield Api(Desk(exchange, clock, store), gate, driver, open_desk=given.open_desk)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await requests.close()


async def serve(
    given: Configured, store: Store, *, host: str, port: int, virtual: bool, seed: int
) -> None:
    """Serve until told to stop."""
    shown = f"[{host}]" if ":" in host else host
    async with running(
        given, store, virtual=virtual, seed=seed, url=f"http://{shown}:{port}"
    ) as api:
        config = uvicorn.Config(
            api,
            host=host,
            port=port,
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # whether somebody is near decides about /desk
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        await uvicorn.Server(config).serve()
