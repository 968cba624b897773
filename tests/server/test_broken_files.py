"""What a server says of files that are broken, or somebody else's: which file it is, what to do,
and what is lost then.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from flowengine.journal.journal_database import open_for_writing
from flowengine.journal.journal_file import JournalFile
from flowengine.releases.archive import Archive
from flowengine.releases.archive_database import ArchiveError
from flowengine.storage.sessions import StoreError
from flowengine.storage.sessions.session_file import open_session_file
from tests.fork_server import run_flowengine
from tests.support_line import KEY, SECRET, Crm, Line, Server, said, write_support_line
from tests.waiting import PATIENCE_SECONDS, find_free_port

NOBODY = 65534
LOST = {
    "calls.db": "what is lost then is the state of calls whose cookie does not come back, and "
    "reports that are still to be delivered",
    "releases.db": "what is lost then is who changed what when",
    "journal.db": "what is lost then is the calls that are recorded in it",
    "turn.db": "delete it, nothing stands in it",
}


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of a server that has answered calls."""
    crm, folder = Crm(), tmp_path_factory.mktemp("used")
    write_support_line(folder, crm)
    server = Server(folder)
    server.start()
    for number in range(40):
        Line(server.port, f"old-{number}").ring()
    server.kill(signal.SIGTERM)
    yield folder
    crm.close()


@pytest.fixture
def server(tmp_path: Path, used_folder: Path) -> Iterator[Server]:
    shutil.copytree(used_folder, tmp_path, dirs_exist_ok=True)
    made = Server(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def begun(path: Path) -> None:
    os.truncate(path, 50)


def noise(path: Path) -> None:
    path.write_bytes(b"no database" + os.urandom(60_000))


def noise_inside(path: Path) -> None:
    content = path.read_bytes()
    page = int.from_bytes(content[16:18], "big")
    path.write_bytes(content[:page] + os.urandom(len(content) - page))


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE theirs (x)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version = 99")


def serve(server: Server) -> "subprocess.CompletedProcess[str]":
    """A server that does not come up."""
    environment = {**os.environ, "SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}
    arguments = (*server.flows, "--port", str(find_free_port()), "--store", server.store)
    return run_flowengine("serve", *arguments, env=environment, timeout=PATIENCE_SECONDS)


def works_again(server: Server, name: str) -> str:
    """The cure helps; what the log says meanwhile."""
    for file in server.folder.glob(f"{name}*"):
        file.rename(file.with_name(f"away-{file.name}"))
    (server.folder / "server.log").unlink()
    server.start()
    assert "Thank you for calling Acme." in said(Line(server.port, "newer").ring())
    Line(server.port, "newer").ended()
    server.kill(signal.SIGTERM)
    return (server.folder / "server.log").read_text()


@pytest.mark.parametrize(
    ("name", "how"),
    [("calls.db", cut), ("calls.db", foreign), ("releases.db", newer)],
)
def test_server_with_a_broken_file_does_not_start_and_says_what_to_do(
    server: Server, name: str, how: Callable[[Path], None]
) -> None:
    how(server.folder / name)
    found = serve(server)
    assert found.returncode == 2
    assert name in found.stderr
    assert LOST[name] in found.stderr
    assert "Traceback" not in found.stderr
    assert "ERROR" not in works_again(server, name)


@pytest.mark.parametrize("how", [noise_inside, foreign])
def test_server_goes_on_without_a_journal_and_says_what_to_do(
    server: Server, how: Callable[[Path], None]
) -> None:
    how(server.folder / "journal.db")
    (server.folder / "server.log").unlink()
    server.start()
    assert "Thank you for calling Acme." in said(Line(server.port, "new").ring())
    Line(server.port, "new").ended()
    shown = run_flowengine("calls", "--store", server.store)
    server.kill(signal.SIGTERM)
    log = (server.folder / "server.log").read_text()
    assert "callbacks wait to be written to the call journal: " in log
    assert log.count(LOST["journal.db"]) >= 1
    assert (shown.returncode, "Traceback" in shown.stderr, "call journal" in shown.stderr) == (
        2,
        False,
        True,
    ), shown.stderr
    assert "Traceback" not in log
    assert "ERROR" not in works_again(server, "journal.db")


@pytest.mark.parametrize("name", ["calls.db", "turn.db"])
def test_empty_file_is_taken_as_none(server: Server, name: str) -> None:
    (server.folder / name).write_bytes(b"")
    server.start()
    assert "Thank you for calling Acme." in said(Line(server.port, "new").ring())
    server.kill(signal.SIGTERM)
    assert "ERROR" not in (server.folder / "server.log").read_text()


def test_broken_leader_lock_is_reported(server: Server) -> None:
    noise(server.folder / "turn.db")
    found = serve(server)
    assert (found.returncode, LOST["turn.db"] in found.stderr) == (2, True), found.stderr
    assert "ERROR" not in works_again(server, "turn.db")


def test_store_that_breaks_later_is_reported_where_it_is_read(server: Server) -> None:
    """A broken page is found when it is needed; calls whose cookie comes back go on meanwhile."""
    noise_inside(server.folder / "calls.db")
    shown = run_flowengine("releases", "--store", server.store)
    assert shown.returncode == 1
    assert LOST["calls.db"] in shown.stderr


@contextmanager
def somebody() -> Iterator[Path]:
    """A folder, and a user who may do no more there than its mode says."""
    root = os.geteuid() == 0
    with TemporaryDirectory() as name:
        folder = Path(name)
        if root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


OPENED: list[tuple[str, Callable[[Path], object]]] = [
    ("calls.db", lambda path: open_session_file(path, 1.0).connection.close()),
    ("releases.db", lambda path: Archive(path).close()),
    ("journal.db", lambda path: open_for_writing(path).connection.close()),
]


def format_failure(path: Path, failure: BaseException) -> str:
    """What the server says of a file that it cannot open."""
    if path.name == "journal.db":
        assert isinstance(failure, Exception)
        return JournalFile(path).format_error(failure)
    return str(failure)


@pytest.mark.parametrize("how", [cut, begun, noise, noise_inside, foreign, newer])
@pytest.mark.parametrize(("name", "opened"), OPENED)
def test_damaged_file_is_refused_with_its_name_and_what_is_lost(
    tmp_path: Path,
    used_folder: Path,
    name: str,
    opened: Callable[[Path], object],
    how: Callable[[Path], None],
) -> None:
    shutil.copytree(used_folder, tmp_path, dirs_exist_ok=True)
    how(tmp_path / name)
    try:
        opened(tmp_path / name)
    except (StoreError, ArchiveError, OSError, sqlite3.Error) as failure:
        said_of_it = format_failure(tmp_path / name, failure)
        assert name in said_of_it
        assert LOST[name] in said_of_it
    else:  # the broken pages are not among those that are read at once
        assert how in (noise_inside, cut)


@pytest.mark.parametrize(("name", "opened"), OPENED)
def test_empty_file_is_opened_as_a_new_one(
    tmp_path: Path, name: str, opened: Callable[[Path], object]
) -> None:
    (tmp_path / name).touch()
    opened(tmp_path / name)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize(("name", "opened"), OPENED)
def test_file_that_may_not_be_written_is_reported(
    name: str, opened: Callable[[Path], object], what: str
) -> None:
    with somebody() as folder:
        if what == "file":
            opened(folder / name)
            (folder / name).chmod(0o400)
        else:
            folder.chmod(0o500)
        with pytest.raises((StoreError, ArchiveError, OSError, sqlite3.Error)) as refused:
            opened(folder / name)
        told = format_failure(folder / name, refused.value)
        assert "the user of the server must be allowed to write it and its folder" in told
        assert name in told
