"""`flowengine call`."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from flowengine.cli.application_key import add_credential_options
from flowengine.cli.http_url import is_http_url
from flowengine.cli.load import choose_credentials
from flowengine.cli.read_project import read_project
from flowengine.compile import Release
from flowengine.environment import VARIABLES
from flowengine.phone.call_narrator import CallNarrator
from flowengine.phone.call_request import (
    CallRequest,
    check_inputs,
    check_options,
    check_reachable,
    connect_to_backend,
    create_backend_opening,
    find_begin_time,
    find_callout_kind,
    find_flow,
    to_given,
)
from flowengine.phone.explain_callbacks import CallbackExplainer
from flowengine.phone.line_sources import (
    LineSource,
    ScriptedLines,
    TypedLines,
    read_piped_lines,
    split_keys,
)
from flowengine.phone.lookup_answers import LookupAnswerer, PerformRequest, load_doubles
from flowengine.phone.phone_call import PhoneCall
from flowengine.phone.phone_session import PhoneSession
from flowengine.phone.save_scenario import SavedScenario, find_faults, format_scenario_file
from flowengine.phone.screen import Screen
from flowengine.scenarios.call_setup import build_call_setup
from flowengine.scenarios.call_setup import get_begin_time as beginning
from flowengine.scenarios.conversation import Conversation, open_conversation
from flowengine.scenarios.doubles import ServiceDouble
from flowengine.scenarios.generate import read_tables
from flowengine.scenarios.scenario_given import Given
from flowengine.scenarios.scenario_project import TEST_SECRET, ScenarioProject
from flowengine.scenarios.trial_inputs import TrialInputs
from flowengine.states import LookupRequest, LookupResult

PLAIN_WIDTH = 100
OUTPUT_FILE = click.Path(path_type=Path, dir_okay=False)


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
    "--outbound", is_flag=True, help="Your system places the call, and you are the called party."
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
@click.option("--save", type=OUTPUT_FILE, help="Write the call as a scenario to this new file.")
@add_credential_options("For a URL: ")
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
    callbacks. Type keys, or `help`. Time is virtual, so a minute of ringing takes none. You answer
    what a flow asks other systems.

    Exit code 1 says that the call did not come about or went wrong: an apology, an answer that the
    platform refuses, a line that could not be followed; 2 that the command cannot be understood, or
    the flows have mistakes.
    """
    wish = CallRequest(**wishes)  # type: ignore[arg-type]  # click has checked them
    check_options(wish)
    lines: LineSource = (
        ScriptedLines(split_keys(keys))
        if keys is not None
        else TypedLines()
        if is_at_terminal()
        else ScriptedLines(read_piped_lines())
    )
    if target.startswith(("http://", "https://")):
        if answer or live or save or wish.flow:
            raise click.UsageError(
                "--flow, --answer, --live and --save are for flows in this process, not for a URL"
            )
        well = call_backend(target, wish, lines, key, secret, explained=explained)
    else:
        if save and save.exists():
            raise click.UsageError(f"{save} is there already: --save writes a new file")
        doubles = load_doubles(answer)
        well = call_flow(Path(target), wish, lines, doubles, save, live=live, explained=explained)
    raise SystemExit(0 if well else 1)


def call_flow(
    flows: Path,
    wish: CallRequest,
    lines: LineSource,
    doubles: list[ServiceDouble],
    save: Path | None,
    *,
    live: bool,
    explained: bool,
) -> bool:
    """Call a flow in this process; whether all went well."""
    project, release, environment = prepare_project(flows, live=live)
    flow = find_flow(release, wish)
    way = to_given(wish, project.zone, find_callout_kind(release, flow) if wish.outbound else "")
    check_inputs(release, flow, way.get("data", {}))
    absent = {name: "" for name, secret in environment.items() if not secret}
    check_reachable(release, flow, Given(**way))
    systems = LookupAnswerer.from_release(
        release,
        doubles,
        TrialInputs.from_release(release, read_tables(project), project.variables),
        lines,
    )
    start = build_call_setup(release, flow, Given(**way))
    talk = open_conversation(
        release,
        fetch=systems,
        begin=beginning(Given(**way), project.zone),
        application=start.application,
    )
    hidden = {secret: f"<{name}>" for name, secret in environment.items() if secret}
    session = create_session(talk, lines, hidden, explained=explained, outbound=wish.outbound)
    systems.narrator, systems.backend = session.call.narrator, talk.backend
    with open_live_client(release if live else None) as systems.live:
        began = session.run(start, lambda: systems.has_quit)
    if began and save:
        kept = SavedScenario(
            flow,
            {**way, **({"environment": absent} if absent else {})},
            systems.lookups,
            tuple(hidden),
        )
        write_scenario(save, format_scenario_file(session.call, kept), project)
    return began and session.has_succeeded()


def call_backend(
    url: str,
    wish: CallRequest,
    lines: LineSource,
    key: str | None,
    secret: str | None,
    *,
    explained: bool,
) -> bool:
    """Call whatever answers callbacks at a URL; whether all went well."""
    if not is_http_url(url):
        raise click.UsageError("a URL begins with http:// or https://, a host and maybe a port")
    name, password = choose_credentials(key, secret)
    with connect_to_backend(url, name, password, find_begin_time(wish.time)) as talk:
        session = create_session(talk, lines, {}, explained=explained, outbound=wish.outbound)
        return (
            session.run(create_backend_opening(wish, name), lambda: False)
            and session.has_succeeded()
        )


def prepare_project(
    flows: Path, *, live: bool
) -> tuple[ScenarioProject, Release, Mapping[str, str]]:
    """The project, compiled with test values in place of its secrets, or live with those of the
    environment. Mistakes end the command.
    """
    try:
        project = ScenarioProject.from_folder(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    environment = {
        name: VARIABLES.get(name, "") if live else TEST_SECRET for name in project.variables
    }
    release = project.compile(environment).release
    if release is None:
        found = read_project(flows, environment)
        click.echo(found.report.format_problems(found.report.errors), err=True)
        raise SystemExit(2)
    return project, release, environment


@contextmanager
def open_live_client(release: Release | None) -> Iterator[PerformRequest | None]:
    """What really asks other systems, where it is wanted."""
    if release is None:
        yield None
        return
    # only where it is wanted: it makes connections
    from flowengine.server.fetch import LookupClient  # noqa: PLC0415

    with asyncio.Runner() as runner:
        client = LookupClient(lambda: release.hosts)

        def perform(request: LookupRequest) -> LookupResult:
            return runner.run(client(request, request.timeout))

        yield perform
        runner.run(client.close())


def create_session(
    talk: Conversation,
    lines: LineSource,
    hidden: Mapping[str, str],
    *,
    explained: bool,
    outbound: bool,
) -> PhoneSession:
    """A session whose call is shown as it goes."""
    width = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns if sys.stdout.isatty() else 0
    beside = CallbackExplainer(talk, width or PLAIN_WIDTH, hidden) if explained else None
    colour = bool(width) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    screen = Screen(talk, width, colour, lines.is_interactive, beside)
    narrator = CallNarrator(talk, "person" if outbound else "caller", screen)
    return PhoneSession(PhoneCall(talk, narrator), screen, lines)


def write_scenario(file: Path, text: str, project: ScenarioProject) -> None:
    """Keep the call, and say whether it would go that way again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    click.echo(f"wrote {file}: 1 scenario", err=True)
    for fault in find_faults(text, project):
        click.echo(f"it does not pass as it stands: {fault}", err=True)


def is_at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
