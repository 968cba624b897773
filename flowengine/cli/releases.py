"""`flowengine releases`."""

import asyncio
import time
from collections.abc import Iterator

import click

from flowengine.cli.calls import format_json
from flowengine.cli.canary import open_canary_count
from flowengine.cli.release_options import open_release_commands
from flowengine.cli.store_options import journal_option, store_option
from flowengine.journal.format_calls import format_time
from flowengine.journal.journal_error import JournalError
from flowengine.problems import format_count, to_printable
from flowengine.releases.release_commands import ReleaseCommands, format_change, format_percent
from flowengine.releases.release_overview import (
    CanaryComparison,
    DraftOverview,
    Overview,
    RejectedOverview,
    ReleaseOverview,
    build_overview,
    compare_canary,
    find_canary,
)
from flowengine.sources.flow_source import FlowOrigin
from flowengine.storage.sessions import StoreError, open_store

MAX_SHOWN_PROBLEMS = 5
MAX_SHOWN_RELEASES = 20
TIME_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@click.command()
@store_option
@journal_option
@click.option("--json", "data", is_flag=True, help="Print JSON.")
def releases(store: str, journal: str, *, data: bool) -> None:
    """Show what is live, what was, and who changed it.

    Also which releases still have calls, and what has errors and may not go live.
    """
    with open_release_commands(store) as commands:
        found = build_overview(
            commands.archive, commands.ledger, asyncio.run(load_needed_releases(store)), time.time()
        )
        figures = None if data else load_comparison(commands, store, journal)
    click.echo(
        format_json(found)
        if data
        else "\n".join(map(to_printable, format_overview(found, figures)))
    )


def load_comparison(commands: ReleaseCommands, store: str, journal: str) -> CanaryComparison | None:
    """How a canary does, as far as that can be told."""
    canary = find_canary(commands.ledger)
    try:
        with open_canary_count(store, journal) as count:
            return compare_canary(canary, count) if canary else None
    except JournalError:
        return None


async def load_needed_releases(store: str) -> set[str]:
    """The releases that calls under way need, as far as the store says."""
    if store == "none":
        return set()
    try:
        kept = open_store(store)
        try:
            return await kept.find_needed_releases()
        finally:
            await kept.close()
    except (StoreError, OSError) as error:
        raise click.ClickException(str(error)) from error


def format_overview(found: Overview, figures: CanaryComparison | None) -> Iterator[str]:
    yield f"current    {found.current or 'none'}"
    if found.candidate:
        yield f"candidate  {found.candidate}, {format_percent(found.share)} of new calls"
    if figures:
        candidate, current = (
            format_side(figures, side) for side in (figures.candidate, figures.current)
        )
        yield f"figures    {candidate}; current {current}; on {format_machines(figures)}"
    yield from map(format_draft, found.drafts)
    if found.following:
        yield f"follows    {found.following.source}, on {found.following.by}"
    for rejected in found.rejected:
        yield from (
            "",
            f"REJECTED   {rejected.place}, {format_age(found.at - rejected.at)}{format_commit(rejected.origin)}",
            *format_errors(rejected),
        )
    yield from ("", "releases, the latest first")
    for item in found.releases[:MAX_SHOWN_RELEASES]:
        yield format_release(item, found.at)
    if len(found.releases) > MAX_SHOWN_RELEASES:
        yield f"  and {len(found.releases) - MAX_SHOWN_RELEASES} older"
    yield from ("", "changes, the latest first")
    yield from (
        f"  {format_time(change.at)}  {change.who}: "
        f"{format_change(change)}{f'  “{change.note}”' if change.note else ''}"
        for change in found.changes
    )


def format_draft(draft: DraftOverview) -> str:
    follows = (
        f", follows {draft.follows.ref} of {draft.follows.repository}" if draft.follows else ""
    )
    return f"draft      {draft.release}, {draft.name}: {', '.join(draft.callers)}{follows}"


def format_release(item: ReleaseOverview, now: float) -> str:
    calls = "  with calls" if item.calls else ""
    age, origin = format_age(now - item.made), format_origin(item.origin)
    return f"  {item.id}  {age:<10}  {item.live:<10}  {origin}{calls}".rstrip()


def format_side(figures: CanaryComparison, release: str) -> str:
    found = figures.figures[release]
    return f"{format_count(found.calls, 'call')}, {format_count(found.errors, 'error')}, {found.abandoned} abandoned"


def format_machines(figures: CanaryComparison) -> str:
    lacking = f", {figures.waiting} callbacks not among these yet" if figures.waiting else ""
    return f"{format_count(figures.machines, 'machine')}{lacking}"


def format_errors(rejected: RejectedOverview) -> Iterator[str]:
    yield from (
        f"  {problem.place}: {problem.code} {problem.message}"
        for problem in rejected.problems[:MAX_SHOWN_PROBLEMS]
    )
    if len(rejected.problems) > MAX_SHOWN_PROBLEMS:
        yield f"  and {format_count(len(rejected.problems) - MAX_SHOWN_PROBLEMS, 'more error')}"


def format_origin(origin: FlowOrigin) -> str:
    place = f"{origin.place}@{origin.ref}" if origin.ref else origin.place
    return f"{place}{format_commit(origin)}"


def format_commit(origin: FlowOrigin) -> str:
    """What is known of a commit."""
    parts = (
        origin.commit[:12],
        origin.author.partition(" <")[0],
        f"“{origin.title}”" if origin.title else "",
    )
    return "".join(f", {part}" for part in parts if part)


def format_age(seconds: float) -> str:
    """How long ago, in the largest unit that fits."""
    whole = max(0, int(seconds))
    size, unit = next(((size, unit) for size, unit in TIME_UNITS if whole >= size), (1, "s"))
    return f"{whole // size} {unit} ago"
