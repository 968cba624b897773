"""`flowengine placements`."""

from contextlib import closing

import click

from flowengine.cli.place import format_data, format_placement
from flowengine.cli.placement_client import PlacementClient, PlacementClientError
from flowengine.cli.placement_options import add_server_option


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--json", "data", is_flag=True, help="Print JSON.")
@add_server_option
def placements(ids: tuple[str, ...], server: str, *, data: bool) -> None:
    """Tell what has become of calls that were placed.

    Without IDS, show all that are not over: those under way, and those that wait for their time,
    their hours or their turn. IDS are those that flowengine place prints, and that flowengine calls
    shows where a flow has placed a call.
    """
    with closing(PlacementClient(server)) as client:
        try:
            more = 0
            if ids:
                found = client.load(ids)
            else:
                reply = client.load_open()
                found, more = [*reply.placements], reply.more
        except PlacementClientError as error:
            raise click.ClickException(str(error)) from error
        now = client.read_clock()
    if data:
        click.echo(format_data(found))
        return
    for placed in found:
        told = placed.error or format_placement(placed, now)
        click.echo(f"{placed.id}  {told}" if placed.error else told)
    if more:
        click.echo(f"and {more} more")
    if not (ids or found):
        click.echo("no call waits, and none is under way")
    if any(placed.error for placed in found):
        raise SystemExit(1)
