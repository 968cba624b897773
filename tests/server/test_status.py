"""What is live can be asked for at any time."""

from pathlib import Path
from typing import Any

import msgspec

from flowengine.expr import ZONE_DATA
from flowengine.journal import JournalWriter
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import ServerSettings
from flowengine.server.status import StatusEndpoint, try_load_ring_status
from flowengine.storage.sessions import MemoryStore
from tests.runtime.ring_calls import RingLine, compile_line

FLOW = "flow: line\nstart: bye\nstates:\n  bye: {say: Goodbye., hangup: }\n"


async def asked(status: StatusEndpoint) -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    await status({"type": "http"}, receive, send)
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])


async def test_while_the_archive_fails_status_says_so_and_what_this_worker_serves(
    tmp_path: Path,
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "line.yaml").write_text(FLOW)
    live = ReleaseService(
        ServerSettings(str(tmp_path / "flows"), store=f"sqlite:{tmp_path}/store/calls.db")
    )
    live.publish()
    registry = live.create_registry()

    unopened = JournalWriter(
        tmp_path / "journal.db", lambda _: registry.current, None, lambda *_: None
    )

    status = StatusEndpoint(live, registry, MemoryStore(), unopened)
    code, found = await asked(status)
    assert (code, found["current"]) == (200, registry.current.id)
    assert found["rings"] == {"under_way": 0, "overdue_seconds": 0.0, "conferences": 0, "parked": 0}
    assert found["zones"] == {"version": ZONE_DATA.version, "outdated": False}
    live.compile_worker.archive.close()
    code, found = await asked(status)
    assert (code, found["current"]) == (503, registry.current.id)
    assert "message" in found
    live.close()


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
