"""`flowengine go-live`."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

import click
import msgspec

from flowengine.cli.callback_url import check_callback_url
from flowengine.cli.http_url import is_http_url
from flowengine.cli.live_record_file import (
    RecordFileError,
    delete_record,
    find_record_file,
    load_record,
    save_record,
)
from flowengine.cli.platform_access import (
    PlatformAccess,
    add_access_options,
    format_as_json,
    read_credentials,
    report_api_error,
    report_error,
)
from flowengine.sinch.client import CallingApi, CallingApiError
from flowengine.sinch.client.callback_probe import CallbackProber
from flowengine.sinch.client.live_setup import (
    LiveRecord,
    SetupChange,
    SetupNotTakenError,
    UnknownNumberError,
    apply_setup,
    merge_records,
    read_setup,
    restore_setup,
)
from flowengine.sinch.client.probe_faults import ProbeError
from flowengine.sinch.probe import ProbeReply

SetupResult = TypeVar("SetupResult")
LOCAL_SERVER = "http://127.0.0.1:8080"
UNCHANGED_NOTE = "Nothing was changed at the platform."
HALF_DONE_NOTE = (
    "Some of it may be changed: flowengine go-live --undo puts back what was there before."
)


class LiveResult(msgspec.Struct, frozen=True):
    """What the command has done, as it is printed."""

    application: str
    changes: list[SetupChange]
    url: str = ""
    server: ProbeReply | None = None
    is_compared: bool = False


def check_server_url(_: click.Context, __: click.Parameter, url: str) -> str:
    if url and not is_http_url(url):
        raise click.BadParameter(f"write the address of a server, such as {LOCAL_SERVER}")
    return url


@click.command()
@click.option(
    "--url", default="", help="The callback URL, such as https://voice.example.com/sinch."
)
@click.option(
    "--number", "numbers", multiple=True, help="A number of the account; several are possible."
)
@click.option(
    "--server",
    default="",
    metavar="URL",
    callback=check_server_url,
    help="Where the server itself answers, to compare; without a path, at that of --url.  "
    f"[default: {LOCAL_SERVER}, if a server is there]",
)
@click.option("--undo", is_flag=True, help="Put back what was there before.")
@add_access_options
def go_live(
    url: str, numbers: tuple[str, ...], server: str, access: PlatformAccess, *, undo: bool
) -> None:
    """Have the platform send real calls to a server.

    Sends a signed test callback to the URL first. If it reaches flowengine serve with the
    credentials of this application, the command sets the callback URL of the application and
    assigns the numbers to it. If not, it says what is wrong, and changes nothing.

    Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, as those of the
    server.
    """
    if undo == bool(url) or (undo and (numbers or server)):
        raise click.UsageError("give --url and --number, or --undo alone")
    try:
        result = take_back(access) if undo else begin(access, url, numbers, server)
    except (ProbeError, UnknownNumberError) as error:
        report_setup_error(error, access)
    except CallingApiError as error:
        report_api_error(error, as_json=access.as_json, more=UNCHANGED_NOTE)
    except RecordFileError as error:
        raise click.ClickException(str(error)) from error
    click.echo(format_as_json(result) if access.as_json else format_result(result, undo=undo))


def report_setup_error(error: ProbeError | UnknownNumberError, access: PlatformAccess) -> NoReturn:
    if isinstance(error, ProbeError):
        message, cure, kind = error.message, error.cure, error.kind
    else:
        message, kind = f"the account has no number {error}", "unknown_number"
        cure = "flowengine api number list shows what it has; rent others in the dashboard"
    report_error(message, cure, {"kind": kind}, as_json=access.as_json, more=UNCHANGED_NOTE)


def begin(access: PlatformAccess, url: str, numbers: tuple[str, ...], server: str) -> LiveResult:
    """Prove that the URL works, then have the platform use it."""
    check_callback_url(url, is_rehearsal=bool(access.switch))
    key, secret = read_credentials()
    path = find_record_file(key, access.hosts.configuration)
    earlier = load_record(path)

    async def prove(api: CallingApi) -> tuple[LiveRecord, ProbeReply, bool]:
        # first, as it shows that credentials and clock of this machine are right
        before = await read_setup(api, key, numbers)
        prober = CallbackProber(key, secret)
        reply = await prober.probe(url)
        is_compared = await compare_servers(prober, url, server, reply)
        return LiveRecord(key, url, datetime.now(UTC), before), reply, is_compared

    now, reply, is_compared = run_with_api(access, prove)
    save_record(path, merge_records(earlier, now))
    changes = change_setup(access, lambda api: apply_setup(api, now))
    return LiveResult(key, changes, url, reply, is_compared)


async def compare_servers(prober: CallbackProber, url: str, server: str, reply: ProbeReply) -> bool:
    """Whether the server of this machine is known to be the one that has replied. Raises ProbeError
    where it is another one, or where `server` was named and does not answer.
    """
    local = find_server_url(server, url)
    try:
        own = await prober.probe(local)
    except ProbeError:
        if server:
            raise
        return False
    # machines behind a balancer are one server
    is_group = own.store and (own.store, own.release) == (reply.store, reply.release)
    if own.instance != reply.instance and not is_group:
        raise ProbeError(
            "other_server", url=url, machine=reply.machine, release=reply.release, local=local
        )
    return True


def find_server_url(server: str, url: str) -> str:
    """Where the server itself takes the callbacks of this URL. A server without a path has that of
    the URL, as the signature goes by it.
    """
    parts = urlsplit(server or LOCAL_SERVER)
    if parts.path in ("", "/"):
        parts = parts._replace(path=urlsplit(url).path or "/")
    return parts.geturl()


def take_back(access: PlatformAccess) -> LiveResult:
    """Put back what was there before the first `go-live`."""
    key, _ = read_credentials()
    path = find_record_file(key, access.hosts.configuration)
    record = load_record(path)
    if record is None:
        raise click.UsageError(
            f"go-live has changed nothing for application {key}, or not as this user on this machine"
        )
    changes = change_setup(access, lambda api: restore_setup(api, record))
    delete_record(path)
    return LiveResult(key, changes)


def run_with_api(
    access: PlatformAccess, task: Callable[[CallingApi], Awaitable[SetupResult]]
) -> SetupResult:
    async def run() -> SetupResult:
        async with access.open_api() as api:
            return await task(api)

    return asyncio.run(run())


def change_setup(
    access: PlatformAccess, change: Callable[[CallingApi], Awaitable[list[SetupChange]]]
) -> list[SetupChange]:
    """Change the setup. Where that fails, some of it may be done."""
    try:
        return run_with_api(access, change)
    except CallingApiError as error:
        report_api_error(error, as_json=access.as_json, more=HALF_DONE_NOTE)
    except SetupNotTakenError as error:
        report_error(
            f"the platform took the change, but {error}",
            "look into the dashboard: somebody else may be changing the application",
            {"kind": "not_taken"},
            as_json=access.as_json,
            more=HALF_DONE_NOTE,
        )


def format_result(result: LiveResult, *, undo: bool) -> str:
    """The result for a person."""
    lines = []
    if (reply := result.server) is not None:
        which = "this server" if result.is_compared else "a server"
        lines.append(
            f"{result.url} reaches {which}: on {reply.machine}, with release {reply.release}"
        )
        if not result.is_compared:
            lines.append(
                f"  no server of this application answers at {LOCAL_SERVER} to compare it with; "
                "--server names another place"
            )
    lines.append(f"application {result.application}")
    lines += [f"  {format_change(change)}" for change in result.changes]
    reached = [change.subject for change in result.changes[1:] if not change.is_left]
    if not undo:
        lines.append(
            f"Call {' or '.join(reached)}. flowengine go-live --undo puts back what was there before."
            if reached
            else "No --number was given: flowengine api number list shows which reach it."
        )
    return "\n".join(lines)


def format_change(change: SetupChange) -> str:
    """One line about a URL or a number."""
    if change.is_left:
        return f"{change.subject}: left as it is, as somebody has changed it since: {change.after}"
    if change.before == change.after:
        return f"{change.subject}: {change.after}, as before"
    return f"{change.subject}: {change.after} (was: {change.before})"
