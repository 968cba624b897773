"""`flowengine load` against `flowengine serve`: real HTTP, real signatures, a real session store,
the flows of the tests.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fork_server import run_flowengine
from tests.support_line import KEY, SECRET, Server


@pytest.fixture(params=["", "none"], ids=["default store", "cookies alone"])
def server(request: pytest.FixtureRequest, support_line_folder: Path) -> Iterator[Server]:
    started = Server(support_line_folder, store=request.param)
    started.start()
    yield started
    started.kill()


def load(server: Server, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    credentials = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET, **environment}
    url = f"http://127.0.0.1:{server.port}/sinch"
    return run_flowengine("load", url, *options, env={**os.environ, **credentials}, timeout=120)


def test_load_on_the_server_loses_no_call(server: Server) -> None:
    ran = load(server, "--calls", "150", "--concurrent", "30", "--json")
    told = json.loads(ran.stdout)
    assert (ran.returncode, told["passed"], told["calls"], told["lost"], told["errors"]) == (
        0,
        True,
        150,
        0,
        {},
    )
    assert {
        event: timing["count"] for event, timing in told["callbacks"].items() if event != "pie"
    } == {
        "ice": 150,
        "ace": 150,
        "dice": 150,
    }
    assert told["callbacks"]["pie"]["count"] >= 150
    assert told["endings"] == {"ANSWERED CALLERHANGUP": 150}


def test_server_that_refuses_fails_the_load(server: Server) -> None:
    ran = load(
        server, "--calls", "2", "--json", SINCH_APPLICATION_SECRET="JViE5vDor0Sw3WllZka15Q=="
    )
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["errors"] == {
        "ice: answered with status 401": 2,
        "dice: answered with status 401": 2,
    }
