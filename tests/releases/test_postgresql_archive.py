"""The archive and the turn on a server that may be started anew at any moment."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from flowengine.releases.archive import Archive
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.archive_location import build_leader_lock, open_archive_database
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.leader_lock import LeaderLock
from flowengine.releases.ledger import Change, CommandRefusedError, Ledger, LiveState
from flowengine.releases.publisher import Publisher
from flowengine.sources.flow_source import FlowOrigin

psycopg = pytest.importorskip("psycopg")
HERE, THERE = FlowOrigin("/srv/here"), FlowOrigin("/srv/there")
HOLDS = (
    "import sys, time; from flowengine.releases.archive_location import build_leader_lock\n"
    "turn = build_leader_lock(sys.argv[1]); print(turn.try_acquire(), flush=True); time.sleep(60)\n"
)


@pytest.fixture
def address(postgresql: str) -> str:
    """The server, with the tables on it."""
    open_archive_database(postgresql).close()
    return postgresql


@pytest.fixture
def turn(address: str) -> Iterator[LeaderLock]:
    with closing(build_leader_lock(address)) as made:
        yield made


def cut_off(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
            "'flowengine'"
        )


def taken_within(turn: LeaderLock, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if turn.try_acquire():
            return True
        time.sleep(0.02)
    return False


def test_archive_and_ledger_go_on_when_the_server_was_started_anew(address: str) -> None:
    with closing(Archive(address)) as archive, closing(Ledger(address)) as ledger:
        for number in range(3):
            cut_off(address)
            archive.put(f"r{number}", {"a.yaml": b"%d" % number}, HERE, float(number))
            cut_off(address)
            assert archive.load_files(f"r{number}") == {"a.yaml": b"%d" % number}
            cut_off(address)
            ledger.append_change(lambda live: Change("ann", "publish", f"r{live.number}"), 1.0)
            cut_off(address)
            assert ledger.get_live().current == f"r{number}"


def test_connection_lost_during_a_change_changes_nothing(address: str) -> None:
    def decide(_live: LiveState) -> Change:
        cut_off(address)
        return Change("ann", "publish", "r1")

    with closing(Ledger(address)) as ledger:
        with pytest.raises(ArchiveError, match="the archive of releases fails"):
            ledger.append_change(decide, 1.0)
        assert ledger.get_live() == LiveState()
        ledger.append_change(lambda _live: Change("ann", "publish", "r2"), 1.0)
        assert ledger.get_live().current == "r2"


def test_refused_change_leaves_no_gap_and_no_lock(address: str) -> None:
    def refuse(_live: LiveState) -> Change:
        raise CommandRefusedError("no")

    with closing(Ledger(address)) as ledger, closing(Ledger(address)) as other:
        with pytest.raises(CommandRefusedError):
            ledger.append_change(refuse, 1.0)
        assert other.append_change(lambda _live: Change("ann", "publish", "r1"), 1.0).number == 1


def test_postgresql_leader_lock_is_held_by_one_process_until_it_is_killed(
    address: str, turn: LeaderLock
) -> None:
    first = subprocess.Popen([sys.executable, "-c", HOLDS, address], stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"True\n"
    assert not turn.try_acquire()
    first.kill()
    first.communicate()
    assert taken_within(turn, 5.0)
    assert turn.try_acquire(), "it stays ours"


def test_leader_that_loses_its_connection_loses_the_lock(address: str, turn: LeaderLock) -> None:
    assert turn.try_acquire()
    cut_off(address)
    with closing(build_leader_lock(address)) as other:
        assert taken_within(other, 5.0)
        assert not turn.try_acquire()
        assert not turn.try_acquire()
    assert taken_within(turn, 5.0)


def test_tables_of_another_version_are_refused(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("UPDATE flowengine.parts SET version = 7")
    with pytest.raises(ArchiveError, match="its part releases has version 7, not 1"):
        open_archive_database(address)


def test_new_leader_that_is_behind_publishes_nothing_until_its_source_changes(
    address: str,
) -> None:
    first, second, third = (
        {"line.yaml": f"flow: line\nstart: a\nstates: {{a: {{hangup: }}}}\n# {words}\n".encode()}
        for words in "abc"
    )
    compile_worker = CompileWorker(address, {})
    with closing(compile_worker), closing(Ledger(address)) as ledger:
        one, two = (
            Publisher(compile_worker.archive, ledger, compile_worker.compile) for _ in range(2)
        )
        older, newer = (one.publish_if_new(files, HERE, "ann").release for files in (first, second))
        assert older
        two.skip_known_release(first)
        assert not two.publish_if_new(first, THERE, "bo").changed
        assert ledger.get_live().current == newer
        assert two.publish_if_new(third, THERE, "bo").changed
        assert two.publish_if_new(first, THERE, "bo").changed, "whoever brings it back means it"
        assert ledger.get_live().current == older
