"""`flowengine backup`."""

from pathlib import Path

import click

from flowengine.cli.store_options import add_journal_options, build_store_settings
from flowengine.server.backup import PG_DUMP_COMMAND, BackupError, write_backup
from flowengine.server.keys import KEY_FILE


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@add_journal_options
def backup(folder: Path, store: str, journal: str) -> None:
    """Copy what a server keeps to a new folder, while it answers calls.

    These are the calls under way, the releases with the record of who changed what, the call journal
    and cookie.key, which is a secret: with it one can read what is encrypted. The files are for
    their owner alone. What is on PostgreSQL is backed up by pg_dump.
    """
    settings = build_store_settings(store, journal)
    try:
        manifest = write_backup(settings, folder)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    for file in manifest.files:
        secret = "  (a secret: keep it safe)" if file.name == KEY_FILE else ""
        click.echo(f"{file.name:<12} {file.bytes:>14,} bytes{secret}")
    if isinstance(settings.journal_location, str):
        told = f"not in the backup: the call journal, which is on PostgreSQL: {PG_DUMP_COMMAND}"
        click.echo(told, err=True)
