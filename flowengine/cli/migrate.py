"""`flowengine migrate`."""

import click

from flowengine.cli.store_options import add_journal_options, build_store_settings
from flowengine.server.schema_versions import (
    KeptPart,
    SchemaVersionsError,
    find_missing_store,
    list_kept_parts,
    upgrade_parts,
)


@click.command()
@add_journal_options
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
def migrate(store: str, journal: str, *, dry_run: bool) -> None:
    """Upgrade what a server keeps to what this version needs.

    A server does it by itself when it starts: this shows it before, with --dry-run. Exit code 1 says
    that something is newer than this version, which would refuse it. Nothing is taken back to an
    older version.
    """
    settings = build_store_settings(store, journal)
    try:
        parts = list_kept_parts(settings)
        is_refused = any(part.statements is None for part in parts)
        for part in parts:
            click.echo(describe_part(part))
            if dry_run and part.statements:
                click.echo(
                    "".join(f"    {statement};\n" for statement in part.statements), nl=False
                )
        if not dry_run and not is_refused:
            upgrade_parts(settings)
    except SchemaVersionsError as error:
        raise click.ClickException(str(error)) from error
    if not parts:
        click.echo("nothing is kept here yet")
    elif missing := find_missing_store(settings):
        click.echo(
            f"there is no session store {missing}: is that the --store of the server?", err=True
        )
    if is_refused and not dry_run:
        click.echo("nothing was upgraded", err=True)
    raise SystemExit(1 if is_refused else 0)


def describe_part(part: KeptPart) -> str:
    """A line on a file or a part of a database."""
    if part.is_current:
        return f"{part.name}: version {part.found}, as needed"
    if part.statements is not None:
        return f"{part.name}: from version {part.found} to {part.wanted}"
    return (
        f"{part.name}: version {part.found}, where this flowengine knows {part.wanted}: install the newer "
        "version again, put back a backup from before it, or name another store"
    )
