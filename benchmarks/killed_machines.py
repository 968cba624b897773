"""Machines that serve flows and are killed: one after the other, in parts or as a whole, and the
database that they share.
"""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
READY_LOOKS = 1200
READY_LOOK_SECONDS = 0.05
COPIED_BYTES = 65_536
DATABASE_STARTS = 6
LOG_FILE = "server.log"


class Machine:
    """A server with two workers, which can be killed in parts or as a whole."""

    def __init__(
        self,
        folder: Path,
        flows: Path,
        port: int,
        options: list[str],
        secrets: dict[str, str],
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.port = port
        self.folder = folder
        # what it keeps for the moment is on its own disk, too
        place = {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder.resolve())}
        self._environment = {**os.environ, **place, **secrets}
        self._command = [
            sys.executable, "-m", "flowengine", "serve", str(flows), "--port", str(port),
            "--workers", "2", *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with (self.folder / LOG_FILE).open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220
                self._command, cwd=self.folder, env=self._environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(READY_LOOKS):
                with suppress(httpx.HTTPError):
                    if (await client.get(f"http://127.0.0.1:{self.port}/readyz")).is_success:
                        return
                await asyncio.sleep(READY_LOOK_SECONDS)
        raise RuntimeError((self.folder / LOG_FILE).read_text())

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process that keeps the workers."""
        assert self._process is not None
        return self._process.pid

    def list_workers(self) -> list[int]:
        return [pid for child in list_children(self.pid) for pid in list_children(child)]

    def kill_worker(self, chance: random.Random, spared: int = 0) -> bool:
        """Kill one of its workers, but not `spared`; whether there was one."""
        workers = [pid for pid in self.list_workers() if pid != spared]
        if not workers:
            return False
        with suppress(ProcessLookupError):
            os.kill(chance.choice(workers), signal.SIGKILL)
        return True


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def list_children(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in children.read_text().split()]
    return found


class Database:
    """A PostgreSQL server of its own."""

    def __init__(self, folder: Path) -> None:
        import pgserver  # noqa: PLC0415  # is not on every machine

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own libraries, about this machine
            self._server: Any = pgserver.get_server(str(folder))
        self.url = str(self._server.get_uri())

    def restart(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it, as a crash does (SIGQUIT) or an operator (SIGINT), and start it again."""
        pid = self._server.get_pid()
        if pid is not None:
            os.kill(pid, how)
            while Path(f"/proc/{pid}").exists():
                time.sleep(READY_LOOK_SECONDS)
        self.ensure_running()

    def limit_log(self, size: str) -> None:
        """Let its write-ahead log take little of its disk, and set its files down often."""
        import psycopg  # noqa: PLC0415

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET max_wal_size = '{size}'")
            connection.execute("ALTER SYSTEM SET checkpoint_timeout = '60s'")
            connection.execute("SELECT pg_reload_conf()")

    def ensure_running(self) -> None:
        """Start it where it has ended; recovery may take longer than one attempt."""
        for attempt in range(DATABASE_STARTS):
            try:
                self._server.ensure_postgres_running()
                break
            except (OSError, subprocess.SubprocessError, AssertionError):
                if attempt == DATABASE_STARTS - 1:
                    raise
                time.sleep(1)

    def stop(self) -> None:
        self._server.cleanup()


class Balancer:
    """One address for several machines: connections go to the next one that takes them."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._turn = 0

    async def serve(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._join, "127.0.0.1", port)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                behind, ahead = await self._connect()
                try:
                    await asyncio.gather(copy_bytes(reader, ahead), copy_bytes(behind, writer))
                finally:
                    ahead.close()
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in self._ports:
            self._turn += 1
            with suppress(OSError):
                port = self._ports[self._turn % len(self._ports)]
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError("no machine is there")


async def copy_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy what comes until it ends, and end the other side then."""
    try:
        while data := await reader.read(COPIED_BYTES):
            writer.write(data)
            await writer.drain()
    finally:
        with suppress(OSError):
            writer.close()


class Killer:
    """Kills workers, machines and the database, in turn, and starts what does not start by itself."""

    def __init__(self, machines: list[Machine], database: Database | None, seed: int) -> None:
        self.kills: Counter[str] = Counter()
        self._machines = machines
        self._database = database
        self._chance = random.Random(seed)
        self._turn = 0

    async def run(self, pauses: tuple[float, float]) -> None:
        """Kill something now and then, until this is cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(*pauses))
            await self.kill_next()

    async def kill_next(self) -> None:
        """A worker twice, then the machine, then the database, where there is one."""
        self._turn += 1
        kinds = ["worker", "worker", "machine", *(["database"] if self._database else [])]
        kind = kinds[(self._turn - 1) % len(kinds)]
        machine = self._chance.choice(self._machines)
        if kind == "worker":
            self.kills[kind] += machine.kill_worker(self._chance)
        elif kind == "machine":
            self.kills[kind] += 1
            machine.kill()
            await machine.start()
        elif self._database is not None:
            self.kills[kind] += 1
            await asyncio.to_thread(self._database.restart)
