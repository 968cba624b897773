"""What is live can be asked for at any time."""

from pathlib import Path
from typing import Any

import msgspec

from flowengine.expr import ZONE_DATA
from flowengine.journal import JournalWriter
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import ServerSettings
from flowengine.server.status import StatusEndpoint
from flowengine.storage.sessions import MemoryStore

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
    assert found["zones"] == {"version": ZONE_DATA.version, "outdated": False}
    live.compile_worker.archive.close()
    code, found = await asked(status)
    assert (code, found["current"]) == (503, registry.current.id)
    assert "message" in found
    live.close()
