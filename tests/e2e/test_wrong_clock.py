"""Two servers on one database, one of them on a machine whose clock is wrong."""

import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.ring_platform import ANNA, BO, IN_TURN, MEMBERS, serve_rings
from tests.server.server_process import ice, start_server
from tests.waiting import wait_until

SOURCE = Path(__file__).parents[2] / "benchmarks" / "stepped_clock.c"
OFF_SECONDS = 240  # less than the platform lets a signature be old
EACH_SECONDS = 2.0  # a member's phone rings


class WrongClock:
    """The wall clock of the processes that have its environment."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("a machine with a wrong clock needs a C compiler (cc)")
        self._file, library = folder / "clock-offset", folder / "clock.so"
        self.step(0)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._file)}

    def step(self, seconds: int) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))


def test_machine_whose_clock_is_wrong_rings_nobody_early_or_twice(
    postgresql: str, tmp_path: Path
) -> None:
    clock, wrong = WrongClock(tmp_path), tmp_path / "wrong"
    with serve_rings(tmp_path, store=postgresql) as (platform, _server):
        shutil.copytree(tmp_path / "flows", wrong / "flows")
        clock.step(OFF_SECONDS)
        options = ["--store", postgresql, "--api-url", platform.switch.url]
        machine = start_server(wrong, *options, as_installed=True, **clock.environment)
        try:
            machine.post(ice(to={"type": "did", "endpoint": "+14045008000"}))
            (line,) = machine.lines(1)
            assert line["at"] - time.time() > OFF_SECONDS / 2  # its log has its own time

            begun = time.monotonic()
            caller = platform.dial(IN_TURN)
            platform.wait_for_leg(ANNA)
            leg = platform.wait_for_leg(BO)
            assert time.monotonic() - begun > 0.75 * EACH_SECONDS
            clock.step(-OFF_SECONDS)
            platform.take_call(leg)
            wait_until(lambda: platform.are_talking(leg, caller), otherwise=platform.describe)
            platform.act(leg, "hangup")
            platform.wait_until_heard(caller, "How was it?")
            assert [len(platform.list_legs(member)) for member in MEMBERS] == [1, 1, 0]
        finally:
            machine.process.kill()
            machine.process.wait()
