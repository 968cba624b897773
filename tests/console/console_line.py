"""A small line and a console that shows it: in the test's own process, or for a browser."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette

from flowengine.console.app import create_console_app
from flowengine.console.console_server import ConsoleServer
from flowengine.console.console_settings import ConsoleSettings, ConsoleTokens
from flowengine.server.listeners import open_listeners
from flowengine.server.server_settings import ServerSettings
from tests.waiting import wait_until

NO_TOKENS = ConsoleTokens()
ADMIN, READER = "the token of the admin", "the token of a reader"
TOKENS = ConsoleTokens(ADMIN, READER)
CHANGE = {"X-Flowengine-Console": "1"}
HTML = {"Accept": "text/html"}
FLOW = """\
flow: line
start: menu
states:
  menu:
    menu: {prompt: Press 1 for hello., options: {1: greet}, otherwise: greet}
  greet:
    say: Hello.
    hangup:
"""
PROJECT = "project: console\nroutes: [{to: '+46701234567', flow: line}]\n"


def write_flows(folder: Path) -> Path:
    """A project of one flow."""
    folder.mkdir(exist_ok=True)
    (folder / "line.yaml").write_text(FLOW)
    (folder / "project.yaml").write_text(PROJECT)
    return folder


def build_settings(
    flows: Path, *, store: str = "none", is_serving: bool = False
) -> ConsoleSettings:
    return ConsoleSettings(ServerSettings(str(flows), store=store), is_serving)


class ConsoleClient:
    """A browser without scripts, which keeps cookies and follows nothing."""

    def __init__(self, app: Starlette, peer: str) -> None:
        self.app = app
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 50_000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081")
        self.cookies = self._client.cookies

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return asyncio.run(self._client.get(path, headers=headers))

    def post(
        self,
        path: str,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Change something, by default as the scripts of the pages do it."""
        asked = self._client.post(
            path, headers=CHANGE if headers is None else headers, json=json, content=content
        )
        return asyncio.run(asked)


def create_client(
    flows: Path,
    tokens: ConsoleTokens = NO_TOKENS,
    *,
    store: str = "none",
    is_serving: bool = False,
    peer: str = "127.0.0.1",
) -> ConsoleClient:
    """A browser on this machine, by default. Its console reads the files once."""
    settings = build_settings(flows, store=store, is_serving=is_serving)
    return ConsoleClient(create_console_app(settings, tokens), peer)


@contextmanager
def serve_console(settings: ConsoleSettings, tokens: ConsoleTokens = NO_TOKENS) -> Iterator[str]:
    """A console in a thread, for a browser; its address."""
    listeners = open_listeners("127.0.0.1", 0)
    server = ConsoleServer(create_console_app(settings, tokens))
    thread = threading.Thread(target=server.run, args=([*listeners],))
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        yield f"http://127.0.0.1:{listeners[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
