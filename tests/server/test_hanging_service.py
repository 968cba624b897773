"""A server whose service hangs, as its callers and its operator see it."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flowengine.server.metrics import forget_dead_workers
from tests.server.server_process import Served, ice, pressed
from tests.waiting import wait_until

HANGS, ANSWERS = "22222222", "33333333"


def look_up(served: Served, call: str, account: str) -> str:
    served.post(ice(call))
    return served.post(pressed(account, call)).text


def test_server_whose_service_hangs_stops_asking_and_says_so(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    with ThreadPoolExecutor(6) as callers:
        answers = callers.map(lambda number: look_up(served, f"c{number}", HANGS), range(6))
        assert all("The lookup failed." in answer for answer in answers)
    assert "The lookup failed." in look_up(served, "next", ANSWERS)
    metrics = served.get("/metrics").text
    assert 'flowengine_fetch_circuit{service="crm"} 2.0' in metrics
    assert 'flowengine_fetch_circuit_openings_total{service="crm"} 1.0' in metrics
    assert 'flowengine_fetches_total{outcome="circuit open",service="crm"} 1.0' in metrics
    assert "crm does not answer (timeout): its circuit is open" in served.err.read_text()
    traces = [line.get("trace", []) for line in served.lines(14)]
    assert any("circuit open: timeout" in entry for trace in traces for entry in trace)


def test_server_says_how_full_its_journal_is(serve: Callable[..., Served]) -> None:
    served = serve()
    served.post(ice("call"))
    wait_until(lambda: served.get("/status").json()["journal"] is not None)
    found = served.get("/status").json()["journal"]
    assert found["limit"] == 2 * 10**9
    assert 0 < found["bytes"] < 10**6
    assert found["percent"] == 0
    metrics = served.get("/metrics").text
    assert "flowengine_journal_limit_bytes 2e+09" in metrics
    assert "flowengine_journal_bytes " in metrics


def test_state_of_a_worker_that_was_killed_is_forgotten(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    files = {
        "own": tmp_path / f"gauge_livemax_{os.getpid()}.db",
        "dead": tmp_path / f"gauge_livemax_{ended.pid}.db",
        "counter": tmp_path / f"counter_{ended.pid}.db",
    }
    for file in files.values():
        file.touch()
    forget_dead_workers(tmp_path)
    assert {name for name, file in files.items() if file.exists()} == {"own", "counter"}
