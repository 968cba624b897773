"""Decides which server follows the flow source, among all that share an archive. Two servers that
follow different flows would overwrite each other without end.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from flowengine.releases.archive import Archive, LeaderRecord
from flowengine.releases.ledger import Ledger


class Leadership:
    """The leader record from the view of one server. `names` are the names of its flows; the first
    is for people.

    Machines may have the same flows under different paths, so between machines the content decides,
    and on one machine the path.
    """

    def __init__(
        self, archive: Archive, ledger: Ledger, names: Sequence[str], by: str, *, machines: bool
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._names = frozenset(names)
        self._machines = machines
        self.source, self._by = names[0], by

    def load_leader(self) -> LeaderRecord | None:
        """The leader record: the present leader, or the last one."""
        return self._archive.load_leader()

    def has_common_name(self, holder: LeaderRecord) -> bool:
        return bool(holder.names & self._names)

    def is_same_source(self, holder: LeaderRecord, release: str) -> bool:
        """Whether the holder follows the same flows as this server; `release` is the present
        content of the latter.
        """
        return self.has_common_name(holder) or (
            self._machines and release in self._list_known_releases(holder)
        )

    def join_as_standby(self) -> None:
        """Add the names of this server to the leader record, so that it can take over when the
        holder ends.
        """
        self._archive.update_leader(
            lambda holder: holder and replace(holder, names=holder.names | self._names)
        )

    def take_over(self, release: str, at: float) -> LeaderRecord | None:
        """Write this server into the leader record. Returns the previous holder where that followed
        other flows.
        """
        before: list[LeaderRecord] = []

        def decide(holder: LeaderRecord | None) -> LeaderRecord:
            if holder is not None and self.is_same_source(holder, release):
                return LeaderRecord(
                    self.source, holder.names | self._names, self._by, at, release, holder.number
                )
            before.extend([holder] if holder else [])
            return LeaderRecord(
                self.source, self._names, self._by, at, release, self._ledger.get_live().number
            )

        self._archive.update_leader(decide)
        return next(iter(before), None)

    def _list_known_releases(self, holder: LeaderRecord) -> set[str]:
        """The releases that the flows of the holder are or were, and the current one: a server with
        any of these may join as standby.
        """
        placed = {
            change.release for change in self._ledger.list_changes(holder.number) if change.place
        }
        return {holder.release, self._ledger.get_live().current, *placed} - {""}
