"""`flowengine explain`."""

import re
from collections.abc import Mapping
from pathlib import Path

import click

from flowengine.cli.read_project import read_project
from flowengine.explanation.flow_explanation import FlowExplanation
from flowengine.model import load_project
from flowengine.problems import format_explanation, suggest_or_list_names

CODE_PATTERN = re.compile(r"FE\d+", re.IGNORECASE)


@click.command()
@click.argument("flows_or_code")
@click.argument("flow", default="")
def explain(flows_or_code: str, flow: str) -> None:
    """Show what each state sends, or what a problem code means.

    FLOWS_OR_CODE is a folder or file of flows, or a code such as FE203. FLOW shows one flow only.
    """
    click.echo(
        render_code_page(flows_or_code)
        if CODE_PATTERN.fullmatch(flows_or_code)
        else render_flow_pages(Path(flows_or_code), flow)
    )


def render_code_page(code: str) -> str:
    try:
        return format_explanation(code)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from error


def find_secret_placeholders(files: Mapping[str, bytes]) -> dict[str, str]:
    authored, _ = load_project(files)
    return {variable: f"<{variable}>" for variable in authored.project.secrets.values()}


def render_flow_pages(flows: Path, flow: str) -> str:
    """Compiled with names in place of secrets: what is not here cannot be shown."""
    project = read_project(flows, find_secret_placeholders(read_project(flows, {}).files))
    if project.compiled.release is None:
        click.echo(project.report.format_problems(project.report.errors), err=True)
        raise SystemExit(1)
    names = list(project.compiled.programs)
    if flow and flow not in names:
        raise click.UsageError(f"there is no flow {flow}; {suggest_or_list_names(flow, names)}")
    story = FlowExplanation.from_release(project.compiled.release, project.files)
    return "\n".join(story.format_flow(name) for name in ([flow] if flow else names))
