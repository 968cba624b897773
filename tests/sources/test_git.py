"""Flows are read from the objects of real repositories, as they would be from a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which

import pytest

from flowengine.sources.git import GitError, Repository
from flowengine.sources.project_folder import read_folder
from tests.sources.git_repository import commit, flow, git, new_repository

Read = Callable[[Path], Repository]

PROJECT = {
    "flows/line.yaml": flow("line", "Hello."),
    "flows/other.yml": flow("other", "Grüezi."),
    "flows/tables/rooms.yaml": "rows: {1: {room: a}}\n",
    "flows/groups/desk.yaml": "members: ['+14045009001']\n",
    "flows/scenarios/line.yaml": "not: read\n",
    "flows/notes.txt": "not read\n",
    "README.md": "not read\n",
}


@pytest.fixture
def read() -> Iterator[Callable[[Path], Repository]]:
    """Opens repositories, and lets go of them in the end."""
    readers: list[Repository] = []

    def opened(path: Path) -> Repository:
        readers.append(Repository(path))
        return readers[-1]

    yield opened
    for reader in readers:
        reader.close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = new_repository(tmp_path / "repository")
    commit(made, PROJECT, "Say hello\n\nBecause it is polite.")
    return made


def test_commit_has_the_files_that_a_folder_has(read: Read, repository: Path) -> None:
    reader = read(repository)
    assert reader.read_files(reader.find_commit("main"), "flows") == read_folder(
        repository / "flows"
    )
    assert sorted(reader.read_files(reader.find_commit("main"), "/flows/")) == [
        "groups/desk.yaml",
        "line.yaml",
        "other.yml",
        "tables/rooms.yaml",
    ]
    assert reader.read_files(reader.find_commit("main")) == {}


@pytest.mark.parametrize("top", ["", ".", "./", "/"])
def test_project_at_the_top_of_its_repository_is_read(read: Read, tmp_path: Path, top: str) -> None:
    made = new_repository(tmp_path / "small")
    commit(
        made,
        {"line.yaml": flow("line", "Hello."), "tables/rooms.yaml": "rows: {1: {room: a}}\n"},
        "Begin",
    )
    reader = read(made)
    assert reader.read_files(reader.find_commit("main"), top) == read_folder(made)
    assert sorted(reader.read_files(reader.find_commit("main"), f"{top}/tables")) == ["rooms.yaml"]


def test_commit_has_an_author_a_title_and_a_message(read: Read, repository: Path) -> None:
    found = read(repository).find_commit("HEAD")
    assert found.id == git(repository, "rev-parse", "HEAD")
    assert (found.author, found.title) == ("Ann Author <ann@example.com>", "Say hello")
    assert found.message == "Say hello\n\nBecause it is polite."


def test_working_tree_is_never_read(read: Read, repository: Path) -> None:
    (repository / "flows/line.yaml").write_text("half writ")
    reader = read(repository)
    assert (
        reader.read_files(reader.find_commit("main"), "flows")["line.yaml"].decode()
        == PROJECT["flows/line.yaml"]
    )


@pytest.mark.parametrize("packed", [False, True])
def test_commits_pushes_and_packing_show_at_once(
    read: Read, repository: Path, tmp_path: Path, packed: bool
) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    reader = read(bare)
    assert (
        reader.read_files(reader.find_commit("main"), "flows")["line.yaml"].decode()
        == PROJECT["flows/line.yaml"]
    )
    for words in ("One.", "Two.", "Three."):
        made = commit(repository, {"flows/line.yaml": flow("line", words)}, words)
        git(repository, "push", "-q", str(bare), "main")
        if packed:
            git(bare, "gc", "-q", "--prune=now")
        found = reader.find_commit("main")
        assert (found.id, found.title) == (made, words)
        assert words in reader.read_files(found, "flows")["line.yaml"].decode()


def test_tags_branches_and_commits_can_be_read(read: Read, repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "-a", "v1", "-m", "The first")
    git(repository, "checkout", "-q", "-b", "draft/spring")
    commit(repository, {"flows/line.yaml": flow("line", "Spring.")}, "Spring")
    reader = read(repository)
    assert {
        reader.find_commit(ref).id for ref in ("main", "v1", first, first[:10], "draft/spring~1")
    } == {first}
    assert (
        "Spring."
        in reader.read_files(reader.find_commit("draft/spring"), "flows")["line.yaml"].decode()
    )


def test_branch_is_followed_though_a_tag_has_its_name(read: Read, repository: Path) -> None:
    git(repository, "tag", "main")
    made = commit(repository, {"flows/line.yaml": flow("line", "Later.")}, "Later")
    assert read(repository).find_commit("main").id == made


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("nowhere", "has no commit nowhere"),
        ("main:flows", "has no commit main:flows"),
        ("", "is not the name of a commit"),
        ("--all", "is not the name of a commit"),
        ("main\nHEAD", "is not the name of a commit"),
    ],
)
def test_ref_that_names_no_commit_is_an_error(
    read: Read, repository: Path, ref: str, message: str
) -> None:
    reader = read(repository)
    with pytest.raises(GitError, match=message):
        reader.find_commit(ref)
    assert reader.find_commit("main").title == "Say hello"


def test_folder_that_is_not_in_the_commit_is_an_error(read: Read, repository: Path) -> None:
    reader = read(repository)
    with pytest.raises(GitError, match="has no folder flow"):
        reader.read_files(reader.find_commit("main"), "flow")
    with pytest.raises(GitError, match="is a blob, not a folder"):
        reader.read_files(reader.find_commit("main"), "README.md")


def test_symbolic_link_in_a_commit_is_refused(read: Read, repository: Path) -> None:
    (repository / "flows/linked.yaml").symlink_to("line.yaml")
    commit(repository, {}, "Link")
    reader = read(repository)
    with pytest.raises(GitError, match=r"linked\.yaml is a symbolic link"):
        reader.read_files(reader.find_commit("main"), "flows")


def test_folder_without_a_repository_is_an_error(read: Read, tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        read(tmp_path).find_commit("main")
    with pytest.raises(GitError, match=r"cannot change to .*missing"):
        read(tmp_path / "missing").find_commit("main")


def test_cat_file_process_that_died_is_started_again(read: Read, repository: Path) -> None:
    reader = read(repository)
    reader.find_commit("main")
    assert reader._cat_file is not None
    reader._cat_file._process.kill()
    reader._cat_file._process.wait()
    assert reader.find_commit("main").title == "Say hello"
    reader.close()


def test_git_variables_of_a_hook_are_ignored(
    read: Read, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = new_repository(tmp_path / "elsewhere")
    commit(elsewhere, {"flows/line.yaml": flow("line", "Elsewhere.")}, "Elsewhere")
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    assert read(repository).find_commit("main").title == "Say hello"


HALF = """#!/bin/sh
[ -e {once} ] && exec {git} "$@"
touch {once}
{git} "$@" | dd bs=1 count=3000 2>/dev/null
"""


def test_object_that_git_could_not_finish_is_read_again(
    read: Read, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a flow may compile, and went live."""
    long = "# and so on\n" * 20_000  # more than a pipe holds
    commit(repository, {"flows/line.yaml": long}, "Long")
    half = tmp_path / "bin" / "git"
    half.parent.mkdir()
    half.write_text(HALF.format(once=tmp_path / "once", git=which("git")))
    half.chmod(0o755)
    monkeypatch.setenv("PATH", str(half.parent), prepend=os.pathsep)
    reader = read(repository)
    assert reader.read_files(reader.find_commit("main"), "flows")["line.yaml"].decode() == long
