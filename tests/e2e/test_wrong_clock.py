"""Two servers on one database, one of them on a machine whose clock is wrong."""

import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.ring_platform import AT_ONCE, DAN, MEMBERS, QUEUE, RingPlatform, serve_rings
from tests.server.server_process import ice, start_server
from tests.waiting import wait_until

SOURCE = Path(__file__).parents[2] / "benchmarks" / "stepped_clock.c"
OFF_SECONDS = 240  # less than a signature may be old
RING_SECONDS = 55  # all phones ring at once for a little longer


class WrongClock:
    """The wall clock of processes: `library` is loaded into them, and reads the file `offset`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("a machine with a wrong clock needs a C compiler (cc)")
        self._file = folder / "clock-offset"
        self.offset, self.library = str(self._file), str(folder / "clock.so")
        self.step(0)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", self.library, SOURCE], check=True)

    def step(self, seconds: int) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))


def has_answered(platform: RingPlatform, member: str) -> bool:
    """Whether the phone of the member has rung, and could be answered."""
    return any(platform.act(leg, "answer") for leg in platform.list_legs(member))


def test_machine_whose_clock_is_wrong_rings_nobody_early_or_twice(
    postgresql: str, tmp_path: Path
) -> None:
    clock, wrong = WrongClock(tmp_path), tmp_path / "wrong"
    with serve_rings(tmp_path, store=postgresql) as (platform, _server):
        shutil.copytree(tmp_path / "flows", wrong / "flows")
        clock.step(OFF_SECONDS)
        options = ["--store", postgresql, "--api-url", platform.switch.url]
        machine = start_server(
            wrong, *options, as_installed=True, LD_PRELOAD=clock.library, CLOCK_OFFSET=clock.offset
        )
        try:
            machine.post(ice(to={"type": "did", "endpoint": "+14045008000"}))
            wait_until(lambda: "\n" in machine.out.read_text())
            (line,) = machine.lines(1)
            assert line["at"] - time.time() > OFF_SECONDS / 2  # its log has its own time

            ends_at = time.monotonic() + RING_SECONDS
            caller = platform.dial(AT_ONCE)
            for member in MEMBERS:
                platform.wait_for_leg(member)
            # this machine rings a member now, and runs all tasks that are due before that
            machine.post(ice("c2", to={"type": "did", "endpoint": QUEUE}))
            wait_until(lambda: has_answered(platform, DAN) or time.monotonic() > ends_at)
            assert all(map(platform.is_ringing, MEMBERS)) or time.monotonic() > ends_at
            clock.step(-OFF_SECONDS)
            platform.act(caller, "hangup", leg="caller")
            wait_until(
                lambda: not any(map(platform.is_ringing, MEMBERS)), otherwise=platform.describe
            )
            legs = [len(platform.list_legs(member)) for member in MEMBERS]
            assert legs == [1, 1, 1], platform.describe()
        finally:
            machine.process.kill()
            machine.process.wait()
