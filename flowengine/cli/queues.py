"""`flowengine queues`."""

import click
import msgspec

from flowengine.cli.live_groups import load_live_groups
from flowengine.cli.session_store_access import run_on_store
from flowengine.cli.store_options import store_option
from flowengine.runtime.queue_overview import QueueOverview, load_queue_overviews

TITLES = (
    "group",
    "waiting",
    "call-backs",
    "longest",
    "free",
    "busy",
    "resting",
    "pausing",
    "out",
    "answered",
    "lost",
)


@click.command()
@store_option
@click.option("--json", "data", is_flag=True, help="Print JSON.")
def queues(store: str, *, data: bool) -> None:
    """Show who waits in queues, and who takes calls.

    waiting are the callers, and call-backs those of them who have left the line and are called when
    their turn comes; longest is how long the first on the line has waited; free, busy, resting,
    pausing and out are the members of the group; answered and lost are the callers since midnight
    (UTC). A group is listed once a caller has been in its queue.
    """
    groups = load_live_groups(store)
    found = run_on_store(store, lambda rows: load_queue_overviews(rows, rows.clock(), groups))
    if data:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        click.echo(format_table([TITLES, *map(list_cells, found)]) if found else "no queues")


def list_cells(queue: QueueOverview) -> tuple[str, ...]:
    minutes, seconds = divmod(queue.longest_wait, 60)
    group, waiting, call_backs, _, *rest = msgspec.structs.astuple(queue)
    return group, str(waiting), str(call_backs), f"{minutes}:{seconds:02}", *map(str, rest)


def format_table(rows: list[tuple[str, ...]]) -> str:
    """Rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
