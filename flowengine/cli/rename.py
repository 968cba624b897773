"""`flowengine rename`."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click

from flowengine.cli.file_set import stage_file_set
from flowengine.cli.project_files import get_project_folder
from flowengine.compile import compile_project
from flowengine.environment import VARIABLES
from flowengine.lsp.name_index import KINDS_OF_FLOW, Symbol
from flowengine.lsp.project_session import ProjectSession
from flowengine.lsp.renaming import (
    RENAMED_KINDS,
    RenameError,
    RenamePlan,
    list_definitions,
    plan_rename,
)
from flowengine.problems import Problem, format_count
from flowengine.problems.project_report import build_report
from flowengine.scenarios.scenario_loader import load_scenarios
from flowengine.sources.project_folder import SCENARIO_FOLDER


@click.command()
@click.argument("flows", type=click.Path(path_type=Path, exists=True))
@click.argument("kind", type=click.Choice(RENAMED_KINDS))
@click.argument("old")
@click.argument("new")
def rename(flows: Path, kind: str, old: str, new: str) -> None:
    """Give a state, variable, flow, calendar … another name, everywhere.

    FLOWS is the folder of the project. OLD is the name of today; that of a state, variable or
    outcome stands behind its flow, such as `support-line.greet`, where several flows have it. All
    places in flows, scenarios, messages and the project are changed and shown; a calendar, table or
    group that is a file of its own is moved. Nothing is changed where the name exists already, or
    where the project would have new problems.
    """
    folder = get_project_folder(flows)
    session = ProjectSession(folder)
    try:
        plan = plan_rename(session, find_symbol(session, kind, old), new)
    except RenameError as error:
        raise click.ClickException(str(error)) from error
    files = session.list_files()
    refuse_new_problems(folder, files, plan.apply(files))
    try:
        write_plan(folder, plan)
    except OSError as error:
        raise click.ClickException(f"nothing is renamed: {error}") from error
    show_places(folder, plan)


def find_symbol(session: ProjectSession, kind: str, old: str) -> Symbol:
    """What the name stands for. Raises RenameError where that is not one thing."""
    if kind not in KINDS_OF_FLOW:
        return Symbol(kind, old)
    flow, _, name = old.rpartition(".")
    if flow:
        return Symbol(kind, name, flow)
    defined = (use.symbol for _, use in list_definitions(session))
    found = sorted({each.flow for each in defined if (each.kind, each.name) == (kind, name)})
    if len(found) > 1:
        shown = ", ".join(f"{flow}.{name}" for flow in found)
        raise RenameError(f"several flows have a {kind} {name}: write one of {shown}")
    if not found:
        raise RenameError(f"no flow has a {kind} {name}")
    return Symbol(kind, name, found[0])


def refuse_new_problems(folder: Path, files: dict[str, bytes], renamed: dict[str, bytes]) -> None:
    """End the command where the project would have problems that it does not have now."""
    known = Counter(problem.code for problem in find_problems(files))
    problems = find_problems(renamed)
    found = Counter(problem.code for problem in problems)
    new = [problem for problem in problems if found[problem.code] > known[problem.code]]
    if new:
        report = build_report(folder, new, renamed, 0, 0)
        click.echo(report.format_problems(report.problems), err=True)
        raise click.ClickException("nothing is renamed: the project would have these problems")


def find_problems(files: dict[str, bytes]) -> list[Problem]:
    """What `check` and `test` find in the flows and their scenarios."""
    scenarios = {name: files[name] for name in files if name.startswith(f"{SCENARIO_FOLDER}/")}
    flows = {name: content for name, content in files.items() if name not in scenarios}
    compiled = compile_project(flows, VARIABLES)
    if compiled.release is None:
        return list(compiled.problems)
    return [*compiled.problems, *load_scenarios(scenarios, compiled)[1]]


def write_plan(folder: Path, plan: RenamePlan) -> None:
    """Write the files, then move those that have the name. Raises OSError where one cannot be
    written or moved; then all files are as they were.
    """
    with ExitStack() as undo:
        stage_file_set({folder / name: text for name, text in plan.rewrite().items()}, undo)
        for old, target in plan.moves.items():
            (folder / old).rename(folder / target)
            undo.callback((folder / target).rename, folder / old)
        undo.pop_all()


def show_places(folder: Path, plan: RenamePlan) -> None:
    for old, new in plan.moves.items():
        click.echo(f"{(folder / old).as_posix()} is {(folder / new).as_posix()} now")
    for name, uses in plan.uses.items():
        file = (folder / plan.moves.get(name, name)).as_posix()
        for use in uses:
            line, column = plan.documents[name].source.get_position(use.start)
            click.echo(f"{file}:{line}:{column}")
    count = sum(map(len, plan.uses.values()))
    symbol = plan.symbol
    click.echo(
        f"{symbol.kind} {symbol.name} is {plan.new_name} now, in {format_count(count, 'place')} of "
        f"{format_count(len(plan.uses), 'file')}"
    )
