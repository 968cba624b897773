"""The live release of a server, for pages that have nothing better: a console may start while the
files of the flows have errors.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from flowengine.releases.archive import Archive
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.ledger import Ledger
from flowengine.server.server_settings import ServerSettings


def load_live_files(server: ServerSettings) -> Mapping[str, bytes]:
    """The files of the live release; none where no release is live, or the archive cannot be read."""
    location = server.archive
    if isinstance(location, Path) and not location.is_file():  # opening it would create it
        return {}
    try:
        with closing(Archive(location)) as archive, closing(Ledger(location)) as ledger:
            return archive.load_files(ledger.get_live().current) or {}
    except ArchiveError:
        return {}
