"""`flowengine serve`."""

import os
from functools import partial
from pathlib import Path

import click

from flowengine.cli.console_address import check_console, open_console, parse_address
from flowengine.cli.http_url import is_http_url
from flowengine.server.server_run import run_server
from flowengine.server.server_settings import DEFAULT_STORE, ServerSettings, SettingsError


def check_api_url(_ctx: click.Context, _param: click.Parameter, url: str) -> str:
    """Refuse what is no address."""
    if not is_http_url(url):
        raise click.BadParameter(f"write an address, such as {ServerSettings.api_url}")
    return url


@click.command()
@click.argument("flows", type=click.Path(path_type=Path), required=False)
@click.option(
    "--git",
    type=click.Path(path_type=Path),
    help="A repository to serve from, local or bare, instead of a folder.",
)
@click.option(
    "--ref", default=ServerSettings.ref, show_default=True, help="With --git: the branch to follow."
)
@click.option(
    "--path", default="flows", show_default=True, help="With --git: the folder of the flows in it."
)
@click.option(
    "--host", default=ServerSettings.host, show_default=True, help="The address to listen on."
)
@click.option(
    "--port",
    default=ServerSettings.port,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on.",
)
@click.option(
    "--workers",
    default=ServerSettings.workers,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes that answer.",
)
@click.option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    help="sqlite:PATH, postgresql://…, or none where cookies come back.",
)
@click.option(
    "--callback-path",
    default=ServerSettings.callback_path,
    show_default=True,
    help="Where the platform posts callbacks.",
)
@click.option(
    "--drain",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 300),
    help="Seconds to go on after SIGTERM, not ready.",
)
@click.option(
    "--keep-alive",
    default=ServerSettings.keep_alive,
    show_default=True,
    type=click.FloatRange(1, 86_400),
    help="Seconds that an idle connection stays open; longer than that of a proxy.",
)
@click.option(
    "--api-url",
    default=ServerSettings.api_url,
    show_default=True,
    metavar="URL",
    callback=check_api_url,
    help="The platform's API, or a switch, for flows that call others.",
)
@click.option(
    "--calls-at-once",
    default=ServerSettings.calls_at_once,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many calls that flows or commands place are under way at once.",
)
@click.option(
    "--console",
    callback=parse_address,
    metavar="HOST:PORT",
    show_default="127.0.0.1:8081, if it is free",
    help="Where browsers find the console.",
)
@click.option("--no-console", is_flag=True, default=False, help="Serve no console.")
def serve(
    flows: Path | None,
    git: Path | None,
    path: str,
    console: tuple[str, int] | None,
    *,
    no_console: bool,
    **options: object,
) -> None:
    """Answer the callbacks of the platform.

    FLOWS is a folder, or a single file; with --git it is a branch of a repository instead. What
    changes there is live a moment later, unless it has errors; calls under way stay on what they
    began on.

    Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, or from applications:
    in project.yaml. Without any, callbacks are taken unsigned, on loopback only.

    Its console, pages that show and call the flows, is for browsers on this machine, unless
    FLOWENGINE_ADMIN_TOKEN is set: then everybody signs in.

    Beside callbacks it answers /healthz and /readyz, and, for who has a token of
    FLOWENGINE_STATUS_TOKEN, /metrics and /status. SIGHUP replaces the workers and loses no
    callback; SIGTERM ends the server.
    """
    if (flows is None) == (git is None):
        raise click.UsageError("name a folder of flows, or a repository with --git")
    # a link is followed as it is led elsewhere
    where = path if git else os.path.abspath(flows or "")  # noqa: PTH100
    # click has checked them
    settings = ServerSettings(where, str(git.resolve()) if git else "", **options)  # type: ignore[arg-type]
    load = partial(prepare, settings, git or Path(settings.flows))
    launch = None if no_console else partial(open_console, settings, console)
    try:
        if launch:
            check_console(console)
        raise SystemExit(run_server(settings, load, launch))
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def prepare(settings: ServerSettings, folder: Path) -> object:
    """Prepare the server and say so; what its workers begin with. Runs in the process that forks
    them, and imports there what the others need not have in memory.
    """
    from flowengine.cli.server_announcement import prepare_and_announce  # noqa: PLC0415

    return prepare_and_announce(settings, folder)
