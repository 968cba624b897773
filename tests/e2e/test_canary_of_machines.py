"""A canary on two machines that share a store: each call is answered by both, and any of them tells
of all.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flowengine.journal import CanaryFigures, open_journal_reader
from tests.e2e.many_callers import Crowd, project, write
from tests.e2e.test_several_machines import Machine, machines
from tests.waiting import wait_until

CALLS = 120


def in_one(folder: Path, *given: Machine) -> Path:
    """The journals of all machines as one."""
    path = folder / "journal.db"
    first, *others = [machine.folder / ".flowengine" / "journal.db" for machine in given]
    with closing(sqlite3.connect(first)) as source, closing(sqlite3.connect(path)) as whole:
        source.backup(whole)
    with closing(sqlite3.connect(path)) as whole:
        columns = ", ".join(
            name
            for _, name, *_ in whole.execute("PRAGMA table_info(callbacks)")
            if name not in ("number", "dimension", "readable", "answered")  # refer to other tables
        )
        for other in others:
            whole.execute("ATTACH ? AS other", (str(other),))
            whole.execute(
                "INSERT INTO dimensions SELECT number + 1000000, at, event, release, flow, state, "
                "outcome, action, exit, reason, trace FROM other.dimensions"
            )
            whole.execute(
                f"INSERT INTO callbacks ({columns}, dimension) "
                f"SELECT {columns}, dimension + 1000000 FROM other.callbacks"
            )
            whole.commit()
            whole.execute("DETACH other")
        # the last is the last of both
        whole.execute("CREATE TABLE sorted AS SELECT * FROM callbacks ORDER BY at")
        whole.execute("DELETE FROM callbacks")
        whole.execute(
            f"INSERT INTO callbacks ({columns}, dimension) "
            f"SELECT {columns}, dimension FROM sorted ORDER BY at"
        )
        whole.commit()
    return path


@pytest.mark.parametrize("has_own_journals", [False, True], ids=["one journal", "two journals"])
async def test_figures_are_of_all_machines(
    tmp_path: Path, postgresql: str, *, has_own_journals: bool
) -> None:
    """Each showed its own part of the calls, and each call twice."""
    journal = 'journal = "sqlite:.flowengine/journal.db"\n' if has_own_journals else ""
    with machines(tmp_path, postgresql, project(), project(), workers=2, config=journal) as (
        one,
        two,
    ):
        write(tmp_path / "candidate", project(line=2))
        one.command("canary", str(tmp_path / "candidate"), "--share", "50%")
        crowd = Crowd(one.port, 0.05, others=[two.port])
        report = await crowd.call(CALLS, 20, lambda: True)
        assert report.lost == 0

        def told() -> dict[str, CanaryFigures]:
            return {
                name: CanaryFigures(**side)
                for name, side in two.status()["canary"]["figures"].items()
            }

        wait_until(lambda: sum(side.ended for side in told().values()) == len(crowd.calls))
        found = two.status()["canary"]
        where = in_one(tmp_path, one, two) if has_own_journals else postgresql
        with closing(open_journal_reader(where)) as reader:
            merged = reader.read_figures([found["current"], found["candidate"]], found["since"])
        wait_until(lambda: told() == merged)
        found = json.loads(two.command("canary", "--json"))
        assert found["machines"] == 2
        assert found == json.loads(one.command("canary", "--json"))
        wait_until(lambda: two.status()["canary"] == found)  # each worker has figures of its own
        assert all(side.ended == side.calls > CALLS // 5 for side in merged.values())
        assert ", on 2 machines" in one.command("canary")
        assert "; on 2 machines\n" in one.command("releases")
        one.command("promote")
        wait_until(lambda: two.status()["canary"] is None)
