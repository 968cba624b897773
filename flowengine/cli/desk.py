"""What the commands that change what is live share: the store, who asks, and what WHAT may be."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from flowengine.model.folder import read_folder
from flowengine.problems import to_text
from flowengine.releases.archive import Origin
from flowengine.releases.database import ArchiveError
from flowengine.releases.desk import Broken, By, Desk, Done, Wanted, in_git
from flowengine.releases.git import GitError
from flowengine.releases.ledger import Ledger, Refused
from flowengine.releases.publisher import Publisher
from flowengine.releases.workshop import Workshop
from flowengine.server.settings import DEFAULT_STORE, Settings

F = TypeVar("F", bound=Callable[..., Any])
store_option = click.option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    help="The store of the server, which knows its releases.",
)


def changing(command: F) -> F:
    """The options of every command that changes what is live."""
    note = click.option("--note", default="", help="Why, for the record.")
    who = click.option(
        "--who",
        default=getpass.getuser,
        show_default="your name here",
        help="Who asks, for the record.",
    )
    return store_option(who(note(command)))


def naming(command: F) -> F:
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
def opened(store: str) -> Iterator[Desk]:
    """The desk of a server, running or not. Whatever is refused ends the command with one line, and
    the problems before it.
    """
    settings = Settings("", store=store)
    archive = settings.archive
    if isinstance(archive, Path) and not archive.is_file():
        raise click.ClickException(
            f"no server has kept releases beside {store}: name its store with --store"
        )
    try:
        workshop = Workshop(archive, os.environ, cookies_only=settings.cookies_only)
        ledger = Ledger(archive)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield Desk(workshop.archive, ledger, Publisher(workshop.archive, ledger, workshop.compile))
    except Broken as broken:
        click.echo(to_text(broken.problems, broken.sources, colour=True), err=True)
        raise click.ClickException(str(broken)) from broken
    except (Refused, ArchiveError) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    finally:
        workshop.close()
        ledger.close()


def change(store: str, who: str, note: str, ask: Callable[[Desk, By], Done]) -> None:
    """Ask for a change, and tell what came of it."""
    with opened(store) as desk:
        click.echo(ask(desk, By(who, note)).text)


def wanted(desk: Desk, what: str, repo: Path, folder: str) -> Wanted:
    """What a name means: what lies at a path, else a release that is kept, else a ref."""
    if not what:  # an empty variable of a script, which as a path would be the folder here
        raise Refused("name a version: a folder, a kept release or a git ref")
    path = Path(what)
    try:
        if path.exists():
            return Wanted("", read_folder(path), Origin(str(path.resolve())))
        if kept := desk.kept(what):
            return Wanted(kept)
        return in_git(repo.resolve(), what, folder)
    except OSError as error:
        raise Refused(str(error)) from error
    except GitError as error:
        raise Refused(f"{what} is no folder and no kept release; and {error}") from error
