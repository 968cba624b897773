"""A folder that is edited, commands and requests over HTTP, all at the same moment: each change is
recorded, in one order for all.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from flowengine.releases.ledger import Change, Ledger, LiveState, apply_changes
from tests.e2e.many_callers import project, write
from tests.e2e.test_several_machines import id_of
from tests.fork_server import run_flowengine
from tests.support_line import READER, Server
from tests.thoroughness import THOROUGH
from tests.waiting import PATIENCE_SECONDS, wait_until

TOKEN = "a token that nobody guesses"
EACH = 6 if THOROUGH else 3


class House(Server):
    """A server of two workers, and everybody who changes what it serves."""

    def prepare(self) -> None:
        write(self.folder / "flows", project())
        for number in range(EACH):
            write(self.folder / f"command{number}", project(table=number + 2))

    def save(self, number: int) -> str:
        """Until it is recorded: who saves twice within a moment has changed the folder once."""
        write(self.folder / "flows", files := project(line=number + 2))
        wait_until(lambda: id_of(files) in {change.release for change in self.changes()})
        return id_of(files)

    def publish(self, number: int) -> str:
        arguments = ("publish", f"command{number}", "--store", self.store, "--who", "bo")
        run_flowengine(*arguments, cwd=self.folder).check_returncode()
        return id_of(project(table=number + 2))

    def send(self, number: int) -> str:
        asked = {"files": project(message=number + 2)}
        headers = {"authorization": f"Bearer {TOKEN}", "x-who": "cy"}
        httpx.post(
            f"http://127.0.0.1:{self.port}/admin/publish",
            json=asked,
            headers=headers,
            timeout=PATIENCE_SECONDS,
        ).raise_for_status()
        return id_of(project(message=number + 2))

    def changes(self) -> list[Change]:
        with closing(
            Ledger(self.store if "://" in self.store else self.folder / "releases.db")
        ) as ledger:
            return ledger.list_changes()

    def served(self) -> set[tuple[int, str]]:
        found = [
            httpx.get(
                f"http://127.0.0.1:{self.port}/status",
                headers=READER,
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            )
            .raise_for_status()
            .json()["worker"]
            for _ in range(16)
        ]
        return {(worker["pid"], worker["current"]) for worker in found}


@pytest.fixture(params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", TOKEN)
    store = "" if request.param == "sqlite" else str(request.getfixturevalue("postgresql"))
    made = House(tmp_path, workers=2, store=store)
    made.prepare()
    made.start()
    yield made
    made.kill()


def test_publications_at_the_same_moment_are_all_recorded_and_the_last_one_is_live(
    house: House,
) -> None:
    (begun,) = house.changes()
    ways: Mapping[str, Callable[[int], str]] = {
        "the server": house.save,
        "bo": house.publish,
        "cy": house.send,
    }

    def one_after_the_other(who: str) -> list[str]:
        return [ways[who](number) for number in range(EACH)]

    with ThreadPoolExecutor(len(ways)) as pool:
        wanted = dict(zip(ways, pool.map(one_after_the_other, ways), strict=True))
    changes = house.changes()
    assert [change.number for change in changes] == list(range(1, len(changes) + 1))
    made: dict[str, list[str]] = {
        who: [change.release for change in changes[1:] if change.who == who] for who in ways
    }
    assert made == wanted, "nothing is lost, each in its own order and with its name"
    assert {begun.who, *made} == {change.who for change in changes}
    last = apply_changes(LiveState(), changes).current
    wait_until(
        lambda: len(house.served()) == 2 and {current for _, current in house.served()} == {last}
    )
