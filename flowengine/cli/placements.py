"""`flowengine placements`."""

from contextlib import closing

import click

from flowengine.cli.place import format_data, format_placement
from flowengine.cli.placement_client import PlacementClient, PlacementClientError
from flowengine.cli.placement_options import add_server_option


@click.command()
@click.argument("ids", nargs=-1, required=True)
@click.option("--json", "data", is_flag=True, help="Print JSON.")
@add_server_option
def placements(ids: tuple[str, ...], server: str, *, data: bool) -> None:
    """Tell what has become of calls that were placed.

    IDS are those that flowengine place prints, and that flowengine calls shows where a flow has
    placed a call.
    """
    with closing(PlacementClient(server)) as client:
        try:
            found = client.load(ids)
        except PlacementClientError as error:
            raise click.ClickException(str(error)) from error
    if data:
        click.echo(format_data(found))
        return
    for placed in found:
        click.echo(f"{placed.id}  {placed.error}" if placed.error else format_placement(placed))
    if any(placed.error for placed in found):
        raise SystemExit(1)
