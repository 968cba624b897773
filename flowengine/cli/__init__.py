"""The command line: one file per command, imported only when it is called, so that --help answers
at once.
"""

from typing import Final

import click

from flowengine.cli.lazy_group import LazyCommandGroup

COMMANDS: Final = {
    "agents": "Show the members of queues, or sign one in or out.",
    "api": "Call the platform's APIs.",
    "backup": "Copy what a server keeps to a new folder, while it answers calls.",
    "call": "Call a flow, or any backend, from the terminal.",
    "calls": "Show the calls that a server has recorded.",
    "campaign": "Have a server call all people in a CSV file into a flow.",
    "canary": "Try a version on a share of new calls.",
    "check": "Find every mistake in the flows and their scenarios.",
    "console": "Show flows in the browser: call them, see them, mend them.",
    "diagram": "Draw a flow.",
    "diff": "Say what changed in meaning between two versions.",
    "draft": "Let some callers alone reach a version.",
    "explain": "Show what each state sends, or what a problem code means.",
    "fix": "Take the words that check suggests for mistyped ones.",
    "fmt": "Bring files into their canonical form: indentation, blanks, empty lines, quotes.",
    "go-live": "Have the platform send real calls to a server.",
    "import": "Begin a project with the flows of another system, and tell what became of them.",
    "load": "Put many simulated calls at once on a real server.",
    "lsp": "Serve an editor: problems while you type, completion, names and what states send.",
    "migrate": "Upgrade what a server keeps to what this version needs.",
    "new": "Begin a project that works, with scenarios.",
    "place": "Have a server call somebody into FLOW.",
    "placements": "Tell what has become of calls that were placed.",
    "promote": "Let all new calls begin on the candidate.",
    "publish": "Make a version live.",
    "queues": "Show who waits in queues, and who takes calls.",
    "releases": "Show what is live, what was, and who changed it.",
    "rename": "Give a state, variable, flow, calendar … another name, everywhere.",
    "replay": "Run recorded calls against other flows.",
    "restore": "Put a backup back, before the server starts.",
    "rollback": "Take new calls back to the release before.",
    "schema": "Write the JSON Schemas of the language.",
    "serve": "Answer the callbacks of the platform.",
    "switch": "Stand in for the platform: numbers, calls, callbacks and its APIs.",
    "test": "Run the scenarios of a project.",
    "undraft": "End a draft.",
    "withdraw": "Let no new call begin on the candidate any more.",
}


def show_version(
    ctx: click.Context, _option: click.Parameter, wanted: bool
) -> None:  # click's signature
    """The versions of the program and of the time zones that it goes by."""
    if not wanted or ctx.resilient_parsing:
        return
    from datetime import UTC, datetime  # noqa: PLC0415  # only this option needs them
    from importlib.metadata import version  # noqa: PLC0415

    from flowengine.expr.zones import ZONE_DATA  # noqa: PLC0415

    click.echo(f"flowengine, version {version('flowengine')}")
    click.echo(f"time zones {ZONE_DATA.version}, from {ZONE_DATA.folder}")
    if ZONE_DATA.is_outdated(datetime.now(UTC).date()):
        click.echo("warning: the time zones are more than a year old; upgrade tzdata", err=True)
    ctx.exit()


@click.group(
    cls=LazyCommandGroup,
    summaries=COMMANDS,
    package="flowengine.cli",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=show_version,
    help="Show the versions of the program and of its time zones.",
)
def main() -> None:
    """Phone call flows as text: checked, explained and served."""
