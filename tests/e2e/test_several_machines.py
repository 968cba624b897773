"""Two servers with folders of their own, as on two machines, that share nothing but a PostgreSQL
server.
"""

import asyncio
import json
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from flowengine.cli.serve_options import CONFIG_FILE
from flowengine.compile.release_id import compute_release_id
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Ledger
from tests.console.console_line import create_client
from tests.e2e.many_callers import Crowd, parts_of, project, write
from tests.fork_server import run_flowengine
from tests.support_line import KEY, READER, SECRET, Line, Server, said
from tests.waiting import PATIENCE_SECONDS, wait_until

LANES, SLOW = 60, 0.5


class Machine(Server):
    """A server with its own folder. Only the store is shared."""

    def __init__(
        self, folder: Path, store: str, files: dict[str, str], workers: int, config: str = ""
    ) -> None:
        folder.mkdir()
        (folder / CONFIG_FILE).write_text(config)
        write(folder / "flows", files)
        super().__init__(folder, workers=workers, store=store)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = (
            httpx.get(
                f"http://127.0.0.1:{self.port}/status",
                headers=READER,
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            )
            .raise_for_status()
            .json()
        )
        return found

    def serves(self) -> str:
        return str(self.status()["worker"]["current"])

    def command(self, *arguments: str) -> str:
        done = run_flowengine(*arguments, "--store", self.store, cwd=self.folder)
        done.check_returncode()
        return done.stdout

    def follows(self) -> bool:
        return "this machine now follows its flows" in (self.folder / "server.log").read_text()


def id_of(files: dict[str, str]) -> str:
    return compute_release_id({name: text.encode() for name, text in files.items()})


@contextmanager
def machines(
    tmp_path: Path, store: str, *flows: dict[str, str], workers: int = 1, config: str = ""
) -> Iterator[list[Machine]]:
    """They start one after the other, so the first one follows."""
    made = [
        Machine(tmp_path / f"machine{number}", store, files, workers, config)
        for number, files in enumerate(flows, 1)
    ]
    try:
        for machine in made:
            machine.start()
            wait_until(made[0].follows)
        yield made
    finally:
        for machine in made:
            if machine.process is not None and machine.process.poll() is None:
                machine.kill(signal.SIGTERM)


def test_conversation_goes_from_one_machine_to_the_other_at_each_step(
    tmp_path: Path, postgresql: str
) -> None:
    with machines(tmp_path, postgresql, project(), project()) as (one, two):
        line = Line(one.port, "call-1", echo=False)  # nothing but the store knows the call

        def at(machine: Machine) -> Line:
            line.url = f"http://127.0.0.1:{machine.port}"
            return line

        assert said(at(one).ring()).startswith("Line 1, table 1. Message 1.")
        assert "Part 1, table 1." in said(at(two).press("1"))
        again = at(one).press("9")
        assert "Part 1, table 1." in said(again)
        assert at(two).redeliver() == again, (
            "delivered once more, to another machine: the same answer"
        )
        assert said(at(two).press("1")).startswith("Message 1.")
        assert at(one).press("2")["action"]["name"] == "connectPstn"
        one.kill()
        assert said(at(two).answered()) == "Line 1, table 1."


def test_call_that_wanders_is_one_story(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `calls`, in replay and in the console: whoever asks, and whichever machine answered."""
    with machines(tmp_path, postgresql, project(), project()) as (one, two):
        line = Line(one.port, "call-1", echo=False)

        def at(machine: Machine) -> Line:
            line.url = f"http://127.0.0.1:{machine.port}"
            return line

        at(one).ring()
        at(two).press("1")
        at(one).press("2")
        at(two).answered()
        at(one).ended()
        wait_until(lambda: len(json.loads(two.command("calls", "call-1", "--json"))) == 5)
        steps = json.loads(two.command("calls", "call-1", "--json"))
        assert [step["event"] for step in steps] == ["ice", "pie", "pie", "ace", "dice"]
        ports = [one.port, two.port, one.port, two.port, one.port]
        assert [int(step["machine"].rpartition(":")[2]) for step in steps] == ports
        (call,) = json.loads(one.command("calls", "--json"))
        assert (call["call"], call["callbacks"], call["ended"]) == ("call-1", 5, True)
        told = one.command("calls", "call")
        assert told.count("on machine ") == 5
        assert told == two.command("calls", "call")
        flows = str(one.folder / "flows")
        for name, value in (("KEY", KEY), ("SECRET", SECRET)):
            monkeypatch.setenv(f"SINCH_APPLICATION_{name}", value)
        assert two.command("replay", "--on", flows).startswith("1 call replayed on")
        page = read_console_page(two, "/calls/call-1")
        assert all(text in page for text in (f":{one.port}, ", f":{two.port}<", "menu"))


def read_console_page(machine: Machine, path: str) -> str:
    """A page of a console that looks at the store of this machine."""
    client = create_client(machine.folder / "flows", store=machine.store)
    try:
        return client.get(path).raise_for_status().text
    finally:
        client.app.state.context.calls.close()


def test_release_published_on_one_machine_goes_live_on_the_other(
    tmp_path: Path, postgresql: str
) -> None:
    first, second = project(), project(line=2)
    with machines(tmp_path, postgresql, first, first) as (one, two):
        assert one.serves() == two.serves() == id_of(first)
        write(one.folder / "flows", second)
        wait_until(lambda: one.serves() == id_of(second))
        wait_until(lambda: two.serves() == id_of(second))
        two.command("rollback", "--who", "bo")
        wait_until(lambda: one.serves() == two.serves() == id_of(first))
        write(tmp_path / "third", third := project(line=3))
        two.command("publish", str(tmp_path / "third"), "--who", "bo")
        wait_until(lambda: one.serves() == two.serves() == id_of(third))
        changes = json.loads(one.command("releases", "--json"))["changes"]
        assert [(change["what"], change["release"]) for change in changes] == [
            ("publish", id_of(third)), ("rollback", id_of(first)), ("publish", id_of(second)), ("publish", id_of(first)),
        ]  # fmt: skip


def test_machines_with_different_flows_do_not_fight(tmp_path: Path, postgresql: str) -> None:
    first, behind = project(line=2), project()
    with machines(tmp_path, postgresql, behind, behind) as (one, two):
        write(one.folder / "flows", first)
        wait_until(lambda: two.serves() == id_of(first))
        two.kill(signal.SIGTERM)
        two.start()
        assert (one.serves(), two.serves()) == (id_of(first), id_of(first)), (
            "whoever starts takes what is live"
        )
        one.kill()
        wait_until(two.follows)
        time.sleep(1.0)
        assert two.serves() == id_of(first), "whoever takes over and is behind changes nothing"
        write(two.folder / "flows", third := project(line=3))
        wait_until(lambda: two.serves() == id_of(third))


async def test_machine_killed_while_flows_change_leaves_calls_on_their_releases(
    tmp_path: Path, postgresql: str
) -> None:
    with machines(tmp_path, postgresql, project(), project(), workers=2) as (one, two):
        crowd, ledger = Crowd(one.port, SLOW, patient=True, others=[two.port]), Ledger(postgresql)

        async def edit(machine: Machine, edition: int) -> None:
            write(machine.folder / "flows", files := project(line=edition, table=edition))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while ledger.get_live().current != id_of(files):  # noqa: ASYNC110  # nobody tells of it
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.7)

        async def story() -> None:
            await asyncio.sleep(0.5)
            await edit(one, 2)
            one.kill()
            killed.append(time.time())
            await edit(two, 3)
            await asyncio.to_thread(one.start)
            await edit(two, 4)

        async def calling() -> None:
            told = asyncio.ensure_future(story())
            report = await crowd.call(LANES, LANES, told.done)
            await told
            assert (report.lost, set(report.endings)) == (0, {"ANSWERED CALLERHANGUP"})

        killed: list[float] = []
        await calling()
        ledger.close()
        assert (
            sum(known.rang < killed[0] < known.until for known in crowd.calls.values()) > LANES // 3
        )
        releases = read_releases(postgresql)
        assert {call: releases[call] for call in crowd.calls if len(releases[call]) != 1} == {}
        with closing(Archive(postgresql)) as archive:
            parts = {
                name: parts_of(archive.load_files(name) or {})
                for names in releases.values()
                for name in names
            }
        own = {call: parts[next(iter(releases[call]))] for call in crowd.calls}
        assert {
            call: known.heard for call, known in crowd.calls.items() if not known.heard <= own[call]
        } == {}
        assert len(parts) == 4


def read_releases(store: str) -> dict[str, set[str]]:
    """The releases that answered each call, by the journal that the machines share."""
    found = defaultdict(set)
    with psycopg.connect(store) as connection:
        query = "SELECT call, release FROM flowengine.journal_rows WHERE outcome <> 'repeated'"
        for call, release in connection.execute(query):
            found[call.decode()].add(release)
    return found
