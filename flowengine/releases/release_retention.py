"""Deletes releases that no call needs and no rollback wants."""

from collections.abc import Callable, Collection

from flowengine.limits import MAX_CALL_SECONDS, RELEASES_KEPT
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Change, Ledger, LiveState, apply_change
from flowengine.releases.publisher import list_rollback_targets

# the platform reports recordings and transcripts of a call after its end
_LATE_NOTIFICATION_SECONDS = 3600.0


class ReleaseRetention:
    """Deletes releases whose calls have ended. Rollback targets stay, and so do releases that are
    new.
    """

    def __init__(self, archive: Archive, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._archive = archive
        self._ledger = ledger
        self._clock = clock

    def run(self, needed: Collection[str]) -> list[str]:
        """Delete the releases that are not `needed` by calls, not live, no rollback target and not
        new; returns their ids.
        """
        changes, live = self._ledger.list_changes(), self._ledger.get_live()
        kept = {*needed, *live.releases, *list_rollback_targets(changes)[-RELEASES_KEPT:]}
        last = find_last_live_times(changes)
        # this age also protects calls of servers without a session store
        limit = self._clock() - MAX_CALL_SECONDS - _LATE_NOTIFICATION_SECONDS
        over = [
            item.id
            for item in self._archive.list_releases()
            if item.id not in kept and max(item.made, last.get(item.id, 0.0)) < limit
        ]
        if over:
            self._archive.drop(over)
        return over


def find_last_live_times(changes: Collection[Change]) -> dict[str, float]:
    """The time when each release was last live, or named in a change: no call began on it later."""
    found: dict[str, float] = {}
    live = LiveState()
    # computed from the first change on, as the ledger stores changes and not states
    for change in changes:
        before, live = live.releases, apply_change(live, change)
        found |= dict.fromkeys((before - live.releases) | {change.release}, change.at)
    return found
