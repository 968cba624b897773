"""`flowengine queues`."""

from collections.abc import Sequence

import click
import msgspec

from flowengine.cli.live_groups import load_live_groups
from flowengine.cli.session_store_access import run_on_store
from flowengine.cli.store_options import store_option
from flowengine.cli.user_name import find_user_name
from flowengine.problems import to_printable
from flowengine.runtime.queue_overview import (
    QueueChangeRefusedError,
    QueueOverview,
    check_group_exists,
    load_queue_overviews,
)
from flowengine.runtime.queue_supervision import (
    WaitingCaller,
    list_waiting_callers,
    take_out_caller,
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
    help="Let the caller with this call id, or its beginning, leave the queue of GROUP; or cancel "
    "the call-back with this id.",
)
@click.option(
    "--who",
    default="",
    show_default="your name here",
    help="Who takes the caller out, for the record.",
)
@click.option("--json", "data", is_flag=True, help="Print JSON.")
def queues(group: str, store: str, call: str, who: str, *, data: bool) -> None:
    """Show who waits in queues, and who takes calls.

    With GROUP, show each caller who waits there, with the id of the call. A caller who is taken out
    goes on in the flow within a second or two, as after the longest wait: by too_long or nobody. A
    call-back that is taken out is cancelled; while its phone rings, that try goes on as the last one.

    waiting are the callers, and call-backs those of them who have left the line and are called when
    their turn comes; longest is how long the first on the line has waited; free, busy, resting,
    pausing and out are the members of the group; answered and lost are the callers since midnight
    (UTC). A group is listed once a caller has been in its queue.
    """
    if call and not group:
        raise click.UsageError("name the GROUP in whose queue the caller waits")
    if who and not call:
        raise click.UsageError("name the caller to --take-out")
    if call:
        click.echo(take_out(store, group, call, who or find_user_name()))
        return
    if group:
        show_group(store, group, is_json=data)
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


def take_out(store: str, group: str, call: str, who: str) -> str:
    """Take the caller out of a queue whose call this is; says what has come of it."""
    groups = load_live_groups(store)

    async def change(rows: OrchestrationStore) -> str:
        now = rows.clock()
        await check_group_exists(rows, group, groups)
        found = await list_waiting_callers(rows, now, group)
        return await take_out_caller(rows, find_caller(found, group, call), who, now)

    try:
        return run_on_store(store, change)
    except QueueChangeRefusedError as error:
        raise click.ClickException(str(error)) from error


def show_group(store: str, group: str, *, is_json: bool) -> None:
    """Show who waits in a queue."""
    groups = load_live_groups(store)

    async def load(rows: OrchestrationStore) -> tuple[list[WaitingCaller], float]:
        now = rows.clock()
        await check_group_exists(rows, group, groups)
        return await list_waiting_callers(rows, now, group), now

    try:
        found, now = run_on_store(store, load)
    except QueueChangeRefusedError as error:
        raise click.ClickException(str(error)) from error
    if is_json:
        waiting = [
            {
                "call": one.call,
                "place": one.place,
                "since": one.since,
                "priority": one.priority,
                "call_back": one.is_call_back,
                "offered": one.is_offered,
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
            str(one.place or "-"),
            format_wait(now - one.since),
            str(one.priority),
            f"{to_printable(one.call)}{describe_wait(one)}",
        )
        for one in found
    ]
    return format_table([titles, *rows])


def describe_wait(caller: WaitingCaller) -> str:
    """What is special in how a caller waits."""
    if caller.is_later:
        return ", to be called back later: at the next try, or within the hours"
    if caller.is_call_back:
        return ", is called just now" if caller.is_offered else ", to be called back"
    return ", a member is rung" if caller.is_offered else ""


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
    """A time as people read it who wait.

    >>> format_wait(83), format_wait(7265)
    ('1:23', '2:01:05')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_table(rows: list[tuple[str, ...]]) -> str:
    """Rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
