"""kill -9 of a worker and of the whole server while calls are under way and flows change: every
call goes on, on its own release.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from flowengine.compile.release_id import compute_release_id
from flowengine.journal.journal_database import open_for_reading
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Ledger
from tests.e2e.many_callers import Crowd, parts_of, project, write
from tests.server.server_process import list_workers
from tests.support_line import Server
from tests.waiting import wait_until_async

LANES, SLOW = 100, 0.5
# What was answered again was answered before: what the caller heard tells of which release it was.
RELEASES = "SELECT call, group_concat(DISTINCT release) FROM rows GROUP BY call"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    write(tmp_path / "flows", project())
    started = Server(tmp_path, workers=2)
    started.start()
    yield started
    started.kill(signal.SIGTERM)


class Flows:
    """The flows of a server, and what of them is live."""

    def __init__(self, server: Server) -> None:
        self.folder = server.folder / "flows"
        self.ledger = Ledger(server.folder / "releases.db")
        self.wanted = ""

    def save(self, files: Mapping[str, str]) -> None:
        write(self.folder, files)
        self.wanted = compute_release_id({name: text.encode() for name, text in files.items()})

    async def live(self) -> None:
        """Wait until what was saved is live."""
        await wait_until_async(lambda: self.ledger.get_live().current == self.wanted)


def workers(server: Server) -> list[int]:
    """The process ids of its workers, the oldest first."""
    assert server.process is not None
    return list_workers(server.process.pid)


def count_started(server: Server) -> int:
    """The workers that have begun to answer since the server began."""
    return (server.folder / "server.log").read_text().count("Application startup complete")


async def while_calling(crowd: Crowd, story: Callable[[], "asyncio.Future[None]"]) -> None:
    """Nobody's call comes to another end than its own, whatever happens."""
    told = asyncio.ensure_future(story())
    report = await crowd.call(LANES, LANES, told.done)
    await told
    assert (report.lost, set(report.endings)) == (0, {"ANSWERED CALLERHANGUP"})


def ended(folder: Path) -> set[str]:
    """The calls whose end is in the journal."""
    with closing(open_for_reading(folder / "journal.db")) as journal:
        found = journal.execute("SELECT call FROM rows WHERE event = 'dice'").fetchall()
    return {call.decode() for (call,) in found}


def acknowledged(crowd: Crowd) -> set[str]:
    return {call for call, known in crowd.calls.items() if known.acknowledged}


def each_call_saw_one_release(crowd: Crowd, folder: Path) -> None:
    with closing(open_for_reading(folder / "journal.db")) as journal:
        rows = journal.execute(RELEASES).fetchall()
    releases = {call.decode(): names for call, names in rows}
    archive = Archive(folder / "releases.db")
    parts = {name: parts_of(archive.load_files(name) or {}) for name in releases.values()}
    archive.close()
    assert {
        call: known.heard
        for call, known in crowd.calls.items()
        if not known.heard <= parts[releases[call]]
    } == {}


def test_workers_are_killed(server: Server) -> None:
    flows, crowd = Flows(server), Crowd(server.port, SLOW)

    async def story() -> None:
        for edition in range(2, 5):  # whichever of the two follows the folder is among the killed
            await asyncio.sleep(0.5)
            os.kill(workers(server)[0], signal.SIGKILL)
            flows.save(project(line=edition, table=edition))
            await flows.live()
            started = edition + 1  # the first two, and one in place of each that was killed
            await wait_until_async(lambda started=started: count_started(server) == started)

    asyncio.run(while_calling(crowd, story))
    assert acknowledged(crowd) == set(crowd.calls) <= ended(server.folder)
    each_call_saw_one_release(crowd, server.folder)


def test_server_killed_while_flows_change_goes_on(server: Server) -> None:
    flows, crowd, killed = Flows(server), Crowd(server.port, SLOW, patient=True), []

    async def story() -> None:
        for edition, sound in ((2, True), (3, False), (4, True)):
            await wait_until_async(lambda: crowd.count_open_calls() > LANES * 0.7)
            server.kill()
            killed.append(time.time())
            assert acknowledged(crowd) <= ended(server.folder)
            before = flows.ledger.get_live().current
            files = project(line=edition, message=edition)
            flows.save(
                files
                if sound
                else {
                    **files,
                    "line.yaml": files["line.yaml"].replace("start: welcome", "start: nowhere"),
                }
            )
            await asyncio.to_thread(server.start)
            await flows.live() if sound else None
            assert sound or flows.ledger.get_live().current == before

    asyncio.run(while_calling(crowd, story))
    went_on = [
        sum(known.rang < moment < known.until for known in crowd.calls.values())
        for moment in killed
    ]
    assert min(went_on) > LANES // 2
    assert acknowledged(crowd) == set(crowd.calls) <= ended(server.folder)
    each_call_saw_one_release(crowd, server.folder)
