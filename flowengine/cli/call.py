"""`flowengine call`."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from flowengine.cli.load import UNSIGNED, usable
from flowengine.cli.phone.beside import Beside
from flowengine.cli.phone.keep import Kept, faults, file_of
from flowengine.cli.phone.lines import Lines, Typed, Written, piped, split
from flowengine.cli.phone.lookups import Performs, Systems, doubles_in
from flowengine.cli.phone.screen import Screen
from flowengine.cli.phone.session import Session
from flowengine.cli.phone.target import (
    Wish,
    begins,
    check,
    flow_of,
    given,
    outside,
    over_http,
    placed,
    reaches,
    takes,
)
from flowengine.cli.project import loaded
from flowengine.compile import Release
from flowengine.scenarios.conversation import Conversation, in_process
from flowengine.scenarios.doubles import Double
from flowengine.scenarios.generate import tables
from flowengine.scenarios.inputs import Inputs
from flowengine.scenarios.model import Given
from flowengine.scenarios.opening import begins as beginning
from flowengine.scenarios.opening import opening
from flowengine.scenarios.project import SECRET, Project
from flowengine.states import Fetched, Request

PLAIN_WIDTH = 100
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("target")
@click.option(
    "--flow",
    default="",
    help="The flow that is called.  [default: what --to leads to, else the first route]",
)
@click.option(
    "--to", default="", help="The number or address that is dialled, or called with --outbound."
)
@click.option("--from", "caller", default="", help="The number that calls; private, or unknown.")
@click.option("--app", default="", help="An app user who calls.")
@click.option("--sip", default="", help="A SIP address that calls.")
@click.option(
    "--header",
    multiple=True,
    metavar="NAME=VALUE",
    help="A call header that an app or SIP caller sends.",
)
@click.option("--redirected-from", default="", help="The number that forwards the call.")
@click.option(
    "--at",
    "time",
    default="",
    help="When: 23:00, 2026-12-24 18:00 or now.  [default: a Monday at 10:00; now for a URL]",
)
@click.option("--custom", default="", help="Text that comes with the call.")
@click.option(
    "--outbound", is_flag=True, help="Your system places the call; whoever is called is you."
)
@click.option(
    "--data",
    multiple=True,
    metavar="NAME=VALUE",
    help="With --outbound: what is handed to the flow.",
)
@click.option(
    "--answer",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file with answers to lookups.",
)
@click.option(
    "--live", is_flag=True, help="Really ask other systems, with the secrets of the environment."
)
@click.option(
    "--keys",
    help='What to do, such as "1,2,wait 5,say bill,#,hang up".  [default: the standard input]',
)
@click.option(
    "--explain", "explained", is_flag=True, help="Show callbacks and SVAML beside the call."
)
@click.option("--save", type=FILE, help="Write the call as a scenario to this new file.")
@click.option(
    "--key",
    envvar="SINCH_APPLICATION_KEY",
    help="For a URL: the application's key.  [default: SINCH_APPLICATION_KEY]",
)
@click.option(
    "--secret",
    envvar="SINCH_APPLICATION_SECRET",
    help="For a URL: its secret.  [default: SINCH_APPLICATION_SECRET]",
)
def call(
    target: str,
    answer: Path | None,
    keys: str | None,
    save: Path | None,
    key: str | None,
    secret: str | None,
    *,
    live: bool,
    explained: bool,
    **wishes: str | bool | tuple[str, ...],
) -> None:
    """Call a flow, or any backend, from the terminal.

    TARGET is a folder or file of flows, which are called without any server, or a URL that takes
    callbacks. Type keys, or `help`. Time is virtual: nothing is waited for. What a flow asks other
    systems, you answer.

    Exit code 1 says that the call did not come about or went wrong: an apology, an answer that the
    platform refuses, a line that could not be followed; 2 that the command cannot be understood, or
    the flows have mistakes.
    """
    wish = Wish(**wishes)  # type: ignore[arg-type]  # click has checked them
    check(wish)
    lines: Lines = (
        Written(split(keys)) if keys is not None else Typed() if at_terminal() else Written(piped())
    )
    if target.startswith(("http://", "https://")):
        if answer or live or save or wish.flow:
            raise click.UsageError(
                "--flow, --answer, --live and --save are for flows in this process, not for a URL"
            )
        well = backend_called(target, wish, lines, key, secret, explained=explained)
    else:
        if save and save.exists():
            raise click.UsageError(f"{save} is there already: --save writes a new file")
        doubles = doubles_in(answer)
        well = flow_called(Path(target), wish, lines, doubles, save, live=live, explained=explained)
    raise SystemExit(0 if well else 1)


def flow_called(
    flows: Path,
    wish: Wish,
    lines: Lines,
    doubles: list[Double],
    save: Path | None,
    *,
    live: bool,
    explained: bool,
) -> bool:
    """Call a flow in this process; whether all went well."""
    project, release, environment = prepared(flows, live=live)
    flow = flow_of(release, wish)
    way = given(wish, project.zone, placed(release, flow) if wish.outbound else "")
    takes(release, flow, way.get("data", {}))
    absent = {name: "" for name, secret in environment.items() if not secret}
    reaches(release, flow, Given(**way))
    systems = Systems.of(
        release, doubles, Inputs.of(release, tables(project), project.variables), lines
    )
    start = opening(release, flow, Given(**way))
    talk = in_process(
        release,
        fetch=systems,
        begin=beginning(Given(**way), project.zone),
        application=start.application,
    )
    hidden = {secret: f"<{name}>" for name, secret in environment.items() if secret}
    session = shown(talk, lines, hidden, explained=explained, outbound=wish.outbound)
    systems.screen, systems.backend = session.screen, talk.backend
    with asking(release if live else None) as systems.live:
        began = session.run(start, lambda: systems.left)
    if began and save:
        kept = Kept(
            flow,
            {**way, **({"environment": absent} if absent else {})},
            systems.asked,
            tuple(hidden),
        )
        write(save, file_of(session, kept), project)
    return began and session.went_well()


def backend_called(
    url: str, wish: Wish, lines: Lines, key: str | None, secret: str | None, *, explained: bool
) -> bool:
    """Call whatever answers callbacks at a URL; whether all went well."""
    if not usable(url):
        raise click.UsageError("a URL begins with http:// or https://, a host and maybe a port")
    if bool(key) != bool(secret):
        raise click.UsageError("a key goes with its secret: give --key and --secret, or neither")
    name, password = (key, secret) if key and secret else UNSIGNED
    with over_http(url, name, password, begins(wish.time)) as talk:
        session = shown(talk, lines, {}, explained=explained, outbound=wish.outbound)
        return session.run(outside(wish, name), lambda: False) and session.went_well()


def prepared(flows: Path, *, live: bool) -> tuple[Project, Release, Mapping[str, str]]:
    """The project, compiled with test values in place of its secrets, or live with those of the
    environment. Mistakes end the command.
    """
    try:
        project = Project.at(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    environment = {name: os.environ.get(name, "") if live else SECRET for name in project.variables}
    release = project.compiled(environment).release
    if release is None:
        found = loaded(flows, environment)
        click.echo(found.listing(found.errors), err=True)
        raise SystemExit(2)
    return project, release, environment


@contextmanager
def asking(release: Release | None) -> Iterator[Performs | None]:
    """What really asks other systems, where it is wanted."""
    if release is None:
        yield None
        return
    # only where it is wanted: it makes connections
    from flowengine.server.fetch import Client  # noqa: PLC0415

    with asyncio.Runner() as runner:
        client = Client(lambda: release.hosts)

        def perform(request: Request) -> Fetched:
            return runner.run(client(request, request.timeout))

        yield perform
        runner.run(client.close())


def shown(
    talk: Conversation, lines: Lines, hidden: Mapping[str, str], *, explained: bool, outbound: bool
) -> Session:
    """A session whose call is shown as it goes."""
    width = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns if sys.stdout.isatty() else 0
    beside = Beside(talk, width or PLAIN_WIDTH, hidden) if explained else None
    colour = bool(width) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    screen = Screen(talk, "person" if outbound else "caller", width, colour, lines.typed, beside)
    talk.exchange.watch(screen.saw)
    return Session(talk, screen, lines)


def write(file: Path, text: str, project: Project) -> None:
    """Keep the call, and say whether it would go that way again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    click.echo(f"wrote {file}: 1 scenario", err=True)
    for fault in faults(text, project):
        click.echo(f"it does not pass as it stands: {fault}", err=True)


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
