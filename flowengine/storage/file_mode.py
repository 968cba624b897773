"""File modes: only the user of the server may read and write its files."""

import logging
import stat
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)
_OTHERS = 0o077


def restrict_to_owner(*paths: Path) -> None:
    """Remove the permissions of others on these files, where they exist: an earlier version of the
    server, or a copy from a backup, may have left them readable. Logs a warning where the system
    refuses.
    """
    for path in paths:
        with suppress(FileNotFoundError):
            found = path.stat().st_mode
            mode = stat.S_IMODE(found)
            if not stat.S_ISREG(found) or not mode & _OTHERS:
                continue
            try:
                path.chmod(mode & ~_OTHERS)
            except OSError as error:
                log.warning(
                    "others may read or write %s (mode %04o), and that cannot be changed: %s",
                    path, mode, error.strerror,
                )  # fmt: skip
            else:
                log.warning(
                    "others could read or write %s (mode %04o): from now on its user alone may",
                    path, mode,
                )  # fmt: skip
