"""`flowengine campaign`."""

import csv
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from flowengine.cli.campaign_rows import (
    NOT_TO_BE_CALLED,
    CampaignFile,
    CampaignRow,
    ForbiddenList,
    RowFault,
    read_campaign,
    read_text,
)
from flowengine.cli.campaign_run import CampaignPace, CampaignRun
from flowengine.cli.campaign_state import (
    CampaignHead,
    CampaignState,
    CampaignStateError,
    RowState,
    count_states,
    read_known_rows,
)
from flowengine.cli.do_not_call import DoNotCallError, DoNotCallList
from flowengine.cli.placement_client import PlacementClient, PlacementClientError
from flowengine.cli.placement_options import add_placement_options

MAX_REPORTED_FAULTS = 50
STATE_WORDS = {"": "not called yet", "sent": "under way", "again": "to be called again"}
RESULT_COLUMNS = ("outcome", "tries", "reason", "call")


class RateType(click.ParamType[float]):
    """Calls per second, minute or hour: 2/s, 60/m, 500/h."""

    name = "rate"
    _SECONDS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600}

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The calls a second."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)/([smh])", value)
        if found is None or not float(found[1]):
            self.fail("write calls per second, minute or hour: 2/s, 60/m, 500/h", param, ctx)
        return float(found[1]) / self._SECONDS[found[2]]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--flow", required=True, help="The flow that begins when somebody answers.")
@click.option("--rate", default="60/m", show_default=True, type=RateType(), help="Calls to begin.")
@click.option(
    "--at-once",
    default=10,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Calls under way at once.",
)
@click.option(
    "--do-not-call",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Who is not called: a table of the project, or a file with a number in each line.",
)
@click.option("--check", "only_checks", is_flag=True, help="Tell what is wrong, and call nobody.")
@click.option("--status", "only_status", is_flag=True, help="Tell how far it has come.")
@add_placement_options
def campaign(
    file: Path,
    flow: str,
    rate: float,
    at_once: int,
    do_not_call: Path | None,
    server: str,
    call_options: dict[str, Any],
    *,
    only_checks: bool,
    only_status: bool,
) -> None:
    """Have a server call all people in a CSV file into a flow.

    The column to, number or phone says whom to call; the others are inputs of the flow. Interrupt
    the command to pause; the same command goes on. What has become of each row is in FILE.campaign
    meanwhile, and in FILE.results.csv when the command ends.
    """
    do_not_call_list = open_do_not_call(do_not_call)
    people = read_people(file, do_not_call, do_not_call_list.known)
    addresses = [row.to for row in people.rows]
    if only_status:
        show_status(read_rows(file), addresses)
        return
    options = {**call_options, "flow": flow}
    with closing(PlacementClient(server)) as client:
        check_rows(client, file, people, options)
        for fault in people.left_out:
            click.echo(f"left out: {fault.format(file)}", err=True)
        if only_checks:
            click.echo(f"{len(people.rows)} people can be called")
            return
        pace = CampaignPace(rate, at_once, call_options["tries"], call_options["pause"])
        head = build_head(file, flow, call_options["application"], server)
        with closing(open_state(file, head, people)) as state:
            is_forbidden = do_not_call_list.is_forbidden
            run = CampaignRun(
                people.rows, state, client, options, pace, client.read_clock, time.sleep,
                is_forbidden,
            )  # fmt: skip
            run_to_end(run, state, file, people, do_not_call_list)


def run_to_end(
    run: CampaignRun,
    state: CampaignState,
    file: Path,
    people: CampaignFile,
    do_not_call_list: DoNotCallList,
) -> None:
    """Run with a progress bar, and write the results."""
    addresses = [row.to for row in people.rows]
    over = sum(state.get(to).is_over for to in addresses)
    if over:
        click.echo(f"{over} of {len(addresses)} people were called in an earlier run", err=True)
    try:
        with click.progressbar(length=len(addresses), label=file.name) as bar:
            bar.update(over)
            run.on_over = lambda _row: bar.update(1)
            run.on_server_away = report_unreachable_server
            run.run()
    except KeyboardInterrupt:
        click.echo(f"\npaused, {run.running} calls go on: the same command goes on", err=True)
        raise SystemExit(130) from None
    except (PlacementClientError, DoNotCallError) as error:
        raise click.ClickException(f"{error}; the same command goes on") from error
    finally:
        show_status(state.rows, addresses)
        try:
            click.echo(f"results: {write_results(file, people, state, do_not_call_list)}")
        except OSError as error:
            message = f"the results cannot be written: {error}; the same command tries again"
            raise click.ClickException(message) from error


def open_do_not_call(path: Path | None) -> DoNotCallList:
    """The list of who is not called; one that cannot be read ends the command."""
    try:
        return DoNotCallList(path)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def read_people(file: Path, do_not_call: Path | None, forbidden: ForbiddenList) -> CampaignFile:
    """The rows; mistakes end the command."""
    try:
        people = read_campaign(read_text(file), forbidden.addresses)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if do_not_call:
        report_faults(do_not_call, forbidden.faults)
        told = f"{len(forbidden.addresses)} numbers on the list"
        click.echo(f"{told}, {people.count_forbidden()} of them in this campaign", err=True)
    report_faults(file, people.faults)
    return people


def check_rows(
    client: PlacementClient, file: Path, people: CampaignFile, options: Mapping[str, Any]
) -> None:
    """Have the server look at all rows before anybody is called."""
    try:
        views = client.place(options, [to_call(row) for row in people.rows], check=True)
    except PlacementClientError as error:
        raise click.ClickException(str(error)) from error
    faults = [
        RowFault(row.line, people.find_column(view.field), view.field, view.error)
        for row, view in zip(people.rows, views, strict=True)
        if view.error
    ]
    report_faults(file, faults)


def to_call(row: CampaignRow) -> dict[str, Any]:
    return {"to": row.to, "with": row.data}


def report_faults(file: Path, faults: Sequence[RowFault]) -> None:
    """Tell what is wrong, and end the command; nobody is called then."""
    if not faults:
        return
    for fault in faults[:MAX_REPORTED_FAULTS]:
        click.echo(fault.format(file), err=True)
    if len(faults) > MAX_REPORTED_FAULTS:
        click.echo(f"and {len(faults) - MAX_REPORTED_FAULTS} more", err=True)
    told = "1 row has a mistake" if len(faults) == 1 else f"{len(faults)} rows have mistakes"
    raise click.ClickException(f"{told}, so nobody is called")


def report_unreachable_server(error: PlacementClientError) -> None:
    click.echo(f"\n{error}; the campaign waits for it", err=True)


def format_state_path(file: Path) -> Path:
    return Path(f"{file}.campaign")


def read_rows(file: Path) -> Mapping[str, RowState]:
    """What has become of the campaign, which may be running."""
    try:
        return read_known_rows(format_state_path(file)).rows
    except (OSError, CampaignStateError) as error:
        raise click.UsageError(str(error)) from error


def build_head(file: Path, flow: str, application: str, server: str) -> CampaignHead:
    """What a campaign that begins now is known by, which is what it calls: with the same people it
    places nothing twice even where the file of its state is gone.
    """
    try:
        content = flow.encode() + b"\0" + file.read_bytes()
    except OSError as error:
        raise click.UsageError(str(error)) from error
    campaign_id = hashlib.blake2b(content, digest_size=8).hexdigest()
    return CampaignHead(campaign_id, flow, application, server.rstrip("/"))


def open_state(file: Path, head: CampaignHead, people: CampaignFile) -> CampaignState:
    """The file with what has become of the campaign."""
    try:
        digests = {row.to: row.compute_digest() for row in people.rows}
        return CampaignState(format_state_path(file), head, digests)
    except (OSError, CampaignStateError) as error:
        raise click.UsageError(str(error)) from error


def show_status(rows: Mapping[str, RowState], addresses: list[str]) -> None:
    for name, number in sorted(count_states(rows, addresses).items()):
        click.echo(f"{number:7}  {STATE_WORDS.get(name, name)}")


def write_results(
    file: Path, people: CampaignFile, state: CampaignState, do_not_call_list: DoNotCallList
) -> Path:
    """What has become of each row, beside the file."""
    path = file.with_suffix(".results.csv")
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(["line", "to", *RESULT_COLUMNS])
        for row in people.rows:
            known = state.get(row.to)
            told = (known.state or "not called", known.tries, known.reason, known.call)
            is_open = known.state in ("", "again")
            if is_open and do_not_call_list.has_person(row.to):  # came onto the list meanwhile
                told = ("left out", known.tries, NOT_TO_BE_CALLED, "")
            writer.writerow([row.line, row.to, *told])
        for fault in people.left_out:
            writer.writerow([fault.line, "", "left out", 0, fault.message, ""])
    return path
