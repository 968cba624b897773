"""Workers behind real HTTP, in one process: each with its own engine and its own way to the store,
and a service that they ask, which counts what it is asked.
"""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from flowengine.compile import Release
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.server.callback import CallbackHandler, SignatureGate
from flowengine.server.callback_dispatcher import CallbackDispatcher
from flowengine.server.direct_protocol import DirectProtocol
from flowengine.server.log import LogWriter
from flowengine.server.metrics import Metrics
from flowengine.sinch import sign_request
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import Store
from tests.compiled_release import compile_release
from tests.server.server_process import KEY, SECRET, TYPE, ice
from tests.waiting import PATIENCE_SECONDS

CREDENTIALS = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}
CLIENT = httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False)


def compile_line(flow: str, deadline: float, menu_ids: str = "named") -> Release:
    project = (
        "{project: test, services: {crm: {url: 'https://crm.example.com'}}, "
        f"platform: {{deadline: {round(deadline * 1000)}ms, menu_ids: {menu_ids}}}}}"
    )
    return compile_release({"line.yaml": flow, "project.yaml": project})


@dataclass
class Service:
    """The system that flows ask. `/slow` takes a while."""

    seconds: float = 0.5
    seen: list[LookupRequest] = field(default_factory=list)

    async def __call__(self, request: LookupRequest, _left: float) -> LookupResult:
        self.seen.append(request)
        await asyncio.sleep(self.seconds if "/slow" in request.url else 0.01)
        return LookupResult(200, {"name": "Ann"})

    def asked(self, path: str) -> list[LookupRequest]:
        return [request for request in self.seen if request.url.endswith(path)]


@dataclass
class Workers:
    """The addresses of the workers, and what they ask."""

    urls: list[str]
    service: Service
    signed: bool


class Silenced(uvicorn.Server):
    """Signals are for the main thread alone."""

    def install_signal_handlers(self) -> None:
        pass


@contextmanager
def serving(
    release: Release, open_store: Callable[[], Store], count: int, *, signed: bool = True
) -> Iterator[Workers]:
    """So many workers, each with a store that it has opened."""
    made = Workers([], Service(), signed)
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        stores = [open_store() for _ in range(count)]
        servers = [worker(release, store, made) for store in stores]
        tasks = [asyncio.create_task(server._serve()) for server in servers]
        while not all(server.started for server in servers):  # noqa: ASYNC110  # no event for it
            await asyncio.sleep(0.001)
        for server in servers:
            port = server.servers[0].sockets[0].getsockname()[1]
            made.urls.append(f"http://127.0.0.1:{port}")
        ready.set()
        await stop.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        for store in stores:
            await store.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(PATIENCE_SECONDS)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_SECONDS)
        loop.close()


def worker(release: Release, store: Store, made: Workers) -> uvicorn.Server:
    registry = Registry(release)
    engine = Engine(registry, store, Codec([derive_key(SECRET)]), made.service)
    callback = CallbackHandler(
        engine,
        SignatureGate(registry, CREDENTIALS if made.signed else {}),
        Metrics(),
        LogWriter(os.open(os.devnull, os.O_WRONLY)),
    )
    front = CallbackDispatcher("/sinch", callback, Starlette())
    config = uvicorn.Config(
        front, http=DirectProtocol, port=0, lifespan="off", access_log=False, log_config=None
    )
    return Silenced(config)


class Line:
    """A call as the platform makes it; it echoes cookies, or not, and goes from worker to worker."""

    def __init__(self, workers: Workers, *, echo: bool = False, call: str = "c1") -> None:
        self.workers, self.echo, self.call = workers, echo, call
        self.cookies: list[dict[str, str]] = []
        self.sent = 0

    def body(self, event: str, **fields: Any) -> bytes:
        sent = {**ice(self.call), **fields} if event == "ice" else {"callid": self.call, **fields}
        if self.cookies and self.echo:
            sent["cookies"] = self.cookies
        return json.dumps({**sent, "event": event, "version": 1}).encode()

    def pie(self, key: str, menu: str = "main", kind: str = "return") -> bytes:
        result = {"menuId": menu, "type": kind, "value": key, "inputMethod": "dtmf"}
        return self.body("pie", timestamp="2026-11-28T10:00:00Z", menuResult=result)

    def headers(self, body: bytes, later: float = 0.0, stamp: str = "") -> dict[str, str]:
        if not self.workers.signed:
            return {"content-type": TYPE}
        stamp = stamp or (datetime.now(UTC) + timedelta(seconds=later)).isoformat()
        return {
            "content-type": TYPE,
            "x-timestamp": stamp,
            "authorization": sign_request(KEY, SECRET, "POST", "/sinch", TYPE, body, stamp),
        }

    def send(self, body: bytes, later: float = 0.0, *, stamp: str = "") -> dict[str, Any]:
        """Send this to the next worker; its x-timestamp may be `later` than now, or a given one."""
        self.sent += 1
        url = self.workers.urls[self.sent % len(self.workers.urls)]
        headers = self.headers(body, later, stamp)
        answer = CLIENT.post(f"{url}/sinch", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        self.cookies = [
            {"key": item["key"], "value": item["value"]}
            for item in found.get("instructions", ())
            if item["name"] == "setCookie"
        ] or self.cookies
        return found


def heard(answer: dict[str, Any]) -> str:
    """What a menu asks."""
    menus = answer.get("action", {}).get("menus", [{}])
    return str(menus[0].get("mainPrompt", "")).removeprefix("#tts[").removesuffix("]")
