"""`flowengine diagram`."""

from pathlib import Path

import click

from flowengine.cli.read_project import read_project
from flowengine.diagram import FlowGraph, build_graph, to_dot, to_mermaid, to_svg
from flowengine.problems import suggest_or_list_names


@click.command()
@click.argument("flows", type=click.Path(path_type=Path))
@click.argument("flow", default="")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    default="mermaid",
    show_default=True,
    help="What to write.",
)
def diagram(flows: Path, flow: str, form: str) -> None:
    """Draw a flow.

    FLOWS is a folder, or a single file. FLOW draws one flow only; an SVG is always of one.
    """
    project = read_project(flows)
    names = list(project.compiled.programs)
    if project.report.errors:
        click.echo(project.report.format_problems(project.report.errors), err=True)
        raise SystemExit(1)
    if flow and flow not in names:
        raise click.UsageError(f"there is no flow {flow}; {suggest_or_list_names(flow, names)}")
    chosen = [flow] if flow else names
    if form == "svg" and len(chosen) > 1:
        raise click.UsageError(f"an SVG is of one flow: add its name, one of {', '.join(names)}")
    release = project.compiled.release
    routes = release.routes if release else ()
    write_graphs([build_graph(project.compiled.programs[name], routes) for name in chosen], form)


def write_graphs(graphs: list[FlowGraph], form: str) -> None:
    if form == "svg":
        click.echo(to_svg(graphs[0]), nl=False)
    elif form == "dot":
        click.echo("\n".join(map(to_dot, graphs)), nl=False)
    else:
        texts = [
            to_mermaid(one)
            if len(graphs) == 1
            else f"---\ntitle: {one.flow}\n---\n{to_mermaid(one)}"
            for one in graphs
        ]
        click.echo("\n".join(texts), nl=False)
