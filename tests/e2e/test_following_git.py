"""A server that follows a branch goes on serving whatever happens to the repository, says what it
sees, and follows again when it can.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.followed_source import Served, served
from tests.fork_server import run_flowengine
from tests.server.server_process import list_workers
from tests.sources.git_repository import commit, flow, git
from tests.waiting import wait_until

Story = Callable[["Work"], None]


class Work:
    """Somebody who pushes to the repository that a server follows."""

    def __init__(self, folder: Path, *, sha: str = "sha1") -> None:
        self.mine = folder / "mine"
        self.mine.mkdir()
        git(self.mine, "init", "-q", "-b", "main", f"--object-format={sha}")
        self.says("One.")
        self.theirs = folder / "theirs.git"
        git(folder, "clone", "-q", "--bare", str(self.mine), str(self.theirs))
        git(self.mine, "remote", "add", "origin", str(self.theirs))
        self.server = Served(folder)

    def says(self, words: str) -> str:
        (self.mine / "flows").mkdir(exist_ok=True)
        (self.mine / "flows" / "line.yaml").write_text(flow("line", words))
        git(self.mine, "add", "flows")
        git(self.mine, "commit", "-q", "--allow-empty", "-m", words)
        return git(self.mine, "rev-parse", "HEAD")

    def push(self, *what: str) -> None:
        git(self.mine, "push", "-q", "origin", *(what or ("main",)))

    def live(self, words: str) -> None:
        self.says(words)
        self.push()
        self.server.says(words)


def forced(work: Work) -> None:
    work.live("Two.")
    git(work.mine, "reset", "-q", "--hard", "HEAD~1")
    work.says("Three.")
    work.push("+main")
    work.server.says("Three.")


def back(work: Work) -> None:
    """To what was live before, as if it were new."""
    work.live("Two.")
    git(work.mine, "reset", "-q", "--hard", "HEAD~1")
    work.push("+main")
    work.server.says("One.")


def deleted(work: Work) -> None:
    git(work.theirs, "update-ref", "-d", "refs/heads/main")
    work.server.complains("has no commit main")
    assert "One." in work.server.hears()
    work.push()  # the very same commit
    work.server.content()
    work.live("Two.")


def renamed(work: Work) -> None:
    git(work.theirs, "branch", "-m", "main", "other")
    work.server.complains("has no commit main")
    git(work.theirs, "branch", "-m", "other", "main")
    work.server.content()
    work.live("Two.")


def tagged(work: Work) -> None:
    """A tag takes the place of the branch, and gives it back."""
    work.says("Two.")
    git(work.mine, "tag", "-a", "v1", "-m", "Two")
    git(work.mine, "push", "-q", "origin", "v1:refs/tags/main")
    git(work.theirs, "update-ref", "-d", "refs/heads/main")
    work.server.says("Two.")
    git(work.theirs, "tag", "-d", "main")
    work.push()
    work.live("Three.")


def collected(work: Work) -> None:
    for number, arguments in enumerate(
        (
            ["gc", "--prune=now"],
            ["repack", "-adf"],
            ["prune", "--expire=now"],
            ["pack-refs", "--all"],
        )
    ):
        work.live(f"Number {number}.")
        git(work.theirs, *arguments)
    work.live("Last.")


def unborn(work: Work) -> None:
    """What was live is collected away by force while another branch is there."""
    git(work.mine, "checkout", "-q", "--orphan", "new")
    work.says("Anew.")
    work.push("+new:main")
    git(work.theirs, "reflog", "expire", "--expire=now", "--all")
    git(work.theirs, "gc", "-q", "--prune=now")
    work.server.says("Anew.")


def broken(work: Work) -> None:
    work.live("Two.")
    work.says("${nothing}")
    work.push()
    work.server.complains("FE301")
    assert "Two." in work.server.hears()
    work.live("Three.")
    work.server.content()


def twice(work: Work) -> None:
    work.says("Two.")
    first = git(work.mine, "rev-parse", "HEAD")
    second = work.says("Three.")
    git(work.mine, "push", "-q", "origin", f"{second}:refs/heads/next")
    for made in (first, second):
        git(work.theirs, "update-ref", "refs/heads/main", made)
    work.server.says("Three.")


def nothing(work: Work) -> None:
    """A ref that is no commit."""
    blob = git(work.theirs, "rev-parse", "main:flows/line.yaml")
    git(work.theirs, "update-ref", "-d", "refs/heads/main")
    git(work.theirs, "tag", "main", blob)
    work.server.complains("has no commit main")
    git(work.theirs, "tag", "-d", "main")
    work.push()
    work.live("Two.")


def mangled(work: Work) -> None:
    """A ref file that a full disk left empty."""
    ref = work.theirs / "refs" / "heads" / "main"
    ref.parent.mkdir(exist_ok=True, parents=True)
    ref.write_text("")
    work.server.complains("has no commit main")
    ref.unlink()
    work.push("+main")
    work.live("Two.")
    work.server.content()


def moved(work: Work) -> None:
    """The flows move to another folder, and back."""
    git(work.mine, "mv", "flows", "calls")
    git(work.mine, "commit", "-q", "-m", "Move")
    work.push()
    work.server.complains("has no folder flows")
    git(work.mine, "mv", "calls", "flows")
    git(work.mine, "commit", "-q", "-m", "Move back")
    work.push()
    work.server.content()
    work.live("Two.")


def linked(work: Work) -> None:
    (work.mine / "flows" / "other.yaml").symlink_to("line.yaml")
    commit(work.mine, {}, "Link")
    work.push()
    work.server.complains("other.yaml is a symbolic link")
    (work.mine / "flows" / "other.yaml").unlink()
    work.live("Two.")
    work.server.content()


def submodule(work: Work) -> None:
    """In place of the folder of tables, of a file, and of the flows themselves."""
    head = git(work.mine, "rev-parse", "HEAD")
    for name, words in (
        ("flows/tables", "tables is a submodule"),
        ("flows/new.yaml", "new.yaml is a submodule"),
    ):
        git(work.mine, "update-index", "--add", "--cacheinfo", f"160000,{'1' * len(head)},{name}")
        git(work.mine, "commit", "-q", "-m", name)
        work.push("+main")
        work.server.complains(words)
        git(work.mine, "reset", "-q", "--hard", "HEAD~1")
    git(work.mine, "rm", "-q", "-r", "--cached", "flows")
    git(work.mine, "update-index", "--add", "--cacheinfo", f"160000,{'1' * len(head)},flows")
    git(work.mine, "commit", "-q", "-m", "All")
    work.push("+main")
    work.server.complains("flows of")
    work.server.complains("is a submodule: serve its own repository")
    git(work.mine, "reset", "-q", "--hard", "HEAD~1")
    work.says("Two.")
    work.push("+main")
    work.server.says("Two.")
    work.server.content()


def gone(work: Work) -> None:
    """The whole repository is moved away and comes back, and another one takes its place."""
    work.theirs.rename(work.theirs.with_name("away"))
    work.server.complains("theirs.git")
    assert "One." in work.server.hears()
    work.theirs.with_name("away").rename(work.theirs)
    work.server.content()
    work.live("Two.")
    work.says("Three.")
    git(work.theirs.parent, "clone", "-q", "--bare", str(work.mine), "next.git")
    work.theirs.rename(work.theirs.with_name("away"))
    work.theirs.with_name("next.git").rename(work.theirs)
    work.server.says("Three.")
    shutil.rmtree(work.theirs.with_name("away"))


STORIES: tuple[Story, ...] = (
    forced, back, deleted, renamed, tagged, collected, unborn, broken, twice, nothing, mangled, moved, linked, submodule, gone,
)  # fmt: skip


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """One server has to live through everything."""
    work = Work(tmp_path_factory.mktemp("following"))
    with served(work.mine.parent, ["--git", work.theirs, "--ref", "main"]) as work.server:
        yield work


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_server_follows_its_branch_again_after_each_trouble(following: Work, story: Story) -> None:
    git(following.mine, "checkout", "-q", "-B", "main")
    following.says("One.")
    following.push("+main")
    following.server.says("One.")
    story(following)
    assert "Traceback" not in following.server.log()


def worktree(folder: Path, mine: Path) -> Path:
    git(mine, "worktree", "add", "-q", str(folder / "tree"), "-b", "aside")
    return folder / "tree"


def shallow(folder: Path, mine: Path) -> Path:
    for words in ("Older.", "One."):
        commit(mine, {"flows/line.yaml": flow("line", words)}, words)
    git(folder, "clone", "-q", "--depth=1", f"file://{mine}", str(folder / "shallow"))
    return folder / "shallow"


def itself(_folder: Path, mine: Path) -> Path:
    return mine


@pytest.mark.parametrize(
    ("kind", "sha"),
    [(itself, "sha256"), (worktree, "sha1"), (shallow, "sha1"), (shallow, "sha256")],
)
def test_kinds_of_repositories(
    tmp_path: Path, kind: Callable[[Path, Path], Path], sha: str
) -> None:
    work = Work(tmp_path, sha=sha)
    place = kind(tmp_path, work.mine)
    with served(tmp_path, ["--git", place]) as server:
        assert "One." in server.hears()
        made = work.says("Two.")
        if kind is shallow:
            git(place, "fetch", "-q", "--depth=1", "origin", "main")
            git(place, "update-ref", "refs/heads/main", made)
        server.says("Two.")


def test_refs_in_tables(tmp_path: Path) -> None:
    """Where git has them; a git that does not know them says so."""
    mine = tmp_path / "mine"
    mine.mkdir()
    try:
        git(mine, "init", "-q", "-b", "main", "--ref-format=reftable")
    except subprocess.CalledProcessError:
        pytest.skip("this git has no reftable")
    commit(mine, {"flows/line.yaml": flow("line", "One.")}, "One")
    with served(tmp_path, ["--git", mine]) as server:
        commit(mine, {"flows/line.yaml": flow("line", "Two.")}, "Two")
        server.says("Two.")
        git(mine, "pack-refs", "--all")
        commit(mine, {"flows/line.yaml": flow("line", "Three.")}, "Three")
        server.says("Three.")


def test_repository_of_a_newer_format_is_reported(tmp_path: Path) -> None:
    work = Work(tmp_path)
    with served(tmp_path, ["--git", work.theirs]) as server:
        wait_until(lambda: batches(server) != [])
        git(work.theirs, "config", "core.repositoryFormatVersion", "1")
        git(work.theirs, "config", "extensions.tomorrow", "yes")
        for batch in batches(server):
            os.kill(batch, signal.SIGKILL)  # it reads its settings once
        server.complains("unknown repository extension")
        assert "One." in server.hears()
        subprocess.run(
            ["git", "config", "-f", str(work.theirs / "config"), "--unset", "extensions.tomorrow"],
            check=True,
        )
        server.content()


def batches(server: Served) -> list[int]:
    """The processes of git that read for a server."""
    assert server.process is not None
    found = subprocess.run(
        ["ps", "-e", "-ww", "-o", "pid=,ppid=,args="], check=True, capture_output=True, text=True
    ).stdout
    lines = [line.split(maxsplit=2) for line in found.splitlines()]
    own = {str(pid) for pid in (server.process.pid, *list_workers(server.process.pid))}
    return [int(pid) for pid, parent, command in lines if parent in own and "cat-file" in command]


def test_git_that_hangs_is_ended_and_tried_again(tmp_path: Path) -> None:
    """A branch whose file waits for somebody to write to it: so does a disk that hangs."""
    work = Work(tmp_path)
    ref = work.theirs / "refs" / "heads" / "main"
    git(work.theirs, "update-ref", "refs/heads/main", "main")
    with served(tmp_path, ["--git", work.theirs]) as server:
        packed = work.theirs / "packed-refs"
        packed.unlink(missing_ok=True)
        ref.unlink(missing_ok=True)
        os.mkfifo(ref)
        server.complains("git has not answered for 5 seconds")  # the status answers all the while
        assert "One." in server.hears()
        ref.unlink()
        made = work.says("Two.")
        git(work.mine, "push", "-q", "origin", "main:refs/heads/next")
        git(work.theirs, "update-ref", "refs/heads/main", made)
        server.says("Two.")
        server.content()
        assert server.log().count("git has not answered") == 1


def test_partial_clone_fetches_nothing_and_says_so(tmp_path: Path) -> None:
    """What it fetches from would not answer, or ask for a password."""
    work = Work(tmp_path)
    git(work.theirs, "config", "uploadpack.allowFilter", "true")
    part = tmp_path / "part.git"
    git(tmp_path, "clone", "-q", "--bare", f"file://{work.theirs}", str(part))
    with served(tmp_path, ["--git", part]) as server:
        shutil.rmtree(part)
        work.says("Two.")
        work.push()
        git(
            tmp_path,
            "clone",
            "-q",
            "--bare",
            "--filter=blob:none",
            f"file://{work.theirs}",
            str(part),
        )
        server.complains("line.yaml is missing from")
        server.complains("git fetch --refetch --no-filter")
        assert "One." in server.hears()
        git(part, "fetch", "-q", "--refetch", "--no-filter", "origin", "+main:main")
        server.says("Two.")
        server.content()


def test_server_starts_though_its_branch_is_gone(tmp_path: Path) -> None:
    work = Work(tmp_path)
    with served(tmp_path, ["--git", work.theirs]) as server:
        work.server = server
        work.live("Two.")
        server.kill(signal.SIGTERM)
        git(work.theirs, "branch", "-m", "main", "other")
        server.start()
        assert "THE FLOWS CANNOT BE READ" in server.log()
        assert "Two." in server.hears()
        server.complains("has no commit main")
        assert f"FE508 {work.theirs} has no commit main" in releases(server)
        work.live("Three.")
        server.content()
        assert "FE508" not in releases(server)


def releases(server: Served) -> str:
    done = run_flowengine("releases", "--store", server.store)
    done.check_returncode()
    return done.stdout
