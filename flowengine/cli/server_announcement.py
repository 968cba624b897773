"""What `flowengine serve` does and says before there are workers."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from flowengine.expr import ZONE_DATA
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.compile_worker import LoadedFlows
from flowengine.server.first_release import NothingToServeError
from flowengine.server.listeners import format_address
from flowengine.server.secret_variables import APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.server.startup import ServerStart, prepare_server
from flowengine.sources.git import GitError


def prepare_and_announce(settings: ServerSettings, folder: Path) -> LoadedFlows:
    """Prepare the server, and say what it serves; `folder` is where people find the flows. Exits
    where it cannot, after saying why.
    """
    try:
        start = prepare_server(settings, folder, partial(click.echo, err=True))
    except NothingToServeError as error:
        raise SystemExit(1) from error
    except (SettingsError, ArchiveError, GitError, OSError) as error:
        # in a process of its own, nobody above would show it
        refusal = click.UsageError(str(error), click.get_current_context(silent=True))
        refusal.show()
        raise SystemExit(refusal.exit_code) from error
    announce_server(settings, start)
    return start.flows


def announce_server(settings: ServerSettings, start: ServerStart) -> None:
    project = start.project
    if ZONE_DATA.is_outdated(datetime.now(UTC).date()):
        click.echo(
            f"TIME ZONES OF {ZONE_DATA.version}: more than a year old, so opening hours may follow "
            "old law. Run pip install --upgrade tzdata and restart.",
            err=True,
        )
    if project.report.problems and not project.report.errors:
        click.echo(project.report.format_problems(project.report.problems), err=True)
    click.echo(
        f"{project.report.format_summary()}; callbacks go to "
        f"http://{format_address(settings.host, settings.port)}{settings.callback_path}",
        err=True,
    )
    if not start.is_signed:
        click.echo(
            f"NO CREDENTIALS: callbacks are taken unsigned, and on {settings.host} only. Set {APPLICATION_KEY_VARIABLE} "
            f"and {APPLICATION_SECRET_VARIABLE} to serve others.",
            err=True,
        )
