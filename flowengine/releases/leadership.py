"""Which server follows which flows, among all that share an archive: two servers that follow
different ones would overwrite each other without end.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from flowengine.releases.archive import Archive, LeaderRecord
from flowengine.releases.ledger import Ledger


class Leadership:
    """The leader record as one server sees it. The flows of this server go by `names`, the first of
    which is for people.

    Machines may have the same flows under other paths, so between machines their content decides.
    On one machine the path does.
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
        """The server that follows, or was the last to."""
        return self._archive.load_leader()

    def has_common_name(self, holder: LeaderRecord) -> bool:
        return bool(holder.names & self._names)

    def is_same_source(self, holder: LeaderRecord, release: str) -> bool:
        """Whether the holder follows the same flows as this server, whose flows are this release
        now.
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
        """What the flows of the holder are or were, and what is current: a server whose flows are
        any of these may follow together with it.
        """
        placed = {
            change.release for change in self._ledger.list_changes(holder.number) if change.place
        }
        return {holder.release, self._ledger.get_live().current, *placed} - {""}
