"""What is live can be asked for at any time."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowengine.expr import ZONE_DATA
from flowengine.journal import JournalWriter
from flowengine.runtime.log_once import LogOnce
from flowengine.server import status
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import ServerSettings
from flowengine.server.status import StatusEndpoint, try_find_needed_releases, try_load_ring_status
from flowengine.storage.sessions import MemoryStore, StoreError
from tests.runtime.ring_calls import RingLine, compile_line

FLOW = "flow: line\nstart: bye\nstates:\n  bye: {say: Goodbye., hangup: }\n"


async def asked(endpoint: StatusEndpoint) -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    await endpoint({"type": "http"}, receive, send)
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])


def publish_line(folder: Path) -> ReleaseService:
    """The releases of a server whose flow is live."""
    (folder / "flows").mkdir()
    (folder / "flows" / "line.yaml").write_text(FLOW)
    live = ReleaseService(
        ServerSettings(str(folder / "flows"), store=f"sqlite:{folder}/store/calls.db")
    )
    live.publish()
    return live


async def test_while_the_archive_fails_status_says_so_and_what_this_worker_serves(
    tmp_path: Path,
) -> None:
    live = publish_line(tmp_path)
    registry = live.create_registry()

    unopened = JournalWriter(
        tmp_path / "journal.db", lambda _: registry.current, None, lambda *_: None
    )

    endpoint = StatusEndpoint(live, registry, MemoryStore(), unopened)
    code, found = await asked(endpoint)
    assert (code, found["current"]) == (200, registry.current.id)
    assert found["rings"] == {"under_way": 0, "overdue_seconds": 0.0, "conferences": 0, "parked": 0}
    assert found["zones"] == {"version": ZONE_DATA.version, "outdated": False}
    live.compile_worker.archive.close()
    code, found = await asked(endpoint)
    assert (code, found["current"]) == (503, registry.current.id)
    assert "message" in found
    live.close()


class FailingStore(MemoryStore):
    async def find_needed_releases(self) -> set[str]:
        raise StoreError("the session store cannot be looked through: it is away")


async def test_store_that_fails_is_one_line_however_often_status_is_asked_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_log_once", LogOnce(logging.getLogger("status")))
    for _ in range(3):
        assert await try_find_needed_releases(FailingStore()) is None
    (record,) = caplog.records
    assert record.getMessage().endswith(
        "which releases have calls: the session store cannot be looked through: it is away"
    )
    assert record.exc_info is None


async def test_status_counts_rings_under_way_and_how_late_their_tasks_are() -> None:
    line = RingLine(compile_line())
    await line.dial_in()
    line.now += 7  # in which nobody has run the tasks
    found = await try_load_ring_status(line.store)
    assert found is not None
    assert (found.under_way, found.overdue_seconds) == (1, 7.0)
    await line.run_tasks()
    await line.call("caller", "dice", result="ANSWERED", reason="CALLERHANGUP")
    await line.run_tasks()
    found = await try_load_ring_status(line.store)
    assert found is not None
    assert (found.under_way, found.overdue_seconds) == (0, 0.0)


async def test_archive_that_never_answers_is_reported_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database may take a query and hang."""
    live = publish_line(tmp_path)
    registry = live.create_registry()
    monkeypatch.setattr(status, "STATUS_SECONDS", 0.01)
    monkeypatch.setattr(live.compile_worker, "run", lambda _: asyncio.Event().wait())
    unopened = JournalWriter(
        tmp_path / "journal.db", lambda _: registry.current, None, lambda *_: None
    )
    code, found = await asked(StatusEndpoint(live, registry, MemoryStore(), unopened))
    assert (code, found["current"]) == (503, registry.current.id)
    assert found["message"] == "the archive of releases gave no answer in 0.01 s"
    live.close()
