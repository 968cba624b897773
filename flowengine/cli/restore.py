"""`flowengine restore`."""

from pathlib import Path

import click

from flowengine.cli.store_options import add_journal_options
from flowengine.journal.format_calls import format_time
from flowengine.server.backup import BackupError, read_manifest, restore_backup
from flowengine.server.server_settings import ServerSettings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@add_journal_options
def restore(folder: Path, store: str, journal: str) -> None:
    """Put a backup back, before the server starts.

    FOLDER is what flowengine backup has written. Nothing is overwritten: move away what is there,
    with the -wal and -shm beside it.
    """
    try:
        there = read_manifest(folder)
        restored = restore_backup(folder, ServerSettings("", store=store, journal=journal))
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    names = ", ".join(file.name for file in restored.files)
    click.echo(f"as of {format_time(restored.at)} UTC: {names}")
    if left := [file.name for file in there.files if file not in restored.files]:
        click.echo(
            f"not put back: {', '.join(left)}, for which a server with this --store and --journal has "
            "no place",
            err=True,
        )
