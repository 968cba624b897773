"""`flowengine replay`."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click

from flowengine.cli.calls import format_json, open_journal
from flowengine.cli.serve_options import check_store
from flowengine.cli.since_option import SinceType
from flowengine.cli.store_options import StoreOption, build_store_settings, journal_option
from flowengine.compile import Release, compile_project
from flowengine.environment import VARIABLES
from flowengine.journal import JournalEncryption
from flowengine.journal.journal_location import JournalLocation
from flowengine.problems import to_text
from flowengine.releases.archive import Archive
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.archive_location import ArchiveLocation
from flowengine.replay import PlaceholderEnvironment, ReplayReport, replay_calls
from flowengine.replay import to_text as report_text
from flowengine.server import keys
from flowengine.server.server_settings import (
    ARCHIVE_FILE,
    DEFAULT_STORE,
    JOURNAL_FILE,
)
from flowengine.sources.git import GitError, Repository
from flowengine.sources.project_folder import read_folder


@click.command()
@click.argument(
    "path", metavar="[JOURNAL]", required=False, type=click.Path(path_type=Path, exists=True)
)
@click.option(
    "--on",
    "target",
    required=True,
    help="A folder or a single flow, a release that the server has had, or a git ref.",
)
@click.option(
    "--repo", type=click.Path(path_type=Path), default=".", help="The repository of the ref."
)
@click.option(
    "--path",
    "folder",
    default="flows",
    show_default=True,
    help="The folder of the flows in that repository.",
)
@click.option(
    "--store",
    cls=StoreOption,
    default="",
    show_default="beside JOURNAL",
    callback=check_store,
    help="The store of the server, which knows its releases.",
)
@click.option(
    "--since",
    type=SinceType(),
    default=0.0,
    help="Calls that began since then: 30m, 1h or 7d ago, or a date (UTC).",
)
@journal_option
@click.option("--json", "data", is_flag=True, help="Print JSON.")
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 1 when a call goes differently, 2 when none could be replayed.",
)
def replay(
    path: Path | None,
    target: str,
    repo: Path,
    folder: str,
    store: str,
    journal: str,
    since: float,
    *,
    data: bool,
    exit_code: bool,
) -> None:
    """Run recorded calls against other flows.

    It says which would go differently, and in which state first. JOURNAL is the journal.db of a
    server, or the folder that it lies in; without it --journal and --store say where the journal
    is. With a store on PostgreSQL the releases are there, not beside a file: name it with --store.
    Other systems are not asked: they answer as they did then. What replay needs of a call is
    encrypted with the keys of the server: FLOWENGINE_COOKIE_KEYS, the secrets of its applications,
    or cookie.key beside the journal. Exit code 2 says that the flows have
    errors or that something cannot be read.
    """
    place, keys_folder, archive = locate_server(path, store, journal)
    release = compile_release(find_files(target, repo, folder, archive))
    found = keys.find_opening_keys(release.applications, VARIABLES, keys_folder)
    encryption = JournalEncryption(found)
    with open_journal(place, since) as reader:
        made = replay_calls(release, reader.iter_recorded_calls(since, encryption))
    show_report(made, data=data)
    if exit_code and made.groups:
        raise SystemExit(1)
    if exit_code and made.skipped and not made.same:
        raise SystemExit(2)  # a gate without its keys must not stay open


def locate_server(
    path: Path | None, store: str, journal: str
) -> tuple[JournalLocation, Path, ArchiveLocation]:
    """The journal, the folder with the keys that may open it, and the archive of releases."""
    settings = build_store_settings(store or DEFAULT_STORE, journal)
    if path is None:
        return settings.journal_location, settings.folder, settings.archive
    place = path / JOURNAL_FILE if path.is_dir() else path
    return place, place.parent, settings.archive if store else place.with_name(ARCHIVE_FILE)


def show_report(made: ReplayReport, *, data: bool) -> None:
    click.echo(format_json(made) if data else report_text(made))


def find_files(target: str, repo: Path, folder: str, where: ArchiveLocation) -> Mapping[str, bytes]:
    """The flows to try: what lies at a path, else what the server's archive has, else what a
    repository has.
    """
    if Path(target).exists():
        return read_folder(Path(target))
    archived = load_release_files(where, target)
    if archived is not None:
        return archived
    repository = Repository(repo)
    try:
        return repository.read_files(repository.find_commit(target), folder)
    except GitError as error:
        raise click.UsageError(
            f"{target} is no folder and no release of the server; and {error}"
        ) from error
    finally:
        repository.close()


def load_release_files(where: ArchiveLocation, beginning: str) -> Mapping[str, bytes] | None:
    """The files of the one release whose id begins so."""
    if isinstance(where, Path) and not where.is_file():
        return None
    try:
        with closing(Archive(where)) as archive:
            found = archive.find_ids(beginning)
            if len(found) > 1:
                raise click.UsageError(
                    f"several releases begin with {beginning}: {', '.join(sorted(found))}"
                )
            return archive.load_files(found[0]) if found else None
    except ArchiveError as error:
        raise click.UsageError(str(error)) from error


def compile_release(files: Mapping[str, bytes]) -> Release:
    made = compile_project(files, PlaceholderEnvironment(VARIABLES))
    if made.release is None:
        click.echo(
            to_text(
                [problem for problem in made.problems if problem.severity == "error"],
                made.sources,
                colour=True,
            ),
            err=True,
        )
        raise SystemExit(2)
    return made.release
