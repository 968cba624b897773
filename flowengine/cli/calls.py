"""`flowengine calls`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
import msgspec

from flowengine.cli.project import counted
from flowengine.cli.since import Since
from flowengine.journal import Reader, Wanted
from flowengine.journal.database import FILE, JournalError
from flowengine.journal.telling import conversation, listing
from flowengine.server.settings import DEFAULT_STORE, Settings

OUTCOMES = ("apology", "error", "unrouted", "unkept")


@click.command()
@click.argument("call", required=False)
@click.option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    help="The store of the server: the journal lies beside it.",
)
@click.option("--json", "data", is_flag=True, help="Print JSON.")
@click.option(
    "--since",
    type=Since(),
    default=0.0,
    help="Calls that began since then: 30m, 1h or 7d ago, or a date (UTC).",
)
@click.option("--release", default="", help="Calls on this release.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Calls with this outcome.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1),
    help="At most so many, the latest.",
)
def calls(
    call: str | None,
    store: str,
    since: float,
    release: str,
    outcome: str | None,
    limit: int,
    *,
    data: bool,
) -> None:
    """Show the calls that a server has recorded.

    With CALL, the platform's id of a call or its beginning, show that call from its first callback
    to its last.
    """
    with opened(journal_of(store), since) as reader:
        if call is not None:
            one(reader, call, data=data)
            return
        found = reader.calls(Wanted(since, release, outcome or "", limit))
        click.echo(encoded(found) if data else listing(reversed(found)))


def one(reader: Reader, call: str, *, data: bool) -> None:
    steps = reader.steps(call) or reader.steps(meant(reader, call))
    click.echo(encoded(steps) if data else conversation(steps))


def meant(reader: Reader, beginning: str) -> str:
    """The one call whose id begins so."""
    found = reader.beginning(beginning)
    if not found:
        raise click.UsageError(f"the journal has no call {beginning}")
    if len(found) > 1:
        raise click.UsageError(f"{beginning} is the beginning of several calls: {', '.join(found)}")
    return found[0]


def journal_of(store: str) -> Path:
    return Settings("", store=store).folder / FILE


@contextmanager
def opened(path: Path, since: float = 0.0) -> Iterator[Reader]:
    """A journal to read; it is said how much is missing in it since then. What cannot be read ends
    the command with one line.
    """
    try:
        with closing(Reader(path)) as reader:
            if waiting := reader.waiting():
                click.echo(missing(waiting), err=True)
            if lost := reader.lost(since):
                click.echo(
                    f"{counted(lost, 'callback')} missing: answered, but not written to the call "
                    "journal; the log of the server says why",
                    err=True,
                )
            yield reader
    except JournalError as error:
        raise click.UsageError(str(error)) from error


def missing(waiting: int) -> str:
    """That callbacks wait to become rows, in words."""
    return f"{waiting} callbacks are not among these yet: the server was busy when they came, and sorts them in when it has time"


def encoded(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
