"""The archive keeps what a release is made of, once, for every process that shares it: in a file,
and on a server.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from zlib import decompress as zlib_decompress

import pytest

from flowengine.releases.archive import Archive
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.archive_location import ArchiveLocation, open_archive_database
from flowengine.sources.flow_source import FlowOrigin
from tests.fork_server import FlowengineProcess

HERE = FlowOrigin("/srv/flows")
GIT = FlowOrigin("/srv/flows.git", "main", "3faf202", "Ann <ann@example.com>", "Open on Saturdays")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "releases.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, path: Path) -> ArchiveLocation:
    return path if request.param == "sqlite" else str(request.getfixturevalue("postgresql"))


@pytest.fixture
def opened(where: ArchiveLocation) -> Iterator[Callable[[], Archive]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Archive(where)))


def contents(where: ArchiveLocation) -> int:
    with closing(open_archive_database(where)) as database:
        ((found,),) = database.execute("SELECT count(*) FROM contents")
    return int(found)


def test_release_is_loaded_as_it_was_put(opened: Callable[[], Archive]) -> None:
    files = {"a.yaml": b"flow: a", "b.yaml": b"\x00\xff" * 1000, "empty.yaml": b""}
    archive = opened()
    archive.put("one", files, GIT, 5.0)
    archive.close()
    reopened = opened()
    assert reopened.load_files("one") == files
    assert [(kept.id, kept.made, kept.origin) for kept in reopened.list_releases()] == [
        ("one", 5.0, GIT)
    ]
    assert reopened.load_files("two") is None


def test_origin_of_a_release_put_twice_is_the_first_one(opened: Callable[[], Archive]) -> None:
    archive = opened()
    archive.put("one", {"a.yaml": b"flow: a"}, HERE, 5.0)
    archive.put("one", {"a.yaml": b"flow: a"}, GIT, 9.0)
    assert [(kept.made, kept.origin) for kept in archive.list_releases()] == [(5.0, HERE)]


def test_contents_that_releases_share_are_kept_once_and_as_long_as_one_needs_them(
    opened: Callable[[], Archive], where: ArchiveLocation
) -> None:
    archive = opened()
    shared = {f"{number}.yaml": b"flow: %d" % number for number in range(50)}
    for number in range(20):
        archive.put(f"r{number}", {**shared, "0.yaml": b"changed %d" % number}, HERE, float(number))
    assert contents(where) == 49 + 20
    archive.drop([f"r{number}" for number in range(19)])
    assert contents(where) == 50
    assert archive.load_files("r19") == {**shared, "0.yaml": b"changed 19"}
    assert archive.load_files("r3") is None


def test_contents_that_somebody_else_has_dropped_are_put_again(
    opened: Callable[[], Archive],
) -> None:
    files = {"a.yaml": b"flow: a", "b.yaml": b"flow: b"}
    archive, other = opened(), opened()
    archive.put("one", files, HERE, 1.0)
    other.drop(["one"])
    archive.put("two", {**files, "b.yaml": b"changed"}, HERE, 2.0)
    assert other.load_files("two") == {"a.yaml": b"flow: a", "b.yaml": b"changed"}


def test_releases_of_edited_files_are_loaded_as_they_were_put(
    opened: Callable[[], Archive],
) -> None:
    """Whichever release an archive has put, loaded or lost last."""
    chance, archive, other = random.Random(7), opened(), opened()
    files, releases = {f"{number}.yaml": b"%d" % number for number in range(9)}, {}
    for number in range(40):
        files = dict(files)
        files[f"{chance.randrange(12)}.yaml"] = b"%d" % chance.randrange(5)
        files.pop(f"{chance.randrange(40)}.yaml", None)
        releases[f"r{number}"] = files
        chance.choice((archive, other)).put(f"r{number}", files, HERE, float(number))
        if chance.random() < 0.3:
            gone = chance.choice(list(releases))
            del releases[gone]
            chance.choice((archive, other)).drop([gone])
        if releases:
            name = chance.choice(list(releases))
            assert chance.choice((archive, other)).load_files(name) == releases[name]
    fresh = opened()
    assert {kept.id: fresh.load_files(kept.id) for kept in fresh.list_releases()} == releases


def test_archive_reads_from_the_database_only_what_differs_from_the_latest_release(
    opened: Callable[[], Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {f"{number}.yaml": b"%d" % number for number in range(9)}
    second = {**first, "3.yaml": b"other"}
    archive, other = opened(), opened()
    archive.put("one", first, HERE, 1.0)
    other.load_files("one")
    archive.put("two", second, HERE, 2.0)
    unpacked: list[bytes] = []
    monkeypatch.setattr(
        "flowengine.releases.archive.zlib.decompress",
        lambda packed: unpacked.append(zlib_decompress(packed)) or unpacked[-1],
    )
    loaded = other.load_files("two")
    assert loaded == second
    assert unpacked == [b"other"]


def test_people_name_releases_by_the_beginning_of_their_id(opened: Callable[[], Archive]) -> None:
    archive = opened()
    for name in ("abc1", "abd2", "f00d"):
        archive.put(name, {}, HERE, 1.0)
    assert archive.find_ids("f") == ["f00d"]
    assert sorted(archive.find_ids("ab")) == ["abc1", "abd2"]
    assert archive.find_ids("") == []


def test_processes_put_at_the_same_time(
    opened: Callable[[], Archive], where: ArchiveLocation, tmp_path: Path
) -> None:
    opened()
    (tmp_path / "program.py").write_text(
        "import sys; from pathlib import Path; from flowengine.releases.archive import Archive\n"
        "from flowengine.sources.flow_source import FlowOrigin\n"
        "archive = Archive(sys.argv[1] if '://' in sys.argv[1] else Path(sys.argv[1]))\n"
        "for n in range(40): archive.put(f'r{n}', {'same.yaml': b'x', f'{n}.yaml': b'%d' % n}, "
        "FlowOrigin(sys.argv[2]), n)\n"
    )
    running = [
        FlowengineProcess([str(where), str(number)], program=str(tmp_path / "program.py"))
        for number in range(3)
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    archive = opened()
    assert len(archive.list_releases()) == 40
    assert archive.load_files("r7") == {"same.yaml": b"x", "7.yaml": b"7"}


def test_archive_files_are_readable_by_their_owner_alone(path: Path) -> None:
    Archive(path).put("one", {"a.yaml": b"flow: a"}, HERE, 1.0)
    assert [file.stat().st_mode & 0o077 for file in path.parent.iterdir()] == [0] * len(
        list(path.parent.iterdir())
    )


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be looked at" * 20, None]
)
def test_file_that_is_no_archive_is_refused_and_left_alone(
    path: Path, content: bytes | None
) -> None:
    path.parent.mkdir()
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE guests (name TEXT)")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match=r"releases\.db"):
        Archive(path)
    assert path.read_bytes() == before
