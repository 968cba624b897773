"""Fixtures: a real server process, and a real service to look things up at."""

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.server.server_process import (
    FLOW,
    PROJECT,
    Served,
    Service,
    handler,
    start_server,
)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    server.daemon_threads = True
    server.block_on_close = False
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(tmp_path: Path, service: Service) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(
        *options: str, signed: bool = True, flow: str = FLOW, as_installed: bool = False
    ) -> Served:
        flows = tmp_path / "flows"
        flows.mkdir()
        (flows / "line.yaml").write_text(flow)
        (flows / "project.yaml").write_text(PROJECT.replace("URL", service.url))
        started.append(start_server(tmp_path, *options, signed=signed, as_installed=as_installed))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.stop()
