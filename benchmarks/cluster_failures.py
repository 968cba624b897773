"""Failures of a cluster, one after the other, each mended before the next: of a worker, a machine,
the database, a clock, disks, the systems that flows ask; and changed flows.
"""

import asyncio
import random
import shutil
import signal
import struct
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cluster_flows import write_support_flow
from cluster_services import Services
from killed_machines import Database, Machine

STEP_SECONDS = 30
LASTING_SECONDS = 6.0
FILLED_PART = 1 << 20


class SmallDisk:
    """A file system in memory, which a file can fill. Mounting it needs root."""

    def __init__(self, folder: Path, size: str) -> None:
        folder.mkdir()
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        self.is_small = mounted.returncode == 0

    def fill(self) -> None:
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
            for part in (FILLED_PART, 4096, 1):
                with suppress(OSError):
                    while filler.write(bytes(part)) == part:
                        pass

    def clear(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.is_small:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


class SteppedClock:
    """The wall clock of one machine, as its processes see it: the kernel's, and an offset from a
    file. Monotonic time goes on. Without a C compiler no clock can be stepped.
    """

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock-offset", folder / "clock.so"
        self._file.write_bytes(bytes(8))
        compiler = shutil.which("cc")
        self.is_there = compiler is not None
        self.environment: dict[str, str] = {}
        if compiler is not None:
            source = Path(__file__).with_name("stepped_clock.c")
            command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
            subprocess.run(command, check=True)
            self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._file)}

    def step(self, seconds: int) -> None:
        with self._file.open("r+b") as file:
            file.write(struct.pack("q", seconds))


class Cluster(NamedTuple):
    """Two machines, the database that they share, and the systems that their flows ask."""

    machines: list[Machine]
    database: Database
    services: Services


class ClusterFailures:
    """Makes the failures in turn. Machine 1 keeps one worker throughout, so that its memory can be
    judged; machine 2 is killed as a whole, and has the clock that steps.
    """

    def __init__(
        self,
        cluster: Cluster,
        flows: Path,
        clock: SteppedClock,
        disks: tuple[SmallDisk, SmallDisk],
        seed: int,
    ) -> None:
        self.cluster = cluster
        self.counts: Counter[str] = Counter()
        self.latest = "none"
        self.spared = cluster.machines[0].list_workers()[0]
        self._machines, self._database, self._services = cluster
        self._flows, self._clock = flows, clock
        self._machine_disk, self._database_disk = disks
        self._chance = random.Random(seed)
        self._kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "worker killed": self.kill_worker,
            "flows changed": self.change_flows,
            "machine killed": self.kill_machine,
            "service slow": self.slow_services,
            "database crashed": self.crash_database,
            "service refuses": self.refuse_requests,
            "database restarted": self.restart_database,
        }
        if clock.is_there:
            self._kinds["clock stepped"] = self.step_clock
        if self._machine_disk.is_small:
            self._kinds["disk of a machine full"] = self.fill_machine_disk
        if self._database_disk.is_small:
            self._kinds["disk of the database full"] = self.fill_database_disk

    async def fail_next(self) -> None:
        kinds = list(self._kinds)
        self.latest = kinds[self.counts.total() % len(kinds)]
        self.counts[self.latest] += 1
        await self._kinds[self.latest]()

    async def kill_worker(self) -> None:
        self._chance.choice(self._machines).kill_worker(self._chance, self.spared)

    async def kill_machine(self) -> None:
        self._machines[1].kill()
        await self._machines[1].start()

    async def change_flows(self) -> None:
        write_support_flow(self._flows, f"Thank you, {self.counts.total()}.")

    async def slow_services(self) -> None:
        self._services.is_slow = True
        await asyncio.sleep(LASTING_SECONDS)
        self._services.is_slow = False

    async def refuse_requests(self) -> None:
        self._services.is_refusing = True
        await asyncio.sleep(LASTING_SECONDS)
        self._services.is_refusing = False

    async def crash_database(self) -> None:
        await asyncio.to_thread(self._database.restart)

    async def restart_database(self) -> None:
        await asyncio.to_thread(self._database.restart, signal.SIGINT)

    async def step_clock(self) -> None:
        self._clock.step(STEP_SECONDS * (-1) ** self.counts["clock stepped"])
        await asyncio.sleep(LASTING_SECONDS)
        self._clock.step(0)

    async def fill_machine_disk(self) -> None:
        await asyncio.to_thread(self._machine_disk.fill)
        await asyncio.sleep(LASTING_SECONDS)
        self._machine_disk.clear()

    async def fill_database_disk(self) -> None:
        await asyncio.to_thread(self._database_disk.fill)
        await asyncio.sleep(LASTING_SECONDS)
        self._database_disk.clear()
        await asyncio.to_thread(self._database.ensure_running)
