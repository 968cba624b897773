"""What the commands share that call the platform's APIs: credentials, addresses, output, errors."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast, get_args

import click
import msgspec
from click.core import ParameterSource

from flowengine.cli.application_key import check_application_key
from flowengine.cli.http_url import is_http_url
from flowengine.environment import VARIABLES
from flowengine.problems.message_format import in_cure
from flowengine.server.secret_variables import APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE
from flowengine.sinch.client import ApiHosts, CallingApi, CallingApiError, Region, SignedAuth
from flowengine.sinch.client.error_cures import find_cure

ResultType = TypeVar("ResultType")


class PlatformAccess(msgspec.Struct, frozen=True):
    """Where the requests of a command go, and how it prints."""

    switch: str
    region: str
    as_json: bool

    @property
    def hosts(self) -> ApiHosts:
        """The addresses of the APIs."""
        if self.switch:
            return ApiHosts.from_base_url(self.switch)
        return ApiHosts.from_region(cast("Region", self.region)) if self.region else ApiHosts()

    def open_api(self) -> CallingApi:
        """The APIs, with the credentials of the environment."""
        return CallingApi(SignedAuth(*read_credentials()), self.hosts)


def add_access_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that calls the APIs, handed over as `access`."""

    @click.option(
        "--switch",
        default="",
        metavar="URL",
        callback=check_switch_url,
        help="The switch at this address, such as http://127.0.0.1:8071, instead of the platform.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, also for an error.")
    @wraps(command)
    def run(*args: Any, switch: str, as_json: bool, region: str = "", **options: Any) -> None:
        command(*args, access=PlatformAccess(switch, region, as_json), **options)

    return run


add_region_option = click.option(
    "--region",
    default="",
    type=click.Choice(["", *get_args(Region)]),
    metavar="|".join(get_args(Region)),
    help="The region of calls and conferences.  [default: the platform's choice]",
)


def check_switch_url(ctx: click.Context, param: click.Parameter, url: str) -> str:
    """Refuse what is no address. An empty one would reach the platform instead."""
    if check_not_empty(ctx, param, url) and not is_http_url(url):
        raise click.BadParameter("write the address of a switch, such as http://127.0.0.1:8071")
    return url


def check_not_empty(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Refuse an empty value that was given: in a script it is a variable that nobody has set."""
    is_given = ctx.get_parameter_source(param.name or "") is not ParameterSource.DEFAULT
    if is_given and not value.strip():
        raise click.BadParameter("it is empty: is a variable of the script not set?")
    return value


def read_credentials() -> tuple[str, str]:
    """The key and the secret of the application. Raises click.UsageError."""
    names = (APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE)
    key, secret = (VARIABLES.get(name, "").strip() for name in names)
    if missing := [name for name in names if not VARIABLES.get(name, "").strip()]:
        raise click.UsageError(
            f"set {' and '.join(missing)}: credentials come from the environment alone, as those of "
            "flowengine serve; the dashboard of the platform has them"
        )
    check_application_key(key, APPLICATION_KEY_VARIABLE)
    return key, secret


def run_request(
    access: PlatformAccess,
    request: Callable[[CallingApi], Awaitable[ResultType]],
    format_result: Callable[[ResultType], str],
) -> None:
    """Send a request and print its result, or the refusal of the platform with a cure."""

    async def send() -> ResultType:
        async with access.open_api() as api:
            return await request(api)

    try:
        result = asyncio.run(send())
    except CallingApiError as error:
        report_api_error(error, as_json=access.as_json)
    except ValueError as error:  # an id that cannot be part of an address
        raise click.UsageError(str(error)) from error
    if access.as_json:
        click.echo(format_as_json({} if result is None else result))
    else:
        click.echo(format_result(result))


def report_api_error(error: CallingApiError, *, as_json: bool, more: str = "") -> NoReturn:
    """Print an error of the APIs with its cure, and exit with 1."""
    fields = {"code": error.code, "status": error.status, "reference": error.reference}
    message = error.message if as_json else str(error)
    report_error(in_cure(message), find_cure(error), fields, as_json=as_json, more=more)


def report_error(
    message: str, cure: str, fields: dict[str, Any], *, as_json: bool, more: str = ""
) -> NoReturn:
    """Print an error with its cure, and exit with 1. `more` is what else is to be known."""
    if as_json:
        parts = {"message": message, "cure": cure, **({"note": more} if more else {})}
        click.echo(format_as_json({"error": {**fields, **parts}}))
    else:
        click.echo(f"Error: {message}\n  help: {cure}", err=True)
        if more:
            click.echo(more, err=True)
    raise SystemExit(1)


def format_as_json(value: object) -> str:
    """JSON for programs, a key a line."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()
