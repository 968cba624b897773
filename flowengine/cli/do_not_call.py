"""The list of those whom a campaign does not call, which may grow while it runs."""

from pathlib import Path

from flowengine.cli.campaign_rows import ForbiddenList, find_person, read_forbidden
from flowengine.operator_error import OperatorError


class DoNotCallError(OperatorError):
    """The list cannot be read any more: it may name anybody."""


class DoNotCallList:
    """Looks at the file before each call, and reads it again when it has changed. Without a file
    everybody may be called. Raises OSError and ValueError where it cannot be read at first.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp = read_stamp(path) if path else None
        self.known = read_forbidden(path) if path else ForbiddenList()

    def is_forbidden(self, address: str) -> bool:
        """Whether nobody may be called at this address. Raises DoNotCallError."""
        self._refresh()
        return self.has_person(address)

    def has_person(self, address: str) -> bool:
        """Whether the list, as it was read last, has this address."""
        return find_person(address) in self.known.addresses

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            stamp = read_stamp(self._path)
            if stamp == self._stamp:
                return
            known = read_forbidden(self._path)
        except (OSError, ValueError) as error:
            raise DoNotCallError(
                f"the list of who is not called cannot be read: {error}"
            ) from error
        if known.faults:
            raise DoNotCallError(known.faults[0].format(self._path))
        self._stamp, self.known = stamp, known


def read_stamp(path: Path) -> tuple[int, int, int]:
    """What changes when the file does."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
