"""What the commands that change what is live share: the store, who asks, and what WHAT may be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from flowengine.cli.store_options import build_store_settings, store_option
from flowengine.cli.user_name import find_user_name
from flowengine.environment import VARIABLES
from flowengine.problems import to_text
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.ledger import CommandRefusedError, Ledger
from flowengine.releases.publisher import Publisher
from flowengine.releases.release_commands import (
    Actor,
    CommandResult,
    InvalidFlowsError,
    ReleaseCommands,
    ReleaseSpec,
    read_git_spec,
)
from flowengine.sources.flow_source import FlowOrigin
from flowengine.sources.git import GitError
from flowengine.sources.project_folder import read_folder

F = TypeVar("F", bound=Callable[..., Any])


def add_change_options(command: F) -> F:
    """The options of every command that changes what is live."""
    note = click.option("--note", default="", help="Why, for the record.")
    who = click.option(
        "--who",
        default=find_user_name,
        show_default="your name here",
        help="Who makes the change, for the record.",
    )
    return store_option(who(note(command)))


def add_version_options(command: F) -> F:
    """WHAT, and where to look for it."""
    repo = click.option(
        "--repo",
        default=".",
        type=click.Path(path_type=Path, file_okay=False),
        help="The repository of a ref.",
    )
    path = click.option(
        "--path",
        "folder",
        default="flows",
        show_default=True,
        help="The folder of the flows in the repository.",
    )
    return repo(path(command))


@contextmanager
def open_release_commands(store: str) -> Iterator[ReleaseCommands]:
    """The release commands of a server, running or not. Whatever is refused ends the command with one line, and
    the problems before it.
    """
    settings = build_store_settings(store)
    archive = settings.archive
    if isinstance(archive, Path) and not archive.is_file():
        raise click.ClickException(
            f"no server has kept releases beside {store}: name its store with --store"
        )
    try:
        compile_worker = CompileWorker(archive, VARIABLES, cookies_only=settings.is_cookies_only)
        ledger = Ledger(archive)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield ReleaseCommands(
            compile_worker.archive,
            ledger,
            Publisher(compile_worker.archive, ledger, compile_worker.compile),
        )
    except InvalidFlowsError as broken:
        click.echo(to_text(broken.problems, broken.sources, colour=True), err=True)
        raise click.ClickException(str(broken)) from broken
    except (CommandRefusedError, ArchiveError) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    finally:
        compile_worker.close()
        ledger.close()


def run_change(
    store: str, who: str, note: str, ask: Callable[[ReleaseCommands, Actor], CommandResult]
) -> None:
    """Ask for a change, and tell what came of it."""
    with open_release_commands(store) as commands:
        click.echo(ask(commands, Actor(who, note)).text)


def find_release_spec(commands: ReleaseCommands, what: str, repo: Path, folder: str) -> ReleaseSpec:
    """What a name means: what lies at a path, else a release that is kept, else a ref."""
    if not what:  # an empty variable of a script, which as a path would be the folder here
        raise CommandRefusedError("name a version: a folder, a kept release or a git ref")
    path = Path(what)
    try:
        if path.exists():
            return ReleaseSpec("", read_folder(path), FlowOrigin(str(path.resolve())))
        if kept := commands.find_release(what):
            return ReleaseSpec(kept)
        return read_git_spec(repo.resolve(), what, folder)
    except OSError as error:
        raise CommandRefusedError(str(error)) from error
    except GitError as error:
        raise CommandRefusedError(
            f"{what} is no folder and no kept release; and {error}"
        ) from error
