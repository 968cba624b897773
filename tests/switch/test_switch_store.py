"""What outlives a restart: a real file, written by one process' store and read by the next."""

import sqlite3
from pathlib import Path

import pytest

from flowengine.switch.switch_store import SwitchMemoryStore, open_store


def test_store_holds_the_latest_of_each_name_in_order_of_first_writing(
    tmp_path: Path,
) -> None:
    address = f"sqlite:{tmp_path}/deep/switch.db"
    store = open_store(address)
    for name, content in (("b", b"1"), ("a", b"2"), ("b", b"3"), ("c", b"4")):
        store.put("report", name, content)
    store.put("number", "b", b"other")
    store.delete("report", "c")
    store.close()
    again = open_store(address)
    assert list(again.load_all("report").items()) == [("b", b"3"), ("a", b"2")]
    assert again.load_all("number") == {"b": b"other"}
    assert again.load_all("recording") == {}
    again.close()


def test_memory_holds_nothing_beyond_the_process() -> None:
    store = open_store("memory")
    store.put("number", "a", b"1")
    store.delete("number", "a")
    assert isinstance(store, SwitchMemoryStore)
    assert store.load_all("number") == {}
    store.close()


def test_store_refuses_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "switch.db").write_text(
        "not a database, but some text that is long enough to look at " * 20
    )
    with pytest.raises(sqlite3.DatabaseError):
        open_store(f"sqlite:{tmp_path}/switch.db")
