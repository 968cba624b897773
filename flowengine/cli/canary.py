"""`flowengine canary`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from flowengine.cli.calls import format_json, format_missing
from flowengine.cli.release_options import (
    add_change_options,
    add_version_options,
    find_release_spec,
    open_release_commands,
    run_change,
)
from flowengine.cli.store_options import build_store_settings, journal_option
from flowengine.journal import CanaryFigures
from flowengine.journal.format_calls import format_time
from flowengine.journal.journal_error import JournalError
from flowengine.problems import format_count
from flowengine.releases.canary_statistics import CanaryTable
from flowengine.releases.release_commands import (
    EMPTY_SPEC,
    Actor,
    CommandResult,
    ReleaseCommands,
    format_percent,
    parse_share,
)
from flowengine.releases.release_overview import (
    CanaryComparison,
    CountCalls,
    build_journal_counter,
    compare_canary,
    find_canary,
)

MAX_SHOWN_EXITS = 10


@click.command()
@click.argument("what", required=False)
@click.option(
    "--share",
    default="",
    help="How many new calls begin on it, such as 10%. A caller always reaches the same.",
)
@click.option("--json", "data", is_flag=True, help="Print the figures as JSON.")
@add_version_options
@journal_option
@add_change_options
def canary(
    what: str | None,
    share: str,
    repo: Path,
    folder: str,
    store: str,
    journal: str,
    who: str,
    note: str,
    *,
    data: bool,
) -> None:
    """Try a version on a share of new calls.

    WHAT is a folder, a release of the archive (the beginning of its id), or a git ref; with
    --share alone the candidate gets another share. End it with flowengine promote or withdraw.
    Without arguments, show the figures of both side by side.
    """
    if share:

        def start_canary(commands: ReleaseCommands, by: Actor) -> CommandResult:
            return commands.set_canary(
                EMPTY_SPEC if what is None else find_release_spec(commands, what, repo, folder),
                parse_share(share),
                by,
            )

        run_change(store, who, note, start_canary)
    elif what is not None:
        raise click.UsageError("how many calls? Say --share 10%, for one")
    else:
        show_figures(store, journal, data=data)


def show_figures(store: str, journal: str, *, data: bool) -> None:
    with open_release_commands(store) as commands, open_canary_count(store, journal) as count:
        begun = find_canary(commands.ledger)
        if begun is None:
            raise click.ClickException(
                "there is no candidate: begin with flowengine canary WHAT --share 10%"
            )
        try:
            found = compare_canary(begun, count)
        except JournalError as error:
            raise click.ClickException(str(error)) from error
    click.echo(format_json(found) if data else "\n".join(format_figures(found)))


@contextmanager
def open_canary_count(store: str, journal: str) -> Iterator[CountCalls]:
    """Counts the calls of all machines that share the store."""
    settings = build_store_settings(store, journal)
    if not settings.has_journal_per_machine:
        yield build_journal_counter(settings.journal_location)
        return
    with closing(CanaryTable(settings.archive)) as tally:
        yield tally.sum_figures


def format_figures(found: CanaryComparison) -> Iterator[str]:
    current, candidate = found.figures[found.current], found.figures[found.candidate]
    yield f"calls since {format_time(found.since)} UTC, on {format_count(found.machines, 'machine')}"
    if found.waiting:
        yield format_missing(found.waiting)
    yield format_row("", "current", f"candidate ({format_percent(found.share)})")
    yield format_row("release", found.current, found.candidate)
    yield format_row("calls", str(current.calls), str(candidate.calls))
    yield format_row(
        "errors",
        format_share(current.errors, current.calls),
        format_share(candidate.errors, candidate.calls),
    )
    yield format_row(
        "abandoned",
        format_share(current.abandoned, current.calls),
        format_share(candidate.abandoned, candidate.calls),
    )
    yield format_row("seconds on average", f"{current.seconds:.1f}", f"{candidate.seconds:.1f}")
    exits = find_top_exits(current, candidate)
    if exits:
        yield "last choice on the way"
    yield from (
        format_row(
            f"  {name}",
            *(format_share(side.exits.get(name, 0), side.calls) for side in (current, candidate)),
        )
        for name in exits
    )


def find_top_exits(current: CanaryFigures, candidate: CanaryFigures) -> list[str]:
    """The exits that calls took most, on either side."""
    names = {*current.exits, *candidate.exits}
    return sorted(
        names, key=lambda name: (-current.exits.get(name, 0) - candidate.exits.get(name, 0), name)
    )[:MAX_SHOWN_EXITS]


def format_share(some: int, calls: int) -> str:
    return f"{some} ({some / calls:.1%})" if calls else str(some)


def format_row(*cells: str) -> str:
    return f"{cells[0]:<40}  {cells[1]:>16}  {cells[2]:>16}".rstrip()
