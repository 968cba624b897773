"""A line with recorded calls, and a server's folder beside it, for the pages of operators."""

import time
from functools import cache
from pathlib import Path
from typing import Any

from flowengine.compile import Release, compile_project
from flowengine.console.app import create_console_app
from flowengine.console.console_settings import ConsoleTokens
from flowengine.journal import JournalEncryption
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.ledger import Ledger
from flowengine.releases.publisher import Publisher
from flowengine.server.server_settings import JOURNAL_FILE
from flowengine.sources.flow_source import FlowOrigin
from tests.console.console_line import NO_TOKENS, ConsoleClient, build_settings
from tests.journal.journal_line import (
    FLOW,
    Clock,
    answered,
    ended,
    files,
    keyed,
    press,
    record,
    ring,
)

SECRET = "the secret"
CALLS: list[dict[str, Any]] = [
    *(ring("bill"), press("9", "bill"), press("1", "bill"), keyed("12345678", "bill"), answered("bill")),
    ended("bill", "CALLEEHANGUP"),
    *(ring("lost"), press("", "lost", "timeout"), ended("lost")),
    *(ring("open"), press("2", "open"), keyed("123456", "open")),
]  # fmt: skip
CHANGED_FLOW = FLOW.replace("1: ask_account, 2: ask_order", "1: ask_order, 2: ask_account")


@cache
def compile_line(flow: str = FLOW, journal: str = "") -> Release:
    release = compile_project(files(flow, journal), {}).release
    assert release is not None
    return release


def write_line(folder: Path, flow: str = FLOW) -> Path:
    """The flows as their author has them now."""
    folder.mkdir(exist_ok=True)
    for name, content in files(flow).items():
        (folder / name).write_bytes(content)
    return folder


def record_calls(
    data: Path, calls: list[dict[str, Any]] = CALLS, release: Release | None = None
) -> None:
    """Record these calls in a server's folder, as if they were of this moment."""
    clock = Clock(time.time() - 2 * len(calls) - 2)  # it is looked at twice for each callback
    sealer = JournalEncryption([SECRET])
    record(data / JOURNAL_FILE, release or compile_line(), calls, sealer=sealer, clock=clock)


def publish_line(data: Path, flow: str = FLOW, who: str = "ann", journal: str = "") -> str:
    """Make flows live in a server's folder; the id of their release."""
    data.mkdir(exist_ok=True)
    return publish_at(data / "releases.db", flow, who, journal)


def publish_at(archive: Path | str, flow: str = FLOW, who: str = "ann", journal: str = "") -> str:
    """Make flows live in an archive, which servers of several machines may share."""
    worker = CompileWorker(archive, {}, cookies_only=False)
    ledger = Ledger(archive)
    publisher = Publisher(worker.archive, ledger, worker.compile)
    try:
        made = publisher.publish_always(files(flow, journal), FlowOrigin("/srv/flows"), who)
    finally:
        worker.close()
        ledger.close()
    return made.release


def create_operator(flows: Path, data: Path, tokens: ConsoleTokens = NO_TOKENS) -> ConsoleClient:
    """A browser on the console of the server with this folder."""
    settings = build_settings(flows, store=f"sqlite:{data / 'calls.db'}", is_serving=True)
    return ConsoleClient(create_console_app(settings, tokens), "127.0.0.1")
