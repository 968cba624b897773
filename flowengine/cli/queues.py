"""`flowengine queues`."""

from collections.abc import Sequence

import click
import msgspec

from flowengine.cli.live_groups import load_live_groups
from flowengine.cli.session_store_access import run_on_store
from flowengine.cli.store_options import store_option
from flowengine.problems import to_printable
from flowengine.runtime.queue_overview import (
    QueueChangeRefusedError,
    QueueOverview,
    check_group_exists,
    load_queue_overviews,
)
from flowengine.runtime.queue_supervision import (
    WaitingCaller,
    dismiss_caller,
    list_waiting_callers,
)
from flowengine.storage.sessions import OrchestrationStore

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
@click.argument("group", required=False, default="")
@store_option
@click.option(
    "--take-out",
    "call",
    metavar="CALL",
    default="",
    help="Let the caller with this call id, or its beginning, leave the queue of GROUP.",
)
@click.option("--json", "data", is_flag=True, help="Print JSON.")
def queues(group: str, store: str, call: str, *, data: bool) -> None:
    """Show who waits in queues, and who takes calls.

    With GROUP, show each caller who waits there, with the id of the call. A caller who is taken out
    goes on in the flow within a second or two, as after the longest wait: by too_long or nobody.

    waiting are the callers, and call-backs those of them who have left the line and are called when
    their turn comes; longest is how long the first on the line has waited; free, busy, resting,
    pausing and out are the members of the group; answered and lost are the callers since midnight
    (UTC). A group is listed once a caller has been in its queue.
    """
    if call and not group:
        raise click.UsageError("name the GROUP in whose queue the caller waits")
    if group:
        show_group(store, group, call, is_json=data)
        return
    groups = load_live_groups(store)
    found = run_on_store(store, lambda rows: load_queue_overviews(rows, rows.clock(), groups))
    if data:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        click.echo(format_table([TITLES, *map(list_cells, found)]) if found else "no queues")


def list_cells(queue: QueueOverview) -> tuple[str, ...]:
    group, waiting, call_backs, longest, *rest = msgspec.structs.astuple(queue)
    return group, str(waiting), str(call_backs), format_wait(longest), *map(str, rest)


def show_group(store: str, group: str, call: str, *, is_json: bool) -> None:
    """Show who waits in a queue, or take the caller out whose call this is."""
    groups = load_live_groups(store)

    async def load(rows: OrchestrationStore) -> tuple[list[WaitingCaller], float, str]:
        now = rows.clock()
        await check_group_exists(rows, group, groups)
        found = await list_waiting_callers(rows, now, group)
        return found, now, await take_out(rows, find_caller(found, group, call)) if call else ""

    try:
        found, now, done = run_on_store(store, load)
    except QueueChangeRefusedError as error:
        raise click.ClickException(str(error)) from error
    if done:
        click.echo(done)
    elif is_json:
        waiting = [
            {
                "call": one.call,
                "place": one.place,
                "since": one.since,
                "priority": one.priority,
                "call_back": one.is_call_back,
            }
            for one in found
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(waiting), indent=2).decode())
    else:
        click.echo(format_waiting(found, now) if found else f"nobody waits in {group}")


def format_waiting(found: Sequence[WaitingCaller], now: float) -> str:
    titles = ("place", "waits for", "priority", "call")
    rows = [
        (
            str(one.place),
            format_wait(now - one.since),
            str(one.priority),
            to_printable(one.call) + (", to be called back" if one.is_call_back else ""),
        )
        for one in found
    ]
    return format_table([titles, *rows])


async def take_out(rows: OrchestrationStore, caller: WaitingCaller) -> str:
    """Take a caller out of the queue; says so."""
    if not await dismiss_caller(rows, caller.call, caller.number, rows.clock()):
        raise click.ClickException(f"{caller.call} does not wait in {caller.group} any more")
    return f"{caller.call} leaves the queue of {caller.group}"


def find_caller(waiting: Sequence[WaitingCaller], group: str, call: str) -> WaitingCaller:
    """The caller whose call id is this or begins with it. Raises click.ClickException."""
    found = [one for one in waiting if one.call == call] or [
        one for one in waiting if one.call.startswith(call)
    ]
    if len(found) > 1:
        raise click.ClickException(
            f"several calls begin with {call}: {', '.join(one.call for one in found)}"
        )
    if not found:
        raise click.ClickException(f"no call {call} waits in {group}: flowengine queues {group}")
    return found[0]


def format_wait(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def format_table(rows: list[tuple[str, ...]]) -> str:
    """Rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
