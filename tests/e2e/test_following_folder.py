"""A server that follows a folder goes on serving whatever editors and other programs do there; what
is whole in the end is live within a second, what is broken in between never is.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.followed_source import Served, served
from tests.sources.git_repository import flow, git

Story = Callable[["Work"], None]


class Work:
    """Somebody who edits the folder that a server follows."""

    def __init__(self, folder: Path) -> None:
        self.top = folder
        self.flows = folder / "flows"
        self.line = self.flows / "line.yaml"
        self.server = Served(folder)
        self.begin()

    def begin(self) -> None:
        shutil.rmtree(self.flows, ignore_errors=True)
        self.flows.mkdir()
        self.line.write_text(flow("line", "One."))

    def live(self, words: str) -> None:
        """Whatever was saved is live soon, and nothing is wrong with it."""
        self.server.says(words)
        self.server.content()


def vim(work: Work) -> None:
    """It writes a backup, renames the file to it and writes a new one; and looks first whether it
    may.
    """
    (work.flows / "4913").write_text("")
    (work.flows / "4913").unlink()
    (work.flows / ".line.yaml.swp").write_bytes(b"b0VIM 9.0")
    work.line.rename(work.flows / "line.yaml~")
    work.line.write_text(flow("line", "Two."))
    (work.flows / "line.yaml~").unlink()
    (work.flows / ".line.yaml.swp").unlink()


def code(work: Work) -> None:
    """It empties the file and writes it again."""
    with work.line.open("r+") as file:
        file.truncate()
        file.flush()
        time.sleep(0.01)
        file.write(flow("line", "Two."))


def emacs(work: Work) -> None:
    """A link that leads nowhere is its lock; it saves of its own accord beside."""
    (work.flows / ".#line.yaml").symlink_to("ann@desk.1234:1700000000")
    (work.flows / "#line.yaml#").write_text("flow: line\nstart: nowh")
    time.sleep(0.4)
    assert work.server.wrong() == []
    work.line.rename(work.flows / "line.yaml~")
    work.line.write_text(flow("line", "Two."))
    (work.flows / ".#line.yaml").unlink()
    (work.flows / "#line.yaml#").unlink()


def rsync(work: Work) -> None:
    """It writes to a hidden file and moves that over."""
    hidden = work.flows / ".line.yaml.Xy12Zz"
    hidden.write_text(flow("line", "Two.")[:40])
    time.sleep(0.3)
    hidden.write_text(flow("line", "Two."))
    hidden.replace(work.line)


def sed(work: Work) -> None:
    subprocess.run(["sed", "-i", "s/One/Two/", str(work.line)], check=True)


def checkout(work: Work) -> None:
    """Many files at once."""
    for number in range(60):
        (work.flows / f"side-{number}.yaml").write_text(flow(f"side-{number}", "Aside."))
    (work.flows / "project.yaml").write_text("project: test\nroutes: [{flow: line}]\n")
    git(work.flows, "init", "-q", "-b", "main")
    git(work.flows, "add", "-A")
    git(work.flows, "commit", "-q", "-m", "One")
    git(work.flows, "checkout", "-q", "-b", "other")
    for number in range(0, 60, 2):
        (work.flows / f"side-{number}.yaml").unlink()
    work.line.write_text(flow("line", "Two."))
    git(work.flows, "commit", "-q", "-a", "-m", "Two")
    git(work.flows, "checkout", "-q", "main")
    work.server.says("One.")
    work.server.content()
    git(work.flows, "checkout", "-q", "other")


def replaced(work: Work) -> None:
    shutil.copytree(work.flows, work.top / "next")
    (work.top / "next" / "line.yaml").write_text(flow("line", "Two."))
    work.flows.rename(work.top / "old")
    (work.top / "next").rename(work.flows)
    shutil.rmtree(work.top / "old")


def made_again(work: Work) -> None:
    shutil.rmtree(work.flows)
    work.server.complains("there is no folder or file")
    assert "One." in work.server.hears()
    work.flows.mkdir()
    work.server.complains("FE501")
    work.line.write_text(flow("line", "Two."))


def mounted(work: Work) -> None:
    """A disk that goes away and comes back: an empty folder is seen meanwhile."""
    disk = work.top / "disk"
    shutil.copytree(work.flows, disk, dirs_exist_ok=True)
    (disk / "line.yaml").write_text(flow("line", "Two."))
    work.line.unlink()
    work.server.complains("FE501")
    if subprocess.run(
        ["mount", "--bind", str(disk), str(work.flows)], capture_output=True, check=False
    ).returncode:
        pytest.skip("only an administrator may mount")
    try:
        work.server.says("Two.")
        subprocess.run(["umount", "-l", str(work.flows)], check=True)
        work.server.complains("FE501")
        assert "Two." in work.server.hears()
    finally:
        subprocess.run(["umount", "-l", str(work.flows)], capture_output=True, check=False)
    (disk / "line.yaml").replace(work.line)


def configured(work: Work) -> None:
    """As Kubernetes shows its maps: links by way of a link that is led elsewhere."""
    for number, words in enumerate(("One.", "Two.")):
        (work.flows / f"..{number}").mkdir()
        (work.flows / f"..{number}" / "line.yaml").write_text(flow("line", words))
    (work.flows / "..data").symlink_to("..0")
    work.line.unlink()
    work.line.symlink_to("..data/line.yaml")
    work.live("One.")
    (work.flows / "..data_tmp").symlink_to("..1")
    (work.flows / "..data_tmp").replace(work.flows / "..data")


def linked_inside(work: Work) -> None:
    """What a link leads to changes, in a folder that is none of the project's."""
    (work.flows / "parts").mkdir()
    work.line.rename(work.flows / "parts" / "line.yaml")
    work.line.symlink_to("parts/line.yaml")
    time.sleep(0.5)
    (work.flows / "parts" / "line.yaml").write_text(flow("line", "Two."))


def tables(work: Work) -> None:
    """A folder that counts is made while the server serves."""
    (work.flows / "tables").mkdir()
    time.sleep(0.5)
    (work.flows / "tables" / "rooms.yaml").write_text("rows: {a: {name: blue}}\n")
    work.line.write_text(flow("line", '${tables.rooms.name("a")}'))
    work.server.says("blue")
    (work.flows / "tables" / "rooms.yaml").write_text("rows: {a: {name: Two.}}\n")


STORIES: tuple[Story, ...] = (
    vim, code, emacs, rsync, sed, checkout, replaced, made_again, mounted, configured, linked_inside, tables,
)  # fmt: skip


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """One server has to live through everything."""
    work = Work(tmp_path_factory.mktemp("following"))
    with served(work.top, [work.flows]) as work.server:
        yield work


@pytest.fixture
def work(following: Work) -> Work:
    following.begin()
    following.server.says("One.")
    following.server.content()
    return following


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_folder_changed_by_any_editor_goes_live(work: Work, story: Story) -> None:
    story(work)
    work.live("Two.")
    assert "Traceback" not in work.server.log()


def pipe(file: Path) -> None:
    os.mkfifo(file)


def listening(file: Path) -> None:
    here = Path.cwd()
    os.chdir(file.parent)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(file.name)
    os.chdir(here)


def device(file: Path) -> None:
    try:
        os.mknod(file, 0o20600, os.makedev(5, 0))  # a terminal
    except PermissionError:
        pytest.skip("only an administrator may make devices")


def link_to_itself(file: Path) -> None:
    file.symlink_to(file.name)


def nowhere(file: Path) -> None:
    file.symlink_to("none.yaml")


def outside(file: Path) -> None:
    (file.parent.parent / "elsewhere.yaml").write_text(flow("other", "Elsewhere."))
    file.symlink_to(file.parent.parent / "elsewhere.yaml")


def huge(file: Path) -> None:
    with file.open("wb") as made:
        made.truncate(10_000_000_000)  # of nothing: a disk has room for it, memory has not


def large(file: Path) -> None:
    file.write_bytes(b"# and so on\n" * 250_000)


ODD: tuple[tuple[Callable[[Path], object], str, str], ...] = (
    (pipe, "x.yaml", "FE508 x.yaml: is a named pipe, not a file"),
    (listening, "x.yaml", "FE508 x.yaml: is a socket, not a file"),
    (device, "x.yaml", "FE508 x.yaml: is a device, not a file"),
    (Path.mkdir, "x.yaml", "FE508 x.yaml: is a folder, not a file"),
    (link_to_itself, "x.yaml", "FE508 x.yaml: is a link in a loop of links"),
    (nowhere, "x.yaml", "FE508 x.yaml: is a link that leads nowhere"),
    (outside, "x.yaml", "FE508 x.yaml: is a link that leads out of the folder"),
    (huge, "x.yaml", "FE508 x.yaml: has 10,000,000,000 bytes"),
    (
        large,
        "x.yaml",
        "FE101 x.yaml:1:1: the file has 3,000,000 bytes; up to 1,048,576 are possible",
    ),
    (Path.touch, "a\nb.yaml", r"FE508 'a\nb.yaml': has a name that cannot be shown"),
    (
        Path.touch,
        os.fsdecode(b"\xff\xfe.yaml"),
        r"FE508 '\udcff\udcfe.yaml': has a name that cannot be shown",
    ),
    (Path.touch, "Line.yaml", "FE104 Line.yaml:1:1"),
)


@pytest.mark.parametrize(
    ("make", "name", "told"), ODD, ids=[f"{make.__name__}-{name!a}" for make, name, _ in ODD]
)
def test_odd_file_in_the_folder_is_reported_and_holds_up_nothing(
    work: Work, make: Callable[[Path], object], name: str, told: str
) -> None:
    odd = work.flows / name
    make(odd)
    work.server.complains(told)
    work.line.write_text(flow("line", "Two."))
    time.sleep(0.5)
    assert "One." in work.server.hears()
    odd.rmdir() if odd.is_dir() else odd.unlink()
    work.live("Two.")
    assert "Traceback" not in work.server.log()


def test_file_that_grows_while_it_is_read_is_live_when_it_is_done(work: Work) -> None:
    whole = flow("line", "Two.")
    with work.line.open("w") as file:
        for letter in whole:
            file.write(letter)
            file.flush()
            time.sleep(0.01)
    work.live("Two.")


def test_files_that_only_differ_in_case_are_two(work: Work) -> None:
    (work.flows / "project.yaml").write_text("project: test\nroutes: [{flow: second}]\n")
    (work.flows / "LINE.yaml").write_text(flow("second", "Two."))
    work.live("Two.")


def test_server_starts_though_its_disk_is_away(tmp_path: Path) -> None:
    work = Work(tmp_path)
    with served(tmp_path, [work.flows]) as server:
        work.server = server
        assert "One." in server.hears()
        server.kill(signal.SIGTERM)
        shutil.rmtree(work.flows)
        server.start()
        assert "One." in server.hears()
        server.complains("there is no folder or file")
        work.begin()
        work.line.write_text(flow("line", "Two."))
        work.live("Two.")


def test_read_only_folder_is_served(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    work = Work(disk)
    if subprocess.run(
        ["mount", "--bind", str(disk), str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("only an administrator may mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
        with pytest.raises(OSError, match="Read-only"):
            work.line.touch()
        with served(tmp_path, [work.flows]) as server:
            assert "One." in server.hears()
            assert server.wrong() == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
