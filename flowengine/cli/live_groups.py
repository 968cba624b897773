"""The groups of the release that is live on a server, for commands about queues."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click

from flowengine.cli.store_options import build_store_settings
from flowengine.compile.group_definitions import compile_groups
from flowengine.model import load_project
from flowengine.releases.archive import Archive
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.ledger import Ledger
from flowengine.runtime.queue_overview import NO_GROUPS, Groups


def load_live_groups(store: str) -> Groups:
    """The groups of the live release of a server, by the store of its calls; none where no server has
    kept a release beside it. An archive that cannot be read ends the command.
    """
    location = build_store_settings(store).archive
    if isinstance(location, Path) and not location.is_file():
        return NO_GROUPS
    try:
        with closing(Ledger(location)) as ledger, closing(Archive(location)) as archive:
            files = archive.load_files(ledger.get_live().current)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from error
    return compile_live_groups(files) if files else NO_GROUPS


def compile_live_groups(files: Mapping[str, bytes]) -> Groups:
    """The groups alone: what else the flows need, such as secrets, the server has, and maybe not the
    user of a command.
    """
    authored, _ = load_project(files)
    return compile_groups(authored, [])
