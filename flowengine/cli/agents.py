"""`flowengine agents`."""

from typing import get_args

import click
import msgspec

from flowengine.cli.live_groups import load_live_groups
from flowengine.cli.queues import format_table, format_wait
from flowengine.cli.session_store_access import run_on_store
from flowengine.cli.store_options import store_option
from flowengine.cli.user_name import find_user_name
from flowengine.problems import to_printable
from flowengine.runtime.queue_overview import (
    AgentOverview,
    QueueChangeRefusedError,
    load_agent_overviews,
    sign_member,
)
from flowengine.sinch.address_mask import mask_address
from flowengine.states.queue_plan import AgentStatus
from flowengine.states.ring_members import MemberError, parse_member
from flowengine.storage.sessions import OrchestrationStore


@click.command()
@click.argument("member", required=False)
@store_option
@click.option("--group", default="", help="The group that MEMBER signs in to or out of.")
@click.option(
    "--sign", "status", type=click.Choice(get_args(AgentStatus)), help="What MEMBER does."
)
@click.option(
    "--who", default="", show_default="your name here", help="Who signs MEMBER, for the record."
)
@click.option("--json", "data", is_flag=True, help="Print JSON.")
def agents(
    member: str | None, store: str, group: str, status: str | None, who: str, *, data: bool
) -> None:
    """Show the members of queues, or sign one in or out.

    Without MEMBER, show all: free, busy (in a call, or rung), resting after a call, pausing, signed
    out. MEMBER is a phone number or a SIP address as the group has it; who is signed out or pauses
    gets no calls of the queue: flowengine agents +14045009001 --group support --sign out
    """
    if member is not None:
        sign_one(store, member, group, status, who or find_user_name())
        return
    if status or group or who:
        raise click.UsageError("name the MEMBER who signs in or out")
    groups = load_live_groups(store)

    async def load(rows: OrchestrationStore) -> tuple[list[AgentOverview], float]:
        now = rows.clock()
        return await load_agent_overviews(rows, now, groups), now

    found, now = run_on_store(store, load)
    if data:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        click.echo(format_table(list_rows(found, now)) if found else "no members of queues")


def list_rows(found: list[AgentOverview], now: float) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("group", "member", "state", "for", "signed by")]
    for agent in found:
        lasted = format_wait(now - agent.since) if agent.since else ""
        rows.append((agent.group, agent.member, agent.state, lasted, to_printable(agent.signed_by)))
    return rows


def sign_one(store: str, member: str, group: str, status: str | None, who: str) -> None:
    if not group or status is None:
        raise click.UsageError("say which --group, and what to --sign")
    try:
        address = parse_member(member).address
    except MemberError as error:
        raise click.UsageError(f"{error}: {error.hint}") from error
    agent_status = msgspec.convert(status, AgentStatus)
    groups = load_live_groups(store)
    try:
        run_on_store(
            store,
            lambda rows: sign_member(
                rows, group, address, agent_status, rows.clock(), groups, signer=who
            ),
        )
    except QueueChangeRefusedError as error:
        raise click.ClickException(str(error)) from error
    done = {"in": "is signed in to", "out": "is signed out of", "pause": "pauses in"}[status]
    click.echo(f"{mask_address(address)} {done} {group}")
