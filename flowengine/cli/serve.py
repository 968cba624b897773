"""`flowengine serve`."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from flowengine.cli.read_project import LoadedProject, to_loaded_project
from flowengine.compile import Release
from flowengine.compile.project_compiler import compute_release_id
from flowengine.expr import ZONE_DATA
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.source_follower import SERVER_ACTOR
from flowengine.server.release_service import ReleaseService, format_rival, format_takeover
from flowengine.server.server_settings import (
    APPLICATION_KEY_VARIABLE,
    APPLICATION_SECRET_VARIABLE,
    DEFAULT_STORE,
    ServerSettings,
    SettingsError,
)
from flowengine.server.startup import check_settings
from flowengine.server.startup import run_server as run
from flowengine.sources.flow_source import FOLLOW_POLL_SECONDS, SourceSnapshot, format_source_name
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
        live = ReleaseService(settings)
        found = read_source(live)
        project = to_loaded_project(
            git or Path(settings.flows), found.files, live.compile_worker.compile(found.files)
        )
        signed = check_settings(settings, choose_first_release(live, found, project))
        live.close()
    except (SettingsError, ArchiveError, GitError, OSError) as error:
        raise click.UsageError(str(error)) from error
    announce_server(settings, project, signed=signed)
    del project  # the workers compile for themselves
    try:
        raise SystemExit(run(settings))
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def read_source(live: ReleaseService) -> SourceSnapshot:
    """What the place has. A restart is no reason to serve nobody because a branch is gone or a disk
    is away: what was live from there is taken for it until it can be read.
    """
    try:
        found = live.flow_source.read()
    except (GitError, OSError) as error:
        before = live.ledger.get_live()
        files = (
            live.compile_worker.archive.load_files(before.followed)
            if before.place == format_source_name(live.flow_source.origin)
            else None
        )
        if files is None:
            raise
        click.echo(
            f"THE FLOWS CANNOT BE READ, and what was live is served until they can: {error}",
            err=True,
        )
        return SourceSnapshot(files, live.flow_source.origin)
    assert found is not None  # noqa: S101  # the first time there is always something
    return found


def choose_first_release(
    live: ReleaseService, found: SourceSnapshot, project: LoadedProject
) -> Release:
    """The release to begin with: what is there now, or, while that has errors, what was live from
    there before.
    """
    if not try_take_leadership(live, compute_release_id(found.files)):
        return load_shared_release(live)
    live.publisher.publish_if_new(found.files, found.origin, found.origin.author or SERVER_ACTOR)
    before = live.ledger.get_live()
    release = (
        live.compile_worker.load_release(before.current)
        if before.place == format_source_name(found.origin)
        else None
    )
    if release is None and project.compiled.release is not None:
        click.echo(
            f"RELEASE {before.current}, WHICH WAS LIVE, NO LONGER COMPILES: what the flows are now "
            "goes live.",
            err=True,
        )
        release = live.republish(found)
    if project.compiled.release is None:
        click.echo(project.format_problems(project.errors), err=True)
        if release is not None:
            click.echo(
                f"THE FLOWS HAVE ERRORS: release {release.id}, which was live before, is served "
                "until they are mended.",
                err=True,
            )
        elif (release := fall_back(live, found)) is None:
            raise SystemExit(1)
    assert release is not None  # noqa: S101  # it was published just now
    return release


def fall_back(live: ReleaseService, found: SourceSnapshot) -> Release | None:
    """The newest release that compiles, where neither what was live nor what the place has does:
    another version of the engine may take neither. None where there is none, or where another
    server of this machine serves what was live.
    """
    before = live.ledger.get_live()
    if before.place != format_source_name(found.origin) or not live.try_lead():
        return None
    release = live.publisher.fall_back(found.origin, SERVER_ACTOR)
    if not release:
        return None
    click.echo(
        f"RELEASE {before.current}, WHICH WAS LIVE, NO LONGER COMPILES, AND NEITHER DO THE FLOWS: "
        f"release {release}, the newest that compiles, is served until they are mended.",
        err=True,
    )
    # the status says what is wrong with it
    live.publisher.publish_if_new(found.files, found.origin, SERVER_ACTOR)
    return live.compile_worker.load_release(release)


def try_take_leadership(live: ReleaseService, release: str) -> bool:
    """Whether what is here goes live. Where another machine follows the same, what it has does, as
    soon as it has published that; where a server follows something else, this one may begin when
    that one has just ended. Raises SettingsError.
    """
    limit = time.monotonic() + live.lease_seconds
    while not live.try_lead():
        holder, late = live.leader_record.load_leader(), time.monotonic() > limit
        if holder is not None and not live.leader_record.is_same_source(holder, release):
            if late:
                raise SettingsError(format_rival(holder, live.settings))
        elif live.ledger.get_live().current:
            live.leader_record.join_as_standby()
            return not live.is_shared
        time.sleep(FOLLOW_POLL_SECONDS)
    if before := live.leader_record.take_over(release, time.time()):
        click.echo(format_takeover(before, live.leader_record.source), err=True)
    return True


def load_shared_release(live: ReleaseService) -> Release:
    current = live.ledger.get_live().current
    release = live.compile_worker.load_release(current)
    if release is None:
        raise SettingsError(
            f"release {current}, which is live on all machines, cannot be had here: is this "
            "another version of flowengine?"
        )
    holder = live.leader_record.load_leader()
    which = f"{holder.source} ({holder.by})" if holder else "its flows"
    click.echo(
        f"Another machine follows {which}; release {current}, which is live on all, is served "
        "here.",
        err=True,
    )
    return release


def announce_server(settings: ServerSettings, project: LoadedProject, *, signed: bool) -> None:
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
    if not signed:
        click.echo(
            f"NO CREDENTIALS: callbacks are taken unsigned, and on {settings.host} only. Set {APPLICATION_KEY_VARIABLE} "
            f"and {APPLICATION_SECRET_VARIABLE} to serve others.",
            err=True,
        )
