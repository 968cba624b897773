"""`flowengine place`."""

import time
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import click
import msgspec

from flowengine.cli.calls import format_json
from flowengine.cli.placement_client import PlacementClient, PlacementClientError
from flowengine.cli.placement_options import DurationType, add_placement_options
from flowengine.journal.format_calls import format_time
from flowengine.server.placements import PlacementView

PLACEMENT_POLL_SECONDS = 1.0
OUTCOME_WORDS = {
    "answered": "somebody answered",
    "machine": "a machine answered",
    "busy": "the callee was busy",
    "no_answer": "nobody answered",
    "invalid": "the number cannot be called",
    "failed": "the call failed",
    "gave_up": "it was given up",
    "cancelled": "it was cancelled",
}
PHASE_WORDS = {
    "queued": "waits for its turn in the queue",
    "placed": "the call is being placed",
    "rings": "the phone rings",
    "talks": "the call goes on",
}


@click.command()
@click.argument("flow")
@click.option("--to", required=True, help="Whom to call: +46701234567, or sip:user@host.")
@click.option(
    "--with", "given", multiple=True, metavar="NAME=VALUE", help="An input of the flow; repeat it."
)
@click.option("--at", default="", help="Not before this date and time: 2026-12-24 09:30.")
@click.option("--in", "delay", default="0s", type=DurationType(), help="Not before so long: 10m.")
@click.option("--key", default="", help="The same key places nothing twice.")
@click.option("--wait", "waits", is_flag=True, help="Go on until the call is over, and tell how.")
@click.option("--json", "data", is_flag=True, help="Print JSON.")
@add_placement_options
def place(
    flow: str,
    to: str,
    given: tuple[str, ...],
    at: str,
    delay: int,
    key: str,
    server: str,
    call_options: dict[str, Any],
    *,
    waits: bool,
    data: bool,
) -> None:
    """Have a server call somebody into FLOW.

    The flow begins at its `on: answered:` when somebody answers. The command prints the id of the
    placement, by which flowengine placements tells what has become of it.
    """
    options = {**call_options, "flow": flow, "at": at, "delay": delay}
    wanted = {"to": to, "with": parse_inputs(given), "key": key}
    with closing(PlacementClient(server)) as client:
        try:
            (placed,) = client.place(options, [wanted])
            if placed.error:
                raise click.UsageError(f"{placed.field}: {placed.error}")
            if waits:
                placed = wait_for_end(client, placed)
        except PlacementClientError as error:
            raise click.ClickException(str(error)) from error
        now = client.read_clock()
    click.echo(format_json(placed) if data else format_placement(placed, now))
    if waits and placed.outcome not in ("answered", "machine"):
        raise SystemExit(1)


def parse_inputs(given: Iterable[str]) -> dict[str, str]:
    """The inputs by name. Raises UsageError."""
    found = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError(f"--with {text}: write NAME=VALUE")
        found[name.strip()] = value
    return found


def wait_for_end(client: PlacementClient, placed: PlacementView) -> PlacementView:
    """Look until the placement is over."""
    while placed.phase != "over":
        time.sleep(PLACEMENT_POLL_SECONDS)
        (placed,) = client.load([placed.id])
        if placed.error:
            raise click.ClickException(placed.error)
    return placed


def format_placement(placed: PlacementView, now: float) -> str:
    """A placement in a line."""
    if placed.phase == "over":
        told = OUTCOME_WORDS.get(placed.outcome, placed.outcome)
        if placed.reason and placed.outcome not in ("answered", "machine"):
            told = f"{told} ({placed.reason})"
    elif placed.phase == "waits":
        last = f"; {OUTCOME_WORDS[placed.outcome]}" if placed.outcome else ""
        is_due = placed.due <= now  # the server begins with it just now
        told = (
            f"about to begin{last}"
            if is_due
            else f"waits until {format_time(placed.due)} UTC{last}"
        )
    else:
        told = PHASE_WORDS.get(placed.phase, placed.phase)
        if placed.cancelled_by:
            told = f"{told}, for the last time: cancelled by {placed.cancelled_by}"
    tries = f"try {placed.tries}" if placed.tries else ""
    parts = (placed.id, placed.flow, placed.to, tries, told, placed.call)
    return "  ".join(part for part in parts if part)


def format_data(placements: list[PlacementView]) -> str:
    """Placements as JSON."""
    return msgspec.json.format(msgspec.json.encode(placements)).decode()
