"""Who follows which flows, for all that share an archive: two servers that follow different ones
would overwrite each other without end.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from flowengine.releases.archive import Archive, Following
from flowengine.releases.ledger import Ledger


class Post:
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

    def holder(self) -> Following | None:
        """Who follows, or was the last to."""
        return self._archive.following()

    def named_alike(self, holder: Following) -> bool:
        return bool(holder.names & self._names)

    def alike(self, holder: Following, release: str) -> bool:
        """Whether the holder follows the same flows as we do; ours are this release now."""
        return self.named_alike(holder) or (self._machines and release in self._known(holder))

    def join(self) -> None:
        """Stand by, for when the holder ends."""
        self._archive.follow(
            lambda holder: holder and replace(holder, names=holder.names | self._names)
        )

    def take(self, release: str, at: float) -> Following | None:
        """Hold the post. The holder before, where it followed something else."""
        before: list[Following] = []

        def decide(holder: Following | None) -> Following:
            if holder is not None and self.alike(holder, release):
                return Following(
                    self.source, holder.names | self._names, self._by, at, release, holder.number
                )
            before.extend([holder] if holder else [])
            return Following(
                self.source, self._names, self._by, at, release, self._ledger.live().number
            )

        self._archive.follow(decide)
        return next(iter(before), None)

    def _known(self, holder: Following) -> set[str]:
        """What the holder's flows are or were, and what all callers hear now: who has that may
        follow together with it.
        """
        placed = {change.release for change in self._ledger.all(holder.number) if change.place}
        return {holder.release, self._ledger.live().current, *placed} - {""}
