"""The options of `flowengine serve`: one table, from which its flags, its variables, its file and the
page of the docs are made. The first of flag, variable and file that has a value is in force.
"""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from flowengine.cli.console_address import parse_address
from flowengine.cli.http_url import is_http_url
from flowengine.environment import VARIABLES
from flowengine.server.server_settings import DEFAULT_STORE, ServerSettings
from flowengine.storage.sessions.store_url import find_journal_fault, find_store_fault

OPTION_VARIABLE_PREFIX = "FLOWENGINE_"
CONFIG_FILE = "flowengine.toml"
JOURNAL_HELP = "The call journal, where it is not with the store: sqlite:PATH or postgresql://…"


class ServeOption(click.Option):
    """An option of `serve`. `see` is where the docs say more."""

    def __init__(self, flag: str, help: str, *, see: str = "", **given: Any) -> None:  # noqa: A002
        self.key = flag.removeprefix("--")
        self.see = see
        given.setdefault("show_default", True)
        super().__init__([flag], help=help, envvar=name_variable(self.key), **given)

    def resolve_envvar_value(self, _ctx: click.Context) -> str | None:
        """The value of the variable, or of the file that it names."""
        return read_variable(str(self.envvar))

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What a bad value is a value of: the variable where it comes from there."""
        source = ctx.get_parameter_source(self.name or "") if ctx else None
        if source is ParameterSource.ENVIRONMENT:
            return str(self.envvar)
        return super().get_error_hint(ctx)


class FlowsArgument(click.Argument):
    """What to serve."""

    key = "flows"
    see = "releases.md#what-the-server-follows"

    def __init__(self) -> None:
        given: dict[str, Any] = {"type": click.Path(path_type=Path), "required": False}
        super().__init__(["flows"], envvar=name_variable(self.key), **given)
        self.help = (
            "A folder of flows, or a single flow. What changes there is live a moment later."
        )


def name_variable(key: str) -> str:
    """The variable of an option.

    >>> name_variable("calls-at-once")
    'FLOWENGINE_CALLS_AT_ONCE'
    """
    return OPTION_VARIABLE_PREFIX + key.upper().replace("-", "_")


def read_variable(name: str) -> str | None:
    """The value of a variable, None where it is not set or empty. Raises click.UsageError."""
    if fault := VARIABLES.find_fault(name):
        raise click.UsageError(fault)
    value = VARIABLES.get(name) or None
    if value is not None and value.startswith("tcp://"):
        raise click.UsageError(
            f"{name} is {value}, which Kubernetes sets where a Service is called "
            '"flowengine": write enableServiceLinks: false into the pod'
        )
    return value


def check_api_url(_ctx: click.Context, _param: click.Parameter, url: str) -> str:
    """Refuse what is no address."""
    if not is_http_url(url):
        raise click.BadParameter(f"write an address, such as {ServerSettings.api_url}")
    return url


def check_journal(_ctx: click.Context, _param: click.Parameter, where: str) -> str:
    """Refuse what is neither a file nor a PostgreSQL server."""
    if where and (fault := find_journal_fault(where)):
        raise click.BadParameter(fault)
    return where


def check_store(ctx: click.Context, param: click.Parameter, where: str) -> str:
    """Refuse what is no store. A command would look into the default folder instead."""
    is_given = ctx.get_parameter_source(param.name or "") is not ParameterSource.DEFAULT
    if is_given and (fault := find_store_fault(where)):
        raise click.BadParameter(fault)
    return where


SERVE_OPTIONS: tuple[FlowsArgument | ServeOption, ...] = (
    FlowsArgument(),
    ServeOption(
        "--git",
        "A repository to serve from, local or bare, instead of a folder.",
        type=click.Path(path_type=Path),
    ),
    ServeOption("--ref", "With --git: the branch to follow.", default=ServerSettings.ref),
    ServeOption("--path", "With --git: the folder of the flows in it.", default="flows"),
    ServeOption("--host", "The address to listen on.", default=ServerSettings.host),
    ServeOption(
        "--port",
        "The port to listen on.",
        default=ServerSettings.port,
        type=click.IntRange(0, 65535),
    ),
    ServeOption(
        "--workers",
        "Processes that answer: about one for each core.",
        default=ServerSettings.workers,
        type=click.IntRange(1, 64),
        see="serve.md#workers",
    ),
    ServeOption(
        "--store",
        "sqlite:PATH, postgresql://…, or none where cookies come back.",
        default=DEFAULT_STORE,
        callback=check_store,
        see="serve.md#the-store",
    ),
    ServeOption(
        "--journal",
        JOURNAL_HELP,
        default=ServerSettings.journal,
        show_default="with the store",
        callback=check_journal,
        see="journal.md#where-it-is",
    ),
    ServeOption(
        "--callback-path",
        "Where the platform posts callbacks.",
        default=ServerSettings.callback_path,
        see="proxy.md",
    ),
    ServeOption(
        "--drain",
        "Seconds to go on after SIGTERM, not ready.",
        default=ServerSettings.drain,
        type=click.FloatRange(0, 300),
        see="upgrades.md#stopping-and-restarting",
    ),
    ServeOption(
        "--keep-alive",
        "Seconds that an idle connection stays open; longer than that of a proxy.",
        default=ServerSettings.keep_alive,
        type=click.FloatRange(1, 86_400),
        see="proxy.md#idle-connections",
    ),
    ServeOption(
        "--api-url",
        "The platform's API, or a switch, for flows that call others.",
        default=ServerSettings.api_url,
        metavar="URL",
        callback=check_api_url,
        see="serve.md#flows-that-ring-several-phones",
    ),
    ServeOption(
        "--calls-at-once",
        "How many calls that flows or commands place are under way at once.",
        default=ServerSettings.calls_at_once,
        type=click.IntRange(1, 10_000),
        see="serve.md#calls-that-flows-and-commands-place",
    ),
    ServeOption(
        "--console",
        "Where browsers find the console.",
        metavar="HOST:PORT",
        callback=parse_address,
        show_default="127.0.0.1:8081, if it is free",
        see="../console.md",
    ),
    ServeOption("--no-console", "Serve no console.", is_flag=True, default=False),
)
OPTIONS_BY_KEY = {option.key: option for option in SERVE_OPTIONS}
CONFIG_OPTION = click.Option(
    ["--config"],
    help=f"The file with these options, by default {CONFIG_FILE} where there is one.",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=name_variable("config"),
    is_eager=True,  # the other options take their defaults from it
    expose_value=False,
)
