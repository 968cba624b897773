"""Which flows count as the same, where several servers share an archive."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flowengine.releases.archive import Archive, LeaderRecord
from flowengine.releases.leadership import Leadership
from flowengine.releases.ledger import Change, Ledger


class Shared:
    def __init__(self, path: Path) -> None:
        self.archive, self.ledger = Archive(path), Ledger(path)

    def post(self, *names: str, machines: bool = True) -> Leadership:
        return Leadership(self.archive, self.ledger, names, "a host", machines=machines)

    def publish(self, release: str, place: str = "") -> None:
        self.ledger.append_change(lambda _live: Change("ann", "publish", release, place=place), 1.0)

    def holder(self) -> LeaderRecord:
        found = self.archive.load_leader()
        assert found is not None
        return found


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    made = Shared(tmp_path / "releases.db")
    with closing(made.archive), closing(made.ledger):
        yield made


def test_leader_record_is_empty_before_anyone_has_led(shared: Shared) -> None:
    shared.post("/a").join_as_standby()
    assert shared.archive.load_leader() is None
    assert shared.post("/a").take_over("one", 1.0) is None
    assert shared.holder().source == "/a"


@pytest.mark.parametrize(
    ("names", "release", "machines", "alike"),
    [
        (["/a"], "unseen", False, True),
        (["/link", "/a"], "unseen", False, True),
        (["/b"], "begun", False, False),
        (["/b"], "begun", True, True),
        (["/b"], "followed", True, True),
        (["/b"], "live", True, True),
        (["/b"], "by hand", True, False),
        (["/b"], "of others", True, False),
        (["/b"], "unseen", True, False),
    ],
)
def test_sources_are_the_same_by_name_or_among_machines_by_content(
    shared: Shared, names: list[str], release: str, machines: bool, alike: bool
) -> None:
    shared.publish("of others", "/others")
    shared.post("/a").take_over("begun", 1.0)
    shared.publish("followed", "/a")
    shared.publish("by hand")
    shared.publish("live")
    assert shared.post(*names, machines=machines).is_same_source(shared.holder(), release) is alike


def test_standby_stays_a_follower_whatever_its_folder_has_later(
    shared: Shared,
) -> None:
    one, two = shared.post("/a"), shared.post("/b")
    one.take_over("first", 1.0)
    two.join_as_standby()
    assert two.take_over("its own", 2.0) is None
    assert one.take_over("another", 3.0) is None
    assert shared.holder().names == {"/a", "/b"}


def test_leader_after_another_source_begins_a_new_record(shared: Shared) -> None:
    shared.post("/a").take_over("first", 1.0)
    shared.publish("first", "/a")
    shared.publish("second", "/a")
    before = shared.post("/b").take_over("other", 2.0)
    assert before is not None
    assert before.source == "/a"
    assert shared.holder().names == {"/b"}
    shared.publish("other", "/b")
    assert not shared.post("/a").is_same_source(shared.holder(), "second"), (
        "a server that was forgotten is a stranger now"
    )
