"""`flowengine calls`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
import msgspec
from click.core import ParameterSource

from flowengine.cli.since_option import SinceType
from flowengine.cli.store_options import add_journal_options, build_store_settings
from flowengine.journal import CallFilter, JournalReader, open_journal_reader
from flowengine.journal.call_outcomes import OUTCOMES_BY_WEIGHT
from flowengine.journal.call_story import add_legs
from flowengine.journal.format_calls import format_call_list, format_conversation
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_location import JournalLocation, build_journal_feed
from flowengine.problems import format_count


@click.command()
@click.argument("call", required=False)
@add_journal_options
@click.option("--json", "data", is_flag=True, help="Print JSON.")
@click.option(
    "--since",
    type=SinceType(),
    default=0.0,
    help="Calls that began since then: 30m, 1h or 7d ago, or a date (UTC).",
)
@click.option("--release", default="", help="Calls on this release.")
@click.option(
    "--outcome",
    type=click.Choice(OUTCOMES_BY_WEIGHT),
    help="Calls whose worst callback has this outcome.",
)
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1),
    help="At most so many, the latest.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the calls that have ended to a .csv or .parquet file, all of them.",
)
@click.pass_context
def calls(
    ctx: click.Context,
    call: str | None,
    store: str,
    journal: str,
    since: float,
    release: str,
    outcome: str | None,
    limit: int,
    export: Path | None,
    *,
    data: bool,
) -> None:
    """Show the calls that a server has recorded.

    With CALL, the platform's id of a call or its beginning, show that call from its first callback
    to its last. The calls of a ring to its members (legs) are calls of their own; the call of their
    caller shows them, too, as it shows the calls that it has had placed.
    """
    if export is not None:
        check_export(ctx)
        export_finished_calls(export, find_journal(store, journal), since, release, outcome or "")
        return
    with open_journal(find_journal(store, journal), since) as reader:
        if call is not None:
            show_call(reader, call, data=data)
            return
        found = reader.list_calls(CallFilter(since, release, outcome or "", limit))
        text = format_json(found) if data else format_call_list(reversed(found))
        click.echo(text or "no calls")


def check_export(ctx: click.Context) -> None:
    """Refuse what says something of what is shown. Raises click.UsageError."""
    for name, shown in (("call", "CALL"), ("data", "--json"), ("limit", "--limit")):
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"--export writes all calls that have ended, so leave out {shown}"
            )


def export_finished_calls(
    path: Path, journal: JournalLocation, since: float, release: str, outcome: str
) -> None:
    """Write the calls that have ended, and tell how many. Raises click.UsageError."""
    # what lists calls need not import it
    from flowengine.journal.call_export import iter_finished_calls  # noqa: PLC0415
    from flowengine.journal.export_files import export_calls, find_export_writer  # noqa: PLC0415

    write = find_export_writer(path)
    if write is None:
        raise click.UsageError(f"{path} ends neither in .csv nor in .parquet")
    try:
        with closing(build_journal_feed(journal)) as feed, open_journal(journal, since):
            found = iter_finished_calls(feed, since)
            wanted = (
                call
                for call in found
                if release in ("", call.release) and outcome in ("", call.outcome)
            )
            count = export_calls(path, wanted, write)
    except JournalError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    click.echo(f"{format_count(count, 'call')} written to {path}", err=True)


def show_call(reader: JournalReader, call: str, *, data: bool) -> None:
    steps = reader.list_callbacks(call)
    if not steps:
        call = find_call_id(reader, call)
        steps = reader.list_callbacks(call)
    steps = add_legs(reader, call, steps)
    click.echo(format_json(steps) if data else format_conversation(steps))


def find_call_id(reader: JournalReader, beginning: str) -> str:
    """The one call whose id begins so."""
    found = reader.find_call_ids(beginning)
    if not found:
        raise click.UsageError(f"the journal has no call {beginning}")
    if len(found) > 1:
        raise click.UsageError(f"{beginning} is the beginning of several calls: {', '.join(found)}")
    return found[0]


def find_journal(store: str, journal: str = "") -> JournalLocation:
    """The location of the journal that these options name."""
    return build_store_settings(store, journal).journal_location


@contextmanager
def open_journal(location: JournalLocation, since: float = 0.0) -> Iterator[JournalReader]:
    """A journal to read; it is said how much is missing in it since then. What cannot be read ends
    the command with one line.
    """
    try:
        with closing(open_journal_reader(location)) as reader:
            if waiting := reader.count_waiting():
                click.echo(format_missing(waiting), err=True)
            if lost := reader.count_lost(since):
                click.echo(
                    f"{format_count(lost, 'callback')} missing: answered, but not written to the call "
                    "journal; the log of the server says why",
                    err=True,
                )
            yield reader
    except JournalError as error:
        raise click.UsageError(str(error)) from error


def format_missing(waiting: int) -> str:
    """That callbacks wait to become rows, in words."""
    return f"{waiting} callbacks are not among these yet: the server was busy when they came, and sorts them in when it has time"


def format_json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
