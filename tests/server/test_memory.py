"""Memory of a server whose flows are reloaded while its lookups fail: what they leave behind is
freed.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.server.server_process import PROJECT, Served, Service, ice, list_workers
from tests.waiting import PATIENCE_SECONDS, find_free_port

RELOADS = 60
LOOKUPS = 20  # between two reloads
GROWTH_KILOBYTES = 12_000  # 200 a reload, for what a kept release takes; it was 2,000
FLOW = """
flow: line
start: look_up
vars:
  name: {type: text, max: 40}
states:
  look_up:
    fetch: {service: crm, get: "/${call.id}", into: {name: body.name}, retries: 2, failed: sorry}
    next: sorry
  sorry:
    say: EDITION
    hangup:
"""


def resident_kilobytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def text_of(client: httpx.Client, call: str) -> str:
    answer = client.post("/sinch", json=ice(call))
    assert answer.status_code == 200
    return str(answer.json()["instructions"][0]["text"])


def reload(client: httpx.Client, file: Path, edition: int, callers: ThreadPoolExecutor) -> None:
    """Change the flow, wait until it is live, and let lookups be refused."""
    words = f"Edition {edition}."
    file.write_text(FLOW.replace("EDITION", words))
    until = time.monotonic() + PATIENCE_SECONDS
    call = 0
    while text_of(client, f"{edition}-{call}") != words:
        assert time.monotonic() < until
        call += 1
    list(callers.map(partial(text_of, client), [f"{edition}+{call}" for call in range(LOOKUPS)]))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_reloads_with_refused_lookups_take_no_memory(
    tmp_path: Path, serve: Callable[..., Served], service: Service
) -> None:
    service.url = f"http://127.0.0.1:{find_free_port()}"  # where nobody listens
    assert "URL" in PROJECT
    served = serve(flow=FLOW.replace("EDITION", "Edition 0."), signed=False)
    file = tmp_path / "flows" / "line.yaml"
    with (
        ThreadPoolExecutor(4) as callers,
        httpx.Client(base_url=served.url, timeout=PATIENCE_SECONDS, trust_env=False) as client,
    ):
        for edition in range(1, 21):  # warm: releases that are kept, pools, caches
            reload(client, file, edition, callers)
        (worker,) = list_workers(served.process.pid)
        before = resident_kilobytes(worker)
        for edition in range(21, 21 + RELOADS):
            reload(client, file, edition, callers)
        grown = resident_kilobytes(worker) - before
    assert grown < GROWTH_KILOBYTES, f"{grown / RELOADS:.0f} kB a reload"
