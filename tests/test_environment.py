"""Variables, and secrets in files."""

from pathlib import Path

import pytest

from flowengine.environment import Variables


def test_variable_in_a_file_is_read_without_the_end_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one two\r\n")
    known = Variables({"TOKEN_FILE": str(tmp_path / "token"), "KEY": "key"})
    assert (known["TOKEN"], known["KEY"], known.get("OTHER")) == ("one two", "key", None)
    assert [known.find_source(name) for name in ("TOKEN", "KEY", "OTHER")] == [
        "TOKEN_FILE",
        "KEY",
        "",
    ]
    (tmp_path / "token").write_text("other")
    assert known["TOKEN"] == "one two"  # a process keeps what it began with
    with pytest.raises(KeyError):
        known["OTHER"]


def test_variable_whose_file_is_of_no_use_is_missing_and_told(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff")
    (tmp_path / "long").write_bytes(b"x" * 70_000)
    rows = {
        "gone": "which cannot be read: No such",
        "empty": "which is empty",
        "bytes": "no secret",
        "long": "65,536 bytes",
        ".": "cannot be read: Is a dir",
    }
    for name, fault in rows.items():
        known = Variables({"TOKEN_FILE": str(tmp_path / name)})
        assert fault in known.find_fault("TOKEN")
        assert not known.get("TOKEN")
    both = Variables({"TOKEN": "a", "TOKEN_FILE": str(tmp_path / "empty")})
    assert "both set" in both.find_fault("TOKEN")
    assert not Variables({}).find_fault("TOKEN")


def test_change_of_a_file_is_noticed_once_also_through_a_link(tmp_path: Path) -> None:
    """As Kubernetes replaces a Secret: the folder behind a link is another one."""
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
        (tmp_path / number / "token").write_text(number)
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "token").symlink_to("..data/token")
    known = Variables({"TOKEN_FILE": str(tmp_path / "token")})
    assert not known.notice_changed_files()
    assert known["TOKEN"] == "1"
    assert not known.notice_changed_files()
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").rename(tmp_path / "..data")
    assert known.notice_changed_files()
    assert not known.notice_changed_files()
