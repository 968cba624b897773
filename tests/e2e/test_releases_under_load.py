"""Flows change all the time while calls are under way, through the real server with two workers;
nobody on the line notices.

Each part of the flows says its edition, so a caller who was led from one release to another would
hear it.
"""

import asyncio
import json
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from flowengine.compile.release_id import compute_release_id
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Ledger
from flowengine.switch.load import LoadReport
from tests.e2e.many_callers import Crowd, parts_of, project, write
from tests.sources.git_repository import commit, new_repository
from tests.support_line import Server
from tests.thoroughness import examples
from tests.waiting import wait_until_async

CALLS, PUBLISHES = examples(1000), examples(100)  # of a folder, and as many of a branch
LANES, SLOW = 250, 0.6
BROKEN = 10_000  # editions from here on are never to be heard

Files = Mapping[str, str | None]


class Author(Protocol):
    """Who changes flows."""

    async def save(self, files: Files, message: str) -> None:
        """Make these the flows; None deletes."""


class Editor:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def save(self, files: Files, _message: str) -> None:
        write(self.folder, files)


class Committer:
    def __init__(self, repository: Path) -> None:
        self.repository = repository

    async def save(self, files: Files, message: str) -> None:
        await asyncio.to_thread(
            commit,
            self.repository,
            {f"flows/{name}": text for name, text in files.items()},
            message,
        )


def broken(sound: Mapping[str, str], edition: int) -> Files:
    """Flows that must never be live, each time for another reason."""
    line = sound["line.yaml"].replace("Line ", f"Line {edition}, line ")
    return (
        {"line.yaml": line.replace("options:", "options: {")},  # no YAML
        {"line.yaml": line.replace("answered: whisper", "answered: nowhere")},
        {"line.yaml": line.replace('"now"', "vars.nothing")},
        {"part.yaml": None, "line.yaml": line},
        {"line.yaml": line[: line.index("whisper:\n")]},  # half written
        {"tables/editions.yaml": f"rows:\n  now: {{number: {edition}, number: x}}\n"},
    )[edition % 6]


class Publishing:
    """One change after the other; each only when what became of the one before is known."""

    def __init__(self, author: Author, folder: Path) -> None:
        self.author = author
        self.ledger, self.archive = Ledger(folder / "releases.db"), Archive(folder / "releases.db")
        self.good: list[str] = []
        self.bad = 0
        self.enough = False

    async def go_on(self, number: int) -> None:
        """At least so many changes, a third of them broken."""
        editions = dict.fromkeys(("line", "part", "table", "message"), 1)
        files = project(**editions)
        for edition in range(2, 2 + number):
            if edition % 3:
                editions[("line", "part", "table", "message")[edition % 4]] = edition
                files = project(**editions)
                await self.publish(files, f"Edition {edition}")
            else:
                await self.spoil(files, BROKEN + edition)
        self.enough = True

    async def publish(self, files: Mapping[str, str], message: str) -> None:
        await self.author.save(files, message)
        wanted = compute_release_id({name: text.encode() for name, text in files.items()})
        await wait_until_async(lambda: self.ledger.get_live().current == wanted)
        self.good.append(wanted)

    async def spoil(self, sound: Mapping[str, str], edition: int) -> None:
        begun = time.time()
        await self.author.save(broken(sound, edition), f"Break {edition}")
        await wait_until_async(
            lambda: any(item.at >= begun for item in self.archive.list_rejections())
        )
        self.bad += 1


async def both(crowd: Crowd, publishing: Publishing) -> LoadReport:
    changes = asyncio.create_task(publishing.go_on(PUBLISHES))
    report = await crowd.call(CALLS, LANES, changes.done)
    await changes
    return report


@pytest.fixture(params=["folder", "git"])
def followed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Author]]:
    if request.param == "git":
        repository = new_repository(tmp_path / "repository")
        commit(repository, {f"flows/{name}": text for name, text in project().items()}, "Begin")
        server, author = (
            Server(tmp_path, workers=2, flows=["--git", str(repository)]),
            Committer(repository),
        )
    else:
        write(tmp_path / "flows", project())
        server, author = Server(tmp_path, workers=2), Editor(tmp_path / "flows")
    server.start()
    yield server, author
    server.kill(signal.SIGTERM)


def logged(server: Server) -> dict[str, set[str]]:
    """The releases of each call, as the log has them."""
    found = defaultdict(set)
    for line in (server.folder / "server.log").read_text().splitlines():
        if line.startswith('{"at"') and line.endswith("}"):
            noted = json.loads(line)
            found[noted["call"]].add(noted["release"])
    return found


async def test_calls_under_way_while_flows_change(followed: tuple[Server, Author]) -> None:
    server, author = followed
    publishing, crowd = Publishing(author, server.folder), Crowd(server.port, SLOW)
    report = await both(crowd, publishing)
    no_callback_failed(report)
    # the log is written a moment after the answer
    await wait_until_async(lambda: set(crowd.calls) <= set(logged(server)))
    assert len(publishing.good) + publishing.bad == PUBLISHES
    assert publishing.bad >= PUBLISHES // 4
    releases = logged(server)
    each_call_saw_one_release(crowd, releases, publishing.archive)
    what_is_broken_was_never_live(crowd, publishing)
    calls_began_on_most_releases(crowd, releases, publishing)


def no_callback_failed(report: LoadReport) -> None:
    assert (report.errors, report.lost) == ({}, 0)
    assert report.calls >= CALLS
    assert set(report.endings) == {"ANSWERED CALLERHANGUP"}


def each_call_saw_one_release(
    crowd: Crowd, releases: Mapping[str, set[str]], archive: Archive
) -> None:
    assert {call: releases[call] for call in crowd.calls if len(releases[call]) != 1} == {}
    parts = {
        name: parts_of(archive.load_files(name) or {})
        for names in releases.values()
        for name in names
    }
    assert {
        call: known.heard
        for call, known in crowd.calls.items()
        if not known.heard <= parts[only(releases[call])]
    } == {}


def what_is_broken_was_never_live(crowd: Crowd, publishing: Publishing) -> None:
    changes = publishing.ledger.list_changes()
    assert [
        change.release for change in changes[1:] if change.release in publishing.good
    ] == publishing.good
    assert all(
        number < BROKEN
        for change in changes
        for _, number in parts_of(publishing.archive.load_files(change.release) or {})
    )
    assert all(number < BROKEN for known in crowd.calls.values() for _, number in known.heard)


def calls_began_on_most_releases(
    crowd: Crowd, releases: Mapping[str, set[str]], publishing: Publishing
) -> None:
    assert len({only(releases[call]) for call in crowd.calls}) > len(publishing.good) // 2


def only(found: set[str]) -> str:
    (one,) = found
    return one
