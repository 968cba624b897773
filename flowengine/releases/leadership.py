"""Who follows which flows, for all that share an archive: two servers that follow different ones
would overwrite each other without end.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from flowengine.releases.archive import Archive, LeaderRecord
from flowengine.releases.ledger import Ledger


class Leadership:
    """The post of whoever follows, as one server sees it. What it follows goes by `names`, the
    first for people.

    Machines may have the same flows under other paths: then they are known by what is in them. On
    one machine the path decides.
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
        """Who follows, or was the last to."""
        return self._archive.load_leader()

    def has_common_name(self, holder: LeaderRecord) -> bool:
        return bool(holder.names & self._names)

    def is_same_source(self, holder: LeaderRecord, release: str) -> bool:
        """Whether the holder follows the same flows as we do; ours are this release now."""
        return self.has_common_name(holder) or (
            self._machines and release in self._list_known_releases(holder)
        )

    def join_as_standby(self) -> None:
        """Stand by, for when the holder ends."""
        self._archive.update_leader(
            lambda holder: holder and replace(holder, names=holder.names | self._names)
        )

    def take_over(self, release: str, at: float) -> LeaderRecord | None:
        """Hold the post. The holder before, where it followed something else."""
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
        """What the holder's flows are or were, and what all callers hear now: who has that may
        follow together with it.
        """
        placed = {
            change.release for change in self._ledger.list_changes(holder.number) if change.place
        }
        return {holder.release, self._ledger.get_live().current, *placed} - {""}
