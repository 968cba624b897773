"""`flowengine placements`."""

from collections.abc import Sequence
from contextlib import closing

import click

from flowengine.cli.place import format_data, format_placement
from flowengine.cli.placement_client import PlacementClient, PlacementClientError
from flowengine.cli.placement_options import add_server_option
from flowengine.cli.user_name import find_user_name
from flowengine.server.placements import PlacementView


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--cancel", "cancels", is_flag=True, help="Cancel the calls with these IDS.")
@click.option(
    "--who", default="", show_default="your name here", help="Who cancels them, for the record."
)
@click.option("--json", "data", is_flag=True, help="Print JSON.")
@add_server_option
def placements(ids: tuple[str, ...], who: str, server: str, *, cancels: bool, data: bool) -> None:
    """Tell what has become of calls that were placed.

    Without IDS, show all that are not over: those under way, and those that wait for their time,
    their hours or their turn. IDS are those that flowengine place prints, and that flowengine calls
    shows where a flow has placed a call. With --cancel, nobody is called any more for IDS; a call that
    rings or goes on just now is the last one.
    """
    if cancels and not ids:
        raise click.UsageError("name the IDS to cancel")
    if who and not cancels:
        raise click.UsageError("--who is for --cancel")
    with closing(PlacementClient(server)) as client:
        try:
            if cancels:
                found, more = client.cancel(ids, who or find_user_name()), 0
            else:
                found, more = load_placements(client, ids)
        except PlacementClientError as error:
            raise click.ClickException(str(error)) from error
        now = client.read_clock()
    if data:
        click.echo(format_data(found))
        return
    show_placements(found, now)
    if more:
        click.echo(f"and {more} more")
    if not (ids or found):
        click.echo("no call waits, and none is under way")
    if any(placed.error for placed in found):
        raise SystemExit(1)


def load_placements(client: PlacementClient, ids: Sequence[str]) -> tuple[list[PlacementView], int]:
    """These placements, or those that are not over; and how many more there are. Raises
    PlacementClientError.
    """
    if ids:
        return client.load(ids), 0
    reply = client.load_open()
    return [*reply.placements], reply.more


def show_placements(found: Sequence[PlacementView], now: float) -> None:
    for placed in found:
        told = placed.error or format_placement(placed, now)
        click.echo(f"{placed.id}  {told}" if placed.error else told)
