"""Deletes releases that no call needs and no rollback wants."""

from collections.abc import Callable, Collection

from flowengine.limits import MAX_CALL_SECONDS, RELEASES_KEPT
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Change, Ledger, LiveState, apply_change
from flowengine.releases.publisher import list_rollback_targets

_LATE_NOTIFICATION_SECONDS = (
    3600.0  # recordings and transcripts of a call are announced after its end
)


class ReleaseRetention:
    """Deletes releases whose calls have ended. Rollback targets stay, and so do releases that are
    new.
    """

    def __init__(self, archive: Archive, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._archive = archive
        self._ledger = ledger
        self._clock = clock

    def run(self, needed: Collection[str]) -> list[str]:
        """Delete all releases that are neither `needed` by calls nor live, and that nobody may want
        again; their ids.
        """
        changes, live = self._ledger.list_changes(), self._ledger.get_live()
        kept = {*needed, *live.releases, *list_rollback_targets(changes)[-RELEASES_KEPT:]}
        last = find_last_live_times(changes)
        # also without a session store, which would tell the calls in progress
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
    """When each release was last replaced, as current, candidate or draft, or named: no call began
    on it later.
    """
    found: dict[str, float] = {}
    live = LiveState()
    # replayed from the first change, as the ledger stores changes and not states
    for change in changes:
        before, live = live.releases, apply_change(live, change)
        found |= dict.fromkeys((before - live.releases) | {change.release}, change.at)
    return found
