"""Fixtures: a real server process, and a real service to look things up at."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.server.server_process import (
    FLOW,
    KEY,
    PROJECT,
    SECRET,
    STATUS_TOKEN,
    Served,
    Service,
    free_port,
    handler,
    wait_until_ready,
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

    def start(*options: str, signed: bool = True, flow: str = FLOW) -> Served:
        flows = tmp_path / "flows"
        flows.mkdir()
        (flows / "line.yaml").write_text(flow)
        (flows / "project.yaml").write_text(PROJECT.replace("URL", service.url))
        port = free_port()
        credentials = (
            {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET} if signed else {}
        )
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SINCH_", "FLOWENGINE_", "PROMETHEUS_"))
        }
        with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "flowengine",
                    "serve",
                    str(flows),
                    "--port",
                    str(port),
                    *options,
                ],
                cwd=tmp_path,
                env={
                    "PYTHONPATH": str(Path(__file__).parents[2]),
                    "FLOWENGINE_STATUS_TOKEN": STATUS_TOKEN,
                    **environment,
                    **credentials,
                },
                stdout=out,
                stderr=err,
            )
        served = Served(
            process, f"http://127.0.0.1:{port}", tmp_path / "out", tmp_path / "err", signed
        )
        started.append(served)
        wait_until_ready(served)
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.stop()
