"""`flowengine explain`."""

import re
from collections.abc import Mapping
from pathlib import Path

import click

from flowengine.cli.project import loaded
from flowengine.cli.story import Story
from flowengine.model import load
from flowengine.problems import explain_text, suggest

CODE = re.compile(r"FE\d+", re.IGNORECASE)


@click.command()
@click.argument("flows_or_code")
@click.argument("flow", default="")
def explain(flows_or_code: str, flow: str) -> None:
    """Show what each state sends, or what a problem code means.

    FLOWS_OR_CODE is a folder or file of flows, or a code such as FE203. FLOW shows one flow only.
    """
    click.echo(
        code_page(flows_or_code)
        if CODE.fullmatch(flows_or_code)
        else flow_pages(Path(flows_or_code), flow)
    )


def code_page(code: str) -> str:
    try:
        return explain_text(code)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from error


def hidden(files: Mapping[str, bytes]) -> dict[str, str]:
    authored, _ = load(files)
    return {variable: f"<{variable}>" for variable in authored.project.secrets.values()}


def flow_pages(flows: Path, flow: str) -> str:
    """Compiled with names in place of secrets: what is not here cannot be shown."""
    project = loaded(flows, hidden(loaded(flows, {}).files))
    if project.compiled.release is None:
        click.echo(project.listing(project.errors), err=True)
        raise SystemExit(1)
    names = list(project.compiled.programs)
    if flow and flow not in names:
        raise click.UsageError(
            f"there is no flow {flow}; {suggest(flow, names) or 'there are ' + ', '.join(names)}"
        )
    story = Story.of(project.compiled.release, project.files)
    return "\n".join(story.flow(name) for name in ([flow] if flow else names))
