"""The switch as a server: one process, one event loop, and in it a clock of either kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from msgspec.structs import replace
from uvicorn.protocols.http.h11_impl import H11Protocol

from flowengine.switch.api.api_auth import CredentialGate
from flowengine.switch.api.app import Api
from flowengine.switch.api.resigning_transport import ResigningTransport
from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.api.time_driver import RealTimeDriver, TimeDriver, VirtualTimeDriver
from flowengine.switch.clock import Clock, LoopClock, VirtualClock
from flowengine.switch.config import SwitchConfig
from flowengine.switch.exchange import Exchange
from flowengine.switch.switch_store import SwitchStore
from flowengine.switch.wire import ConcurrentTransport, Transport

SHUTDOWN_GRACE_SECONDS = 5


class SwitchProtocol(H11Protocol):
    """Answers a request with `Upgrade` as if it had none. HTTP clients of Java offer TLS or HTTP/2
    so; uvicorn's other protocol would lose the body.
    """

    def _unsupported_upgrade_warning(self) -> None:
        """There is nothing to warn of."""


@asynccontextmanager
async def run_switch(
    given: SwitchConfig, store: SwitchStore, *, virtual: bool, seed: int, url: str
) -> AsyncIterator[Api]:
    """Serve the APIs of a running switch, on this event loop."""
    requests = ConcurrentTransport()
    secrets = {item.key: item.secret for item in given.setup.applications}
    transport: Transport = requests
    clock: Clock = LoopClock()
    driver: TimeDriver = RealTimeDriver()
    if virtual:
        clock = virtual_clock = VirtualClock()
        driver = VirtualTimeDriver(virtual_clock, requests)
        # backends check the age of a signature by real time
        transport = ResigningTransport(requests, secrets)
    exchange = Exchange(
        # callbacks tell the address of the call in the API, so it must be known before
        replace(given.setup, api_url=url),
        clock,
        given.settings,
        transport,
        seed=seed,
    )
    gate = CredentialGate(secrets, given.settings.timestamp_window, clock)
    context = SwitchContext(exchange, clock, store)
    context.lost_callouts.update(given.lost_callouts)
    task = asyncio.create_task(driver.serve())
    try:
        yield Api(context, gate, driver, open_desk=given.open_desk)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await requests.close()


async def serve(
    given: SwitchConfig, store: SwitchStore, *, host: str, port: int, virtual: bool, seed: int
) -> None:
    """Serve until told to stop."""
    shown = f"[{host}]" if ":" in host else host
    async with run_switch(
        given, store, virtual=virtual, seed=seed, url=f"http://{shown}:{port}"
    ) as api:
        config = uvicorn.Config(
            api,
            host=host,
            port=port,
            http=SwitchProtocol,
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # whether somebody is near decides about /desk
            timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
        )
        await uvicorn.Server(config).serve()
