"""`flowengine releases`."""

import asyncio
import time
from collections.abc import Iterator

import click

from flowengine.cli.calls import encoded
from flowengine.cli.canary import counting
from flowengine.cli.desk import opened, store_option
from flowengine.cli.project import counted
from flowengine.journal.database import JournalError
from flowengine.journal.telling import moment
from flowengine.releases.archive import Origin
from flowengine.releases.desk import Desk, percent, worded
from flowengine.releases.overview import (
    Overview,
    RejectedSeen,
    SideBySide,
    canary_of,
    overview,
    side_by_side,
)
from flowengine.runtime.store import StoreError, open_store

FIRST_PROBLEMS = 5
LATEST = 20
SCALES = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@click.command()
@store_option
@click.option("--json", "data", is_flag=True, help="Print JSON.")
def releases(store: str, *, data: bool) -> None:
    """Show what is live, what was, and who changed it.

    Also which releases still have calls, and what has errors and may not go live.
    """
    with opened(store) as desk:
        found = overview(desk.archive, desk.ledger, asyncio.run(in_use(store)), time.time())
        figures = None if data else compared(desk, store)
    click.echo(encoded(found) if data else "\n".join(map(printable, told(found, figures))))


def compared(desk: Desk, store: str) -> SideBySide | None:
    """How a canary does, as far as that can be told."""
    canary = canary_of(desk.ledger)
    try:
        with counting(store) as count:
            return side_by_side(canary, count) if canary else None
    except JournalError:
        return None


async def in_use(store: str) -> set[str]:
    """The releases that calls under way need, as far as the store says."""
    if store == "none":
        return set()
    try:
        kept = open_store(store)
        try:
            return await kept.releases()
        finally:
            await kept.close()
    except (StoreError, OSError) as error:
        raise click.ClickException(str(error)) from error


def told(found: Overview, figures: SideBySide | None) -> Iterator[str]:
    yield f"current    {found.current or 'none'}"
    if found.candidate:
        yield f"candidate  {found.candidate}, {percent(found.share)} of new calls"
    if figures:
        yield f"figures    {side(figures, figures.candidate)}; current {side(figures, figures.current)}; on {machines(figures)}"
    for draft in found.drafts:
        follows = (
            f", follows {draft.follows.ref} of {draft.follows.repository}" if draft.follows else ""
        )
        yield f"draft      {draft.release}, {draft.name}: {', '.join(draft.callers)}{follows}"
    if found.following:
        yield f"follows    {found.following.source}, on {found.following.by}"
    for rejected in found.rejected:
        yield from (
            "",
            f"REJECTED   {rejected.place}, {age(found.at - rejected.at)}{worth(rejected.origin)}",
            *errors(rejected),
        )
    yield from ("", "releases, the latest first")
    for item in found.releases[:LATEST]:
        calls = "  with calls" if item.calls else ""
        yield f"  {item.id}  {age(found.at - item.made):<10}  {item.live:<10}  {whence(item.origin)}{calls}".rstrip()
    if len(found.releases) > LATEST:
        yield f"  and {len(found.releases) - LATEST} older"
    yield from ("", "changes, the latest first")
    yield from (
        f"  {moment(change.at)}  {change.who}: "
        f"{worded(change)}{f'  “{change.note}”' if change.note else ''}"
        for change in found.changes
    )


def side(figures: SideBySide, release: str) -> str:
    found = figures.figures[release]
    return f"{counted(found.calls, 'call')}, {counted(found.errors, 'error')}, {found.abandoned} abandoned"


def machines(figures: SideBySide) -> str:
    lacking = f", {figures.waiting} callbacks not among these yet" if figures.waiting else ""
    return f"{counted(figures.machines, 'machine')}{lacking}"


def printable(line: str) -> str:
    """What others wrote in commits must not steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def errors(rejected: RejectedSeen) -> Iterator[str]:
    yield from (
        f"  {problem.place}: {problem.code} {problem.message}"
        for problem in rejected.problems[:FIRST_PROBLEMS]
    )
    if len(rejected.problems) > FIRST_PROBLEMS:
        yield f"  and {counted(len(rejected.problems) - FIRST_PROBLEMS, 'more error')}"


def whence(origin: Origin) -> str:
    place = f"{origin.place}@{origin.ref}" if origin.ref else origin.place
    return f"{place}{worth(origin)}"


def worth(origin: Origin) -> str:
    """What is known of a commit."""
    parts = (
        origin.commit[:12],
        origin.author.partition(" <")[0],
        f"“{origin.title}”" if origin.title else "",
    )
    return "".join(f", {part}" for part in parts if part)


def age(seconds: float) -> str:
    """How long ago, in the largest unit that fits."""
    whole = max(0, int(seconds))
    size, unit = next(((size, unit) for size, unit in SCALES if whole >= size), (1, "s"))
    return f"{whole // size} {unit} ago"
