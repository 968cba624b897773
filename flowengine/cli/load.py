"""`flowengine load`."""

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from flowengine.cli.application_key import add_credential_options, check_application_key
from flowengine.cli.http_url import is_http_url
from flowengine.switch.load import LoadPlan, LoadReport, run_real_time_load
from flowengine.switch.load import run_load as put

UNSIGNED_CREDENTIALS = (
    "unsigned",
    "dW5zaWduZWQ=",
)  # for a server that has no credentials, and so looks at none

WRONG_CREDENTIALS_MESSAGE = (
    "the server takes other credentials: give those of its application with --key and --secret"
)


@click.command()
@click.argument("url")
@click.option(
    "--calls", default=1000, show_default=True, type=click.IntRange(1), help="Calls in all."
)
@click.option(
    "--concurrent",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Calls under way at once.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    help="Calls that begin in a second.  [default: as many as go]",
)
@click.option(
    "--to",
    multiple=True,
    default=("+14045550100",),
    show_default=True,
    help="The number that is called; several take turns.",
)
@click.option(
    "--talk",
    default="",
    help="What callers press where they are asked, such as 1,2,1234#.  [default: what is offered, "
    "at random]",
)
@add_credential_options()
@click.option(
    "--api-port",
    type=click.IntRange(1, 65535),
    help="Stand in for the platform's API on this port of this machine, in real time: for flows that "
    "ring members. Serve with --api-url http://127.0.0.1:PORT.",
)
@click.option("--seed", default=0, show_default=True, help="Another seed, other callers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def load(
    url: str,
    key: str | None,
    secret: str | None,
    rate: float | None,
    talk: str,
    api_port: int | None,
    *,
    as_json: bool,
    **options: int | tuple[str],
) -> None:
    """Put many simulated calls at once on a real server.

    URL is where the server takes callbacks, such as http://127.0.0.1:8080/sinch. Callers press keys
    and talk without real time going by, so that a server is asked as fast as it answers. Latencies
    are measured here, from the request to the whole answer.

    Flows that ring members have the server call other people, and time what they do. With --api-port
    the command takes these calls, in real time, and plays the members: some are busy, decline or let it
    ring, the others answer, press what they are asked for, and talk for a few seconds.

    Exits with 1 when a call was lost, or a callback was not answered as it has to be.
    """
    if not is_http_url(url):
        raise click.UsageError("URL begins with http:// or https://, a host and maybe a port")
    credentials = choose_credentials(key, secret)
    keys = tuple(part for part in talk.split(",") if part)
    # click has checked them
    plan = LoadPlan(url, *credentials, rate=rate or 0.0, talk=keys, **options)  # type: ignore[arg-type]
    report = measure_load(plan, api_port)
    if as_json:
        click.echo(
            json.dumps(
                {
                    **msgspec.to_builtins(report),
                    "calls_per_second": report.calls_per_second,
                    "passed": report.is_passed,
                }
            )
        )
    else:
        show_report(report)
    raise SystemExit(0 if report.is_passed else 1)


def choose_credentials(key: str | None, secret: str | None) -> tuple[str, str]:
    """Those given, or others for a server that looks at none. Raises click.UsageError."""
    if bool(key) != bool(secret):
        raise click.UsageError("a key goes with its secret: give --key and --secret, or neither")
    if not key or not secret:
        return UNSIGNED_CREDENTIALS
    check_application_key(key, "--key or SINCH_APPLICATION_KEY")
    return key, secret


def measure_load(plan: LoadPlan, api_port: int | None) -> LoadReport:
    with show_progress(plan.calls) as progress:
        if api_port is None:
            return asyncio.run(put(plan, progress))
        try:
            listener = socket.create_server(("127.0.0.1", api_port))
        except OSError as error:
            message = f"port {api_port} of this machine cannot be used: {error.strerror}"
            raise click.UsageError(message) from error
        with listener:
            return asyncio.run(run_real_time_load(plan, listener, progress))


@contextmanager
def show_progress(calls: int) -> Iterator[Callable[[int], None]]:
    """A bar where somebody looks at it."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    columns = TextColumn("calls"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("calls", total=calls)
        yield lambda done: bar.update(task, completed=done)


def show_report(report: LoadReport) -> None:
    console = Console(highlight=False)
    console.print(
        f"{report.calls:,} call{'s' * (report.calls != 1)} in {report.seconds:,.1f} s, {report.calls_per_second:,.0f} a "
        f"second, {format_failures(report)}"
    )
    console.print(build_latency_table(report))
    for ending, count in report.endings.items():
        console.print(f"{count:>9,}  {ending}", markup=False)
    for ending, count in report.placed.items():
        console.print(f"{count:>9,}  placed by the server: {ending}", markup=False)
    if report.unended:
        console.print(f"{report.unended:>9,}  placed by the server, and not ended", style="red")
    for error, count in report.errors.items():
        console.print(f"{count:>9,}  {error}", style="red", markup=False, soft_wrap=True)
    if report.has_signature_errors:
        console.print(WRONG_CREDENTIALS_MESSAGE, soft_wrap=True)


def format_failures(report: LoadReport) -> str:
    """What became of the calls, in a few words."""
    failed = (
        "all failed"
        if report.failed_calls == report.calls
        else f"{report.failed_calls:,} failed"
        if report.failed_calls
        else ""
    )
    lost = f"{report.lost:,} lost" if report.lost else ""
    bad = ", ".join(filter(None, (failed, lost)))
    return f"[red]{bad}[/]" if bad else "none lost"


def build_latency_table(report: LoadReport) -> Table:
    table = Table(
        "callback", box=SIMPLE, caption="answered within, in milliseconds", caption_justify="left"
    )
    for column in ("count", "50 %", "90 %", "99 %", "99.9 %", "longest"):
        table.add_column(column, justify="right")
    for event, timing in report.callbacks.items():
        times = (timing.p50, timing.p90, timing.p99, timing.p99_9, timing.longest)
        table.add_row(event, f"{timing.count:,}", *(f"{time:,.1f}" for time in times))
    return table
