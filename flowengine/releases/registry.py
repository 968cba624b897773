"""The releases of one worker. Publishing swaps one reference, so that no callback ever sees two releases."""

from flowengine.compile import Release


class Registry:
    """Releases by id, one of them current."""

    def __init__(self, current: Release) -> None:
        self.current = current
        self._known = {current.id: current}

    def get(self, release_id: str) -> Release | None:
        """The release of this id, or None when this worker does not have it."""
        return self._known.get(release_id)

    def publish(self, release: Release) -> None:
        """New calls begin on this release; calls under way stay on theirs."""
        self._known[release.id] = release
        self.current = release
