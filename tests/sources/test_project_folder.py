"""A folder that is read again and again: only what has changed is opened, and nothing half written
is taken for good.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.sources.project_folder import (
    ProjectFolder,
    UnreadableFilesError,
    read_content,
    read_folder,
    read_scenario_files,
)
from tests.thoroughness import examples

LONG_AGO = 1_700_000_000
FILES = {
    "project.yaml": b"project: a",
    "line.yaml": b"flow: line",
    "tables/people.yaml": b"rows: {}",
    "messages/all.yml": b"a: b",
    "groups/sales.yaml": b"members: []",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are opened from now on."""
    names: list[str] = []

    def read(path: str) -> bytes:
        names.append(Path(path).name)
        return read_content(path)

    monkeypatch.setattr("flowengine.sources.project_folder.read_content", read)
    return names


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is on disk was written long ago."""
    monkeypatch.setattr("flowengine.sources.project_folder.SETTLED_NANOSECONDS", -(10**18))


def test_folder_read_has_only_files_of_the_project(folder: Path) -> None:
    for other in ("notes.txt", "scenarios/bill.yaml", "tables/deep/more.yaml", ".hidden/a.yaml"):
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_bytes(b"")
    assert ProjectFolder(folder).read() == read_folder(folder) == FILES


@pytest.mark.usefixtures("later")
def test_reading_again_opens_only_changed_files(folder: Path, opened: list[str]) -> None:
    kept = ProjectFolder(folder)
    first = kept.read()
    opened.clear()
    (folder / "line.yaml").write_bytes(b"flow: other")
    (folder / "new.yaml").write_bytes(b"flow: new")
    (folder / "tables/people.yaml").unlink()
    second = kept.read()
    assert sorted(opened) == ["line.yaml", "new.yaml"]
    assert second == read_folder(folder)
    assert second["project.yaml"] is first["project.yaml"]


@pytest.mark.usefixtures("later")
def test_replaced_file_is_read_though_it_is_as_old_and_as_long(
    folder: Path,
) -> None:
    """As `mv` does, and editors that write beside the file."""
    kept, file = ProjectFolder(folder), folder / "line.yaml"
    os.utime(file, (LONG_AGO, LONG_AGO))
    kept.read()
    (folder / "line.tmp").write_bytes(b"flow: lone")
    os.utime(folder / "line.tmp", (LONG_AGO, LONG_AGO))
    (folder / "line.tmp").replace(file)
    assert kept.read()["line.yaml"] == b"flow: lone"


def test_file_written_just_now_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk whose clock ticks slowly gives two writes one time: same length, same file, same
    stamp.
    """
    monkeypatch.setattr("flowengine.sources.project_folder.get_stamp", lambda _found: (1, 2, 3))
    kept = ProjectFolder(folder)
    assert kept.read()["line.yaml"] == b"flow: line"
    (folder / "line.yaml").write_bytes(b"flow: lone")
    assert kept.read()["line.yaml"] == b"flow: lone"


@pytest.mark.usefixtures("later")
def test_file_that_changes_while_it_is_read_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, file = ProjectFolder(folder), folder / "line.yaml"

    def torn(path: str) -> bytes:
        content = read_content(path)
        if path == str(file):
            file.write_bytes(b"flow: line\nstart: a")
        return content

    with monkeypatch.context() as patched:
        patched.setattr("flowengine.sources.project_folder.read_content", torn)
        assert kept.read()["line.yaml"] == b"flow: line"
    assert kept.read()["line.yaml"] == b"flow: line\nstart: a"


def test_unchanged_content_stays_the_same_object(folder: Path) -> None:
    """So that whoever compares contents need not look at them."""
    kept = ProjectFolder(folder)
    first = kept.read()
    (folder / "line.yaml").touch()
    assert kept.read()["line.yaml"] is first["line.yaml"]


def test_file_that_vanishes_between_listing_and_reading_is_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "flowengine.sources.project_folder.iterate_file_names",
        lambda _: [("line.yaml",), ("gone.yaml",)],
    )
    assert ProjectFolder(folder).read() == {"line.yaml": b"flow: line"}


def test_single_file_is_a_project_unless_a_project_file_lies_beside_it(folder: Path) -> None:
    assert ProjectFolder(folder / "line.yaml").read() == FILES
    (folder / "project.yaml").unlink()
    assert ProjectFolder(folder / "line.yaml").read() == {"line.yaml": b"flow: line"}


def test_folder_that_is_missing_is_an_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder or file"):
        ProjectFolder(folder / "none").read()


def test_unreadable_files_are_all_named() -> None:
    """An administrator may read everything, so somebody else reads."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name in ("line.yaml", "other.yaml"):
            (folder / name).write_text("flow: line")
            (folder / name).chmod(0)
        (folder / "table.yaml").mkdir()
        with somebody_else(), pytest.raises(UnreadableFilesError) as raised:
            ProjectFolder(folder).read()
    told = "may not be read by the user that this runs as: change its permissions"
    assert raised.value.reasons == {
        "line.yaml": told,
        "other.yaml": told,
        "table.yaml": "is a folder, not a file",
    }


def test_read_only_folder_is_read(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        path.chmod(path.stat().st_mode & 0o555)
    try:
        assert ProjectFolder(folder).read() == FILES
    finally:
        folder.chmod(0o755)


def test_more_files_than_are_possible_are_an_error_and_not_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first so many of them were served without the others."""
    monkeypatch.setattr("flowengine.sources.project_folder.MAX_PROJECT_FILES", 4)
    with pytest.raises(OSError, match="has 5 files of flows; up to 4 are possible"):
        ProjectFolder(folder).read()


@pytest.mark.usefixtures("later")
def test_told_change_opens_and_looks_at_that_file_alone(
    folder: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ProjectFolder(folder)
    first = kept.read()
    opened.clear()
    (folder / "line.yaml").write_bytes(b"flow: other")
    (folder / "tables/people.yaml").write_bytes(b"rows: {a: {}}")
    monkeypatch.setattr("flowengine.sources.project_folder.iterate_file_names", None)
    told = [str(folder / name) for name in ("line.yaml", "tables/people.yaml", "notes.txt")]
    second = kept.read_changes(told)
    assert sorted(opened) == ["line.yaml", "people.yaml"]
    assert second == {**FILES, "line.yaml": b"flow: other", "tables/people.yaml": b"rows: {a: {}}"}
    assert second["project.yaml"] is first["project.yaml"]
    assert first == FILES  # whoever has it may go on with it


NAMES = (
    "line.yaml",
    "new.yaml",
    "notes.txt",
    ".lock.yaml",
    "tables/people.yaml",
    "tables/deep.yaml",
)


@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_told_changes_are_read_as_a_whole_reading_reads_them(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder, aside = Path(made, "flows"), Path(made, "aside")
        aside.mkdir()
        (folder / "tables").mkdir(parents=True)
        (folder / "line.yaml").write_bytes(b"flow: line")
        (aside / "linked.yaml").write_bytes(b"flow: linked")
        kept = ProjectFolder(folder)
        for _ in range(data.draw(st.integers(1, 6))):
            told = set()
            for _ in range(data.draw(st.integers(0, 3))):
                told |= change_folder(folder, aside, data)
            assert read_or_fault(partial(kept.read_changes, told)) == read_or_fault(
                partial(read_folder, folder)
            )


def test_scenarios_in_a_named_pipe_are_refused_at_once(folder: Path) -> None:
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "line.yaml").write_bytes(b"flow: line")
    assert read_scenario_files(folder) == {"scenarios/line.yaml": b"flow: line"}
    os.mkfifo(folder / "scenarios" / "other.yaml")
    with pytest.raises(OSError, match=r"scenarios/other\.yaml is a named pipe, not a file"):
        read_scenario_files(folder)


def change_folder(folder: Path, aside: Path, data: st.DataObject) -> set[str]:
    """Change something, and tell the paths as a watch of the folder and of that of tables does."""
    file = folder / data.draw(st.sampled_from(NAMES))
    kind = data.draw(
        st.sampled_from(["write", "replace", "remove", "link", "hard", "folder", "away"])
    )
    if kind == "away":
        there, gone = folder / "tables", aside / "tables"
        (there if there.exists() else gone).rename(gone if there.exists() else there)
        return {str(there)}
    if not file.parent.is_dir():
        return set()
    if kind == "write" and file.is_file():
        file.write_bytes(data.draw(st.binary(max_size=2)))
        # a link leads to a file that has other names, too
        return {str(file)} | (
            {str(aside / "linked.yaml")} if file.samefile(aside / "linked.yaml") else set()
        )
    if file.is_dir():
        file.rmdir()
    elif file.is_symlink() or file.exists():
        file.unlink()
    if kind == "replace":
        file.write_bytes(data.draw(st.binary(max_size=2)))
    elif kind == "link":
        file.symlink_to(aside / "linked.yaml" if data.draw(st.booleans()) else folder / "line.yaml")
    elif kind == "hard" and (folder / "line.yaml").is_file() and file != folder / "line.yaml":
        file.hardlink_to(folder / "line.yaml")
        return {str(file), str(folder / "line.yaml")}
    elif kind == "folder":
        file.mkdir()
    return {str(file)}


def read_or_fault(read: Callable[[], dict[str, bytes]]) -> dict[str, bytes] | str:
    try:
        return read()
    except OSError as error:
        return str(error)


@contextmanager
def somebody_else() -> Iterator[None]:
    administrator = os.geteuid() == 0
    if administrator:
        os.seteuid(65534)
    try:
        yield
    finally:
        if administrator:
            os.seteuid(0)
