"""What callers keyed does not stay in the memory of a server."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.server.server_process import Served, ice, pressed
from tests.waiting import PATIENCE_SECONDS

SECRETS = 250
OTHER_CALLS = 1_000  # freed memory is not wiped at once
MOST_FOUND = 25
FLOW = """
flow: line
locale: en-US
start: ask
vars:
  number: {type: digits, max: 16, secret: true}
states:
  ask:
    collect: {prompt: Your card number?, into: number, digits: 16, otherwise: sorry}
    next: compare
  compare:
    choose:
      - when: luhn(vars.number) && first(vars.number, 4) == "0000"
        next: told
      - when: size(mask(vars.number)) == 16 && !(vars.number in ["", digits(vars.number) + "1"])
        next: told
      - next: sorry
  told: {say: "Ends with ${spell(last(vars.number, 2))}.", hangup: {}}
  sorry: {say: Sorry., hangup: {}}
"""


def key_number(client: httpx.Client, call: str, number: str) -> None:
    asked = client.post("/sinch", json=ice(call)).json()
    told = client.post("/sinch", json=pressed(number, call) | find_cookie(asked)).json()
    assert told["instructions"][0]["text"] == f"Ends with {number[-2]} {number[-1]}."


def find_cookie(answer: dict) -> dict[str, str]:
    return next(
        ({"cookie": one["value"]} for one in answer["instructions"] if one["name"] == "setCookie"),
        {},
    )


def list_processes(process: int) -> Iterator[int]:
    yield process
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from list_processes(int(child))


def read_memory(process: int) -> Iterator[bytes]:
    """The writable memory of a process."""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(place, 16) for place in span.split("-"))
            if rights.startswith("rw"):
                memory.seek(start)
                # a device cannot be read
                with suppress(OSError):
                    yield memory.read(end - start)


def can_read_memory() -> bool:
    """Whether this machine lets a process read the memory of a child."""
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            return bool(list(read_memory(child.pid)))
        except PermissionError:
            return False
        finally:
            child.kill()


@pytest.mark.skipif(sys.platform != "linux" or not can_read_memory(), reason="reads /proc")
def test_keyed_numbers_after_other_calls_are_gone_from_memory(
    serve: Callable[..., Served],
) -> None:
    served = serve(flow=FLOW, signed=False)
    with httpx.Client(base_url=served.url, timeout=PATIENCE_SECONDS, trust_env=False) as client:
        for one in range(SECRETS):
            key_number(client, f"secret-{one}", f"739182{one:010}")
        for one in range(OTHER_CALLS):
            key_number(client, f"other-{one}", f"555555{one:010}")
    found = {
        number
        for process in list_processes(served.process.pid)
        for memory in read_memory(process)
        for number in re.findall(rb"739182\d{10}", memory)
    }
    assert len(found) <= MOST_FOUND, f"{len(found)} of {SECRETS}"
