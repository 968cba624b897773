"""`flowengine api call`."""

from typing import Literal

import click

from flowengine.cli.api.result_format import format_call_info
from flowengine.cli.api.svaml_argument import SvamlType
from flowengine.cli.platform_access import (
    PlatformAccess,
    add_access_options,
    add_region_option,
    run_request,
)

HANGUP = {"action": {"name": "hangup"}}


@click.group()
def call() -> None:
    """See a call, change it, end it, report on it.

    CALL is the id of a call, or the callResourceUrl of its first callback, which finds it in its
    own region.
    """


@call.command()
@click.argument("call_id", metavar="CALL")
@add_region_option
@add_access_options
def show(call_id: str, access: PlatformAccess) -> None:
    """Show the state of a call, or how it ended."""
    run_request(access, lambda api: api.calls.get_info(call_id), format_call_info)


@call.command()
@click.argument("call_id", metavar="CALL")
@click.argument("svaml", type=SvamlType())
@click.option(
    "--leg",
    type=click.Choice(["caller", "callee", "both"]),
    help="Say or play it to this end of the call alone.",
)
@add_region_option
@add_access_options
def update(
    call_id: str,
    svaml: str,
    leg: Literal["caller", "callee", "both"] | None,
    access: PlatformAccess,
) -> None:
    """Send SVAML to a call: say, play, hang up, continue. A parked call takes whatever its first
    callback would have taken.

    SVAML is JSON, @FILE, or - for standard input.
    """
    run_request(
        access,
        lambda api: (
            api.calls.update_leg(call_id, leg, svaml) if leg else api.calls.update(call_id, svaml)
        ),
        lambda _: "the platform has taken it",
    )


@call.command()
@click.argument("call_id", metavar="CALL")
@add_region_option
@add_access_options
def end(call_id: str, access: PlatformAccess) -> None:
    """Hang up."""
    run_request(access, lambda api: api.calls.update(call_id, HANGUP), lambda _: "the call ends")


@call.command()
@click.argument("call_id", metavar="CALL")
@click.argument("status", type=click.Choice(["success", "failure"]))
@click.option("--details", default="", help="Why; the platform keeps 64 characters.")
@add_region_option
@add_access_options
def report(
    call_id: str, status: Literal["success", "failure"], details: str, access: PlatformAccess
) -> None:
    """Note in the platform's records whether an ended call was a success."""
    run_request(access, lambda api: api.calls.report(call_id, status, details), lambda _: "noted")
