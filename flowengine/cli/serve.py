"""`flowengine serve`."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from flowengine.cli.project import Loaded, found_in
from flowengine.compile import Release
from flowengine.compile.release import release_id
from flowengine.expr import ZONE_DATA
from flowengine.releases.database import ArchiveError
from flowengine.releases.follow import TURN_SECONDS, WHO, Found
from flowengine.releases.git import GitError
from flowengine.releases.publisher import place
from flowengine.server.live import Live, format_rival, taken_over
from flowengine.server.run import prepare
from flowengine.server.run import serve as run
from flowengine.server.settings import DEFAULT_STORE, KEY, SECRET, Settings, SettingsError


@click.command()
@click.argument("flows", type=click.Path(path_type=Path), required=False)
@click.option(
    "--git",
    type=click.Path(path_type=Path),
    help="A repository to serve from, local or bare, instead of a folder.",
)
@click.option(
    "--ref", default=Settings.ref, show_default=True, help="With --git: the branch to follow."
)
@click.option(
    "--path", default="flows", show_default=True, help="With --git: the folder of the flows in it."
)
@click.option("--host", default=Settings.host, show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=Settings.port,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on.",
)
@click.option(
    "--workers",
    default=Settings.workers,
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
    default=Settings.callback_path,
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
    default=Settings.keep_alive,
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
    settings = Settings(where, str(git.resolve()) if git else "", **options)  # type: ignore[arg-type]
    try:
        live = Live(settings)
        found = there(live)
        project = found_in(
            git or Path(settings.flows), found.files, live.workshop.compile(found.files)
        )
        signed = prepare(settings, begin(live, found, project))
        live.close()
    except (SettingsError, ArchiveError, GitError, OSError) as error:
        raise click.UsageError(str(error)) from error
    announce(settings, project, signed=signed)
    del project  # the workers compile for themselves
    try:
        raise SystemExit(run(settings))
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def there(live: Live) -> Found:
    """What the place has. A restart is no reason to serve nobody because a branch is gone or a disk
    is away: what was live from there is taken for it until it can be read.
    """
    try:
        found = live.place.read()
    except (GitError, OSError) as error:
        before = live.ledger.live()
        files = (
            live.workshop.archive.files(before.followed)
            if before.place == place(live.place.origin)
            else None
        )
        if files is None:
            raise
        click.echo(
            f"THE FLOWS CANNOT BE READ, and what was live is served until they can: {error}",
            err=True,
        )
        return Found(files, live.place.origin)
    assert found is not None  # noqa: S101  # the first time there is always something
    return found


def begin(live: Live, found: Found, project: Loaded) -> Release:
    """The release to begin with: what is there now, or, while that has errors, what was live from
    there before.
    """
    if not first(live, release_id(found.files)):
        return others(live)
    live.publisher.follow(found.files, found.origin, found.origin.author or WHO)
    before = live.ledger.live()
    release = live.workshop.release(before.current) if before.place == place(found.origin) else None
    if release is None and project.compiled.release is not None:
        click.echo(
            f"RELEASE {before.current}, WHICH WAS LIVE, NO LONGER COMPILES: what the flows are now "
            "goes live.",
            err=True,
        )
        release = live.anew(found)
    if project.compiled.release is None:
        click.echo(project.listing(project.errors), err=True)
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


def fall_back(live: Live, found: Found) -> Release | None:
    """The newest release that compiles, where neither what was live nor what the place has does:
    another version of the engine may take neither. None where there is none, or where another
    server of this machine serves what was live.
    """
    before = live.ledger.live()
    if before.place != place(found.origin) or not live.leads():
        return None
    release = live.publisher.fall_back(found.origin, WHO)
    if not release:
        return None
    click.echo(
        f"RELEASE {before.current}, WHICH WAS LIVE, NO LONGER COMPILES, AND NEITHER DO THE FLOWS: "
        f"release {release}, the newest that compiles, is served until they are mended.",
        err=True,
    )
    live.publisher.follow(found.files, found.origin, WHO)  # the status says what is wrong with it
    return live.workshop.release(release)


def first(live: Live, release: str) -> bool:
    """Whether what is here goes live. Where another machine follows the same, what it has does, as
    soon as it has published that; where a server follows something else, this one may begin when
    that one has just ended. Raises SettingsError.
    """
    limit = time.monotonic() + live.patience
    while not live.leads():
        holder, late = live.post.holder(), time.monotonic() > limit
        if holder is not None and not live.post.alike(holder, release):
            if late:
                raise SettingsError(format_rival(holder, live.settings))
        elif live.ledger.live().current:
            live.post.join()
            return not live.shared
        time.sleep(TURN_SECONDS)
    if before := live.post.take(release, time.time()):
        click.echo(taken_over(before, live.post.source), err=True)
    return True


def others(live: Live) -> Release:
    current = live.ledger.live().current
    release = live.workshop.release(current)
    if release is None:
        raise SettingsError(
            f"release {current}, which is live on all machines, cannot be had here: is this "
            "another version of flowengine?"
        )
    holder = live.post.holder()
    which = f"{holder.source} ({holder.by})" if holder else "its flows"
    click.echo(
        f"Another machine follows {which}; release {current}, which is live on all, is served "
        "here.",
        err=True,
    )
    return release


def announce(settings: Settings, project: Loaded, *, signed: bool) -> None:
    if ZONE_DATA.is_outdated(datetime.now(UTC).date()):
        click.echo(
            f"TIME ZONES OF {ZONE_DATA.version}: more than a year old, so opening hours may follow "
            "old law. Run pip install --upgrade tzdata and restart.",
            err=True,
        )
    if project.problems and not project.errors:
        click.echo(project.listing(project.problems), err=True)
    click.echo(
        f"{project.summary()}; callbacks go to "
        f"http://{settings.host}:{settings.port}{settings.callback_path}",
        err=True,
    )
    if not signed:
        click.echo(
            f"NO CREDENTIALS: callbacks are taken unsigned, and on {settings.host} only. Set {KEY} "
            f"and {SECRET} to serve others.",
            err=True,
        )
