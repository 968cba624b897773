"""Where the file of a database lies, and who may read it."""

import stat
from pathlib import Path

import pytest

from flowengine.storage.sessions.sqlite_file import create_file, restrict_to_owner


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o755, 0o606])
def test_database_that_others_may_read_is_for_its_owner_afterwards(
    tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    files = [tmp_path / name for name in ("a.db", "a.db-wal", "a.db-shm")]
    for file in files:
        file.touch()
        file.chmod(mode)
    create_file(files[0])
    assert {mode_of(file) for file in files} == {mode & 0o700}
    assert f"a.db (mode {mode:04o}): from now on its user alone may" in caplog.text
    caplog.clear()
    create_file(files[0])
    assert not caplog.text


def test_database_whose_mode_cannot_be_changed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is another user's."""
    file = tmp_path / "a.db"
    file.touch(0o644)
    file.chmod(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    create_file(file)
    assert "(mode 0644), and that cannot be changed: Operation not permitted" in caplog.text


def test_mode_of_a_folder_or_a_missing_file_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    restrict_to_owner(tmp_path, tmp_path / "missing")
    assert mode_of(tmp_path) == 0o755
