"""`flowengine serve`."""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from flowengine.expr import ZONE_DATA
from flowengine.releases.archive_database import ArchiveError
from flowengine.server.first_release import NothingToServeError
from flowengine.server.server_settings import (
    APPLICATION_KEY_VARIABLE,
    APPLICATION_SECRET_VARIABLE,
    DEFAULT_STORE,
    ServerSettings,
    SettingsError,
)
from flowengine.server.startup import ServerStart, prepare_server, run_server
from flowengine.sources.git import GitError


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
def serve(flows: Path | None, git: Path | None, path: str, **options: object) -> None:
    """Answer the callbacks of the platform.

    FLOWS is a folder, or a single file; with --git it is a branch of a repository instead. What
    changes there is live a moment later, unless it has errors; calls under way stay on what they
    began on.

    Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, or from applications:
    in project.yaml. Without any, callbacks are taken unsigned, on loopback only.

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
    try:
        start = prepare_server(settings, git or Path(settings.flows), partial(click.echo, err=True))
    except NothingToServeError as error:
        raise SystemExit(1) from error
    except (SettingsError, ArchiveError, GitError, OSError) as error:
        raise click.UsageError(str(error)) from error
    announce_server(settings, start)
    del start  # the workers compile for themselves
    try:
        raise SystemExit(run_server(settings))
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def announce_server(settings: ServerSettings, start: ServerStart) -> None:
    project = start.project
    if ZONE_DATA.is_outdated(datetime.now(UTC).date()):
        click.echo(
            f"TIME ZONES OF {ZONE_DATA.version}: more than a year old, so opening hours may follow "
            "old law. Run pip install --upgrade tzdata and restart.",
            err=True,
        )
    if project.problems and not project.errors:
        click.echo(project.format_problems(project.problems), err=True)
    click.echo(
        f"{project.format_summary()}; callbacks go to "
        f"http://{settings.host}:{settings.port}{settings.callback_path}",
        err=True,
    )
    if not start.is_signed:
        click.echo(
            f"NO CREDENTIALS: callbacks are taken unsigned, and on {settings.host} only. Set {APPLICATION_KEY_VARIABLE} "
            f"and {APPLICATION_SECRET_VARIABLE} to serve others.",
            err=True,
        )
