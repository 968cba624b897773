"""`flowengine canary`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from flowengine.cli.calls import encoded, journal_of, missing
from flowengine.cli.desk import change, changing, naming, opened, wanted
from flowengine.cli.project import counted
from flowengine.journal import Figures
from flowengine.journal.database import JournalError
from flowengine.journal.telling import moment
from flowengine.releases.desk import NOTHING, By, Desk, Done, percent, share_of
from flowengine.releases.overview import Count, SideBySide, canary_of, of_journal, side_by_side
from flowengine.releases.tally import Tally
from flowengine.server.settings import Settings

MOST_EXITS = 10


@click.command()
@click.argument("what", required=False)
@click.option(
    "--share",
    default="",
    help="How many new calls begin on it, such as 10%. A caller always reaches the same.",
)
@click.option("--json", "data", is_flag=True, help="Print the figures as JSON.")
@naming
@changing
def canary(
    what: str | None,
    share: str,
    repo: Path,
    folder: str,
    store: str,
    who: str,
    note: str,
    *,
    data: bool,
) -> None:
    """Try a version on a share of new calls.

    WHAT is a folder, a release that is kept (the beginning of its id), or a git ref; with --share
    alone the candidate goes on with another share. End it with flowengine promote or withdraw.
    Without anything, the figures of both are shown side by side.
    """
    if share:

        def begin(desk: Desk, by: By) -> Done:
            return desk.canary(
                NOTHING if what is None else wanted(desk, what, repo, folder), share_of(share), by
            )

        change(store, who, note, begin)
    elif what is not None:
        raise click.UsageError("how many calls? Say --share 10%, for one")
    else:
        show(store, data=data)


def show(store: str, *, data: bool) -> None:
    with opened(store) as desk, counting(store) as count:
        begun = canary_of(desk.ledger)
        if begun is None:
            raise click.ClickException(
                "there is no candidate: begin with flowengine canary WHAT --share 10%"
            )
        try:
            found = side_by_side(begun, count)
        except JournalError as error:
            raise click.ClickException(str(error)) from error
    click.echo(encoded(found) if data else "\n".join(lines(found)))


@contextmanager
def counting(store: str) -> Iterator[Count]:
    """Counts the calls of all machines that share the store."""
    settings = Settings("", store=store)
    if not settings.shared:
        yield of_journal(journal_of(store))
        return
    with closing(Tally(settings.archive)) as tally:
        yield tally.sum


def lines(found: SideBySide) -> Iterator[str]:
    current, candidate = found.figures[found.current], found.figures[found.candidate]
    yield f"calls since {moment(found.since)} UTC, on {counted(found.machines, 'machine')}"
    if found.waiting:
        yield missing(found.waiting)
    yield row("", "current", f"candidate ({percent(found.share)})")
    yield row("release", found.current, found.candidate)
    yield row("calls", str(current.calls), str(candidate.calls))
    yield row("errors", of(current.errors, current.calls), of(candidate.errors, candidate.calls))
    yield row(
        "abandoned", of(current.abandoned, current.calls), of(candidate.abandoned, candidate.calls)
    )
    yield row("seconds on average", f"{current.seconds:.1f}", f"{candidate.seconds:.1f}")
    exits = most(current, candidate)
    if exits:
        yield "last choice on the way"
    yield from (
        row(
            f"  {name}", *(of(side.exits.get(name, 0), side.calls) for side in (current, candidate))
        )
        for name in exits
    )


def most(current: Figures, candidate: Figures) -> list[str]:
    """The exits that calls took most, on either side."""
    names = {*current.exits, *candidate.exits}
    return sorted(
        names, key=lambda name: (-current.exits.get(name, 0) - candidate.exits.get(name, 0), name)
    )[:MOST_EXITS]


def of(some: int, calls: int) -> str:
    return f"{some} ({some / calls:.1%})" if calls else str(some)


def row(*cells: str) -> str:
    return f"{cells[0]:<40}  {cells[1]:>16}  {cells[2]:>16}".rstrip()
