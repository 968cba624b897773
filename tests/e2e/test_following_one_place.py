"""Servers that share a store follow one place: another one is refused, unless the server that
followed has ended.
"""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowengine.compile.release_id import compute_release_id
from tests.e2e.many_callers import project, write
from tests.fork_server import run_flowengine
from tests.support_line import READER, Server
from tests.waiting import PATIENCE_SECONDS, wait_until


class Office(Server):
    """A server that follows a folder, and another place with the same store."""

    def __init__(self, folder: Path, store: str, flows: str, **options: Any) -> None:
        self.name = flows
        (folder / f"of-{flows}").mkdir(exist_ok=True)
        super().__init__(
            folder / f"of-{flows}", store=store, flows=[str(folder / flows)], **options
        )

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

    def says(self) -> str:
        return (self.folder / "server.log").read_text()

    def refused(self) -> str:
        """What it says as it does not start."""
        done = run_flowengine(
            *("serve", *self.flows, "--port", str(self.port), "--store", self.store),
            "--no-console",
            cwd=self.folder,
            env={"FLOWENGINE_COOKIE_KEYS": "a key of both"},
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 2, done.stderr
        return done.stderr


def id_of(files: dict[str, str]) -> str:
    return compute_release_id({name: text.encode() for name, text in files.items()})


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        f"sqlite:{tmp_path / 'calls.db'}"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgresql"))
    )


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def make(store: str, flows: str, files: dict[str, str], **options: Any) -> Office:
        write(tmp_path / flows, files)
        made.append(Office(tmp_path, store, flows, **options))
        return made[-1]

    yield make
    for server in made:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def test_second_folder_is_refused_until_the_server_that_follows_has_ended(
    store: str, office: Callable[..., Office]
) -> None:
    """The second took over without a word, and the first went on following: each overwrote the
    other.
    """
    one, two = office(store, "one", project()), office(store, "two", project(line=2), workers=2)
    one.start()
    told = two.refused()
    (reason,) = (line for line in told.splitlines() if line.startswith("Error: "))
    assert reason.startswith("Error: the store ")
    assert f"is in use by another server ({socket.gethostname()}, port {one.port})" in reason
    assert f"which serves {one.flows[0]}, and a store has one set of flows" in reason
    cure = "a store of its own, such as --store sqlite:.flowengine/"
    assert (
        f"stop that server, or give this one {'another database' if '//' in store else cure}"
        in reason
    )
    assert one.serves() == id_of(project())
    assert one.status()["following"]["source"] == one.flows[0]
    one.kill()
    two.start()
    assert f"With this store {one.flows[0]} was followed" in two.says()
    wait_until(lambda: two.serves() == id_of(project(line=2)))
    write(Path(two.flows[0]), project(line=3))
    wait_until(lambda: two.serves() == id_of(project(line=3)))
    assert two.status()["following"]["source"] == two.flows[0]


def test_deploy_moves_the_folder_while_the_old_server_drains(
    store: str, office: Callable[..., Office]
) -> None:
    one, two = office(store, "one", project(), workers=2), office(store, "two", project(line=2))
    one.flows = [*one.flows, "--drain", "300"]
    one.start()
    assert one.process is not None
    one.process.send_signal(signal.SIGTERM)
    two.start()
    wait_until(lambda: two.serves() == id_of(project(line=2)))
    assert (
        httpx.get(
            f"http://127.0.0.1:{one.port}/readyz", timeout=PATIENCE_SECONDS, trust_env=False
        ).status_code
        == 503
    ), "it still answers"
    write(Path(one.flows[0]), project(line=7))
    time.sleep(1.5)
    assert two.serves() == id_of(project(line=2)), "what the old one had is followed no more"


def test_second_server_of_the_same_folder_takes_over(
    store: str, office: Callable[..., Office]
) -> None:
    one, two = office(store, "one", project()), office(store, "one", project())
    one.start()
    two.start()
    one.kill()
    write(Path(two.flows[0]), project(line=2))
    wait_until(lambda: two.serves() == id_of(project(line=2)))
    assert "was followed" not in two.says()


def test_redirected_link_of_a_deploy_is_followed_and_is_one_source(
    tmp_path: Path, store: str, office: Callable[..., Office]
) -> None:
    """The server followed where the link had led as it started."""
    (tmp_path / "v1").mkdir()
    (tmp_path / "flows").symlink_to("v1")
    one, two = office(store, "flows", project()), office(store, "flows", project())
    one.start()
    write(tmp_path / "v2", project(line=2))
    (tmp_path / "next").symlink_to("v2")
    (tmp_path / "next").replace(tmp_path / "flows")
    wait_until(lambda: one.serves() == id_of(project(line=2)))
    two.start()
    assert two.serves() == id_of(project(line=2))


def test_machines_may_have_the_flows_that_are_live_under_another_path(
    postgresql: str, office: Callable[..., Office]
) -> None:
    """How the path of many machines is changed: publish what the new folder has, then restart one
    after the other.
    """
    one, two = office(postgresql, "one", project()), office(postgresql, "two", project(line=2))
    one.start()
    run_flowengine("publish", two.flows[0], "--store", postgresql).check_returncode()
    two.start()
    assert f"Another machine follows {one.flows[0]}" in two.says()
    one.kill(signal.SIGTERM)
    write(Path(two.flows[0]), project(line=3))
    wait_until(lambda: two.serves() == id_of(project(line=3)))
