"""`flowengine api conference`."""

from typing import Literal

import click

from flowengine.cli.api.result_format import format_participants
from flowengine.cli.platform_access import (
    PlatformAccess,
    add_access_options,
    add_region_option,
    run_request,
)

HoldMusic = Literal["", "ring", "music1", "music2", "music3"]


@click.group()
def conference() -> None:
    """See the members of a conference, and manage them.

    CONFERENCE is its id, CALL the id of a member's call. A conference lives in one region: name it
    with --region.
    """


@conference.command()
@click.argument("conference_id", metavar="CONFERENCE")
@add_region_option
@add_access_options
def show(conference_id: str, access: PlatformAccess) -> None:
    """Show the members."""
    run_request(
        access, lambda api: api.conferences.list_participants(conference_id), format_participants
    )


@conference.command()
@click.argument("conference_id", metavar="CONFERENCE")
@add_region_option
@add_access_options
def end(conference_id: str, access: PlatformAccess) -> None:
    """Hang up on all members."""
    run_request(
        access, lambda api: api.conferences.end(conference_id), lambda _: "the conference ends"
    )


@conference.command()
@click.argument("conference_id", metavar="CONFERENCE")
@click.argument("call_id", metavar="CALL")
@add_region_option
@add_access_options
def kick(conference_id: str, call_id: str, access: PlatformAccess) -> None:
    """Hang up on a member."""
    run_request(
        access, lambda api: api.conferences.kick(conference_id, call_id), lambda _: "the call ends"
    )


@conference.command()
@click.argument("conference_id", metavar="CONFERENCE")
@click.argument("call_id", metavar="CALL")
@add_region_option
@add_access_options
def mute(conference_id: str, call_id: str, access: PlatformAccess) -> None:
    """Mute a member."""
    run_request(access, lambda api: api.conferences.mute(conference_id, call_id), lambda _: "muted")


@conference.command()
@click.argument("conference_id", metavar="CONFERENCE")
@click.argument("call_id", metavar="CALL")
@add_region_option
@add_access_options
def unmute(conference_id: str, call_id: str, access: PlatformAccess) -> None:
    """Let a muted member be heard again."""
    run_request(
        access, lambda api: api.conferences.unmute(conference_id, call_id), lambda _: "unmuted"
    )


@conference.command()
@click.argument("conference_id", metavar="CONFERENCE")
@click.argument("call_id", metavar="CALL")
@click.option(
    "--music",
    default="",
    type=click.Choice(["", "ring", "music1", "music2", "music3"]),
    metavar="ring|music1|music2|music3",
    help="What the member hears.  [default: silence]",
)
@add_region_option
@add_access_options
def hold(conference_id: str, call_id: str, music: HoldMusic, access: PlatformAccess) -> None:
    """Put a member on hold, who then neither hears nor is heard."""
    run_request(
        access,
        lambda api: api.conferences.hold(conference_id, call_id, music),
        lambda _: "on hold",
    )


@conference.command()
@click.argument("conference_id", metavar="CONFERENCE")
@click.argument("call_id", metavar="CALL")
@add_region_option
@add_access_options
def resume(conference_id: str, call_id: str, access: PlatformAccess) -> None:
    """Take a member off hold."""
    run_request(
        access, lambda api: api.conferences.resume(conference_id, call_id), lambda _: "off hold"
    )
