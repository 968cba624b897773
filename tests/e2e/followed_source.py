"""A real server that follows a place, and what it says and shows meanwhile."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.support_line import READER, Line, Server, said
from tests.waiting import PATIENCE_SECONDS, wait_until

calls = count()


class Served(Server):
    """It is asked by callers and by its operator."""

    def hears(self) -> str:
        """What a new call hears."""
        return said(Line(self.port, f"call-{next(calls)}").ring())

    def says(self, words: str) -> None:
        """Wait until new calls hear this."""
        wait_until(
            lambda: words in self.hears(), otherwise=lambda: f"{words} is not heard: {self.log()}"
        )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = (
            httpx.get(
                f"http://127.0.0.1:{self.port}/status", headers=READER, timeout=PATIENCE_SECONDS
            )
            .raise_for_status()
            .json()
        )
        return found

    def wrong(self) -> list[str]:
        """What the places have that may not be live."""
        return [
            f"{item['code']} {item['place']}: {item['message']}"
            for seen in self.status()["rejected"]
            for item in seen["problems"]
        ]

    def complains(self, words: str) -> None:
        """Wait until the status shows this, and nothing else has happened."""
        wait_until(
            lambda: any(words in item for item in self.wrong()),
            otherwise=lambda: f"{words} is not shown: {self.wrong()}, {self.log()}",
        )

    def content(self) -> None:
        """Wait until nothing is wrong."""
        wait_until(lambda: self.wrong() == [], otherwise=lambda: str(self.wrong()))

    def log(self) -> str:
        """What it says beside its callbacks."""
        lines = (self.folder / "server.log").read_text().splitlines()
        return "\n".join(line for line in lines if not line.startswith('{"at"'))


@contextmanager
def served(folder: Path, flows: Sequence[object]) -> Iterator[Served]:
    server = Served(folder, flows=[*map(str, flows)])
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill(15)
