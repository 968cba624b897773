"""`flowengine api report`."""

import time
from typing import Literal

import click

from flowengine.cli.api.recording import to_moment
from flowengine.cli.api.result_format import format_counter, format_user_calls
from flowengine.cli.platform_access import PlatformAccess, add_access_options, run_request
from flowengine.cli.since_option import SinceType
from flowengine.sinch.client import CallingApi


@click.group()
def report() -> None:
    """Figures of users, counters, and the state of services."""


@report.command()
@click.argument("kind", type=click.Choice(["username", "number"]))
@click.argument("endpoint", metavar="NAME")
@click.option(
    "--domain",
    default="data",
    show_default=True,
    type=click.Choice(["data", "pstn"]),
    help="Calls to apps, or to phones.",
)
@click.option("--since", type=SinceType(), default="7d", show_default=True, help="Since then.")
@click.option("--until", type=SinceType(), help="Until then.  [default: now]")
@add_access_options
def user(
    kind: str,
    endpoint: str,
    domain: Literal["data", "pstn"],
    since: float,
    until: float | None,
    access: PlatformAccess,
) -> None:
    """Count the calls of one app user or number.

    Times are 30m, 1h or 7d ago, or a date (UTC).
    """
    begin, end = to_moment(since), to_moment(time.time() if until is None else until)
    run_request(
        access,
        lambda api: api.reports.get_user_calls(kind, endpoint, domain, begin, end),
        format_user_calls,
    )


@report.command()
@click.argument("name", default="currentcalls")
@add_access_options
def counter(name: str, access: PlatformAccess) -> None:
    """Show a counter, by default the calls in progress. The platform renews it every two minutes."""
    run_request(access, lambda api: api.reports.get_counter(name), format_counter)


@report.command()
@click.argument("name")
@add_access_options
def service(name: str, access: PlatformAccess) -> None:
    """Show whether a service of the platform is up."""

    async def read_status(api: CallingApi) -> dict[str, str]:
        return {"status": await api.reports.get_service_status(name)}

    run_request(access, read_status, lambda found: found["status"])
