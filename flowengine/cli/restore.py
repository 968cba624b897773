"""`flowengine restore`."""

from pathlib import Path

import click

from flowengine.cli.store_options import add_journal_options, build_store_settings
from flowengine.journal.format_calls import format_time
from flowengine.server.backup import BackupError, restore_backup


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@add_journal_options
def restore(folder: Path, store: str, journal: str) -> None:
    """Put a backup back, before the server starts.

    FOLDER is what flowengine backup has written. Nothing is overwritten: move away what is there,
    with the -wal and -shm beside it.
    """
    try:
        manifest = restore_backup(folder, build_store_settings(store, journal))
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    names = ", ".join(file.name for file in manifest.files)
    click.echo(f"as of {format_time(manifest.at)} UTC: {names}")
