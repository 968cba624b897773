"""`flowengine check`."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from msgspec.structs import replace

from flowengine.cache.check_result import CheckResult
from flowengine.cache.code_identity import compute_code_identity
from flowengine.cache.result_cache import compute_key, load_result, save_result
from flowengine.cache.variable_presence import VariablePresence
from flowengine.cli.project_files import ProjectFiles, get_project_folder, read_project_files
from flowengine.environment import VARIABLES
from flowengine.garbage_collection import pause_garbage_collection
from flowengine.limits import MAX_FLOWS_CHECKED_WITH_SCENARIOS
from flowengine.problems import Problem, to_github, to_json, to_sarif
from flowengine.problems.project_report import ProjectReport, build_report
from flowengine.sources.project_folder import read_scenario_files

FORMATTERS = {"json": to_json, "sarif": to_sarif, "github": to_github}


@click.command()
@click.argument("flows", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", *FORMATTERS]),
    default="text",
    help="For a person, or for a program.",
)
@click.option("--strict", is_flag=True, help="Warnings fail the check too.")
@click.option(
    "--store",
    default="",
    help="`none` checks that all state fits the cookie, as `serve --store none` needs it.",
)
def check(flows: Path, form: str, store: str, *, strict: bool) -> None:
    """Find every mistake in the flows and their scenarios.

    FLOWS is a folder, or a single file. Exit code 1 says that there are errors.
    """
    files = read_project_files(flows)
    scenarios = read_scenarios(flows)
    found = check_or_load_result(files, scenarios, flows, cookies_only=store == "none")
    report = build_report(
        get_project_folder(flows),
        found.problems,
        {**files.contents, **scenarios},
        found.flow_count,
        found.state_count,
    )
    show_report(report, form)
    if scenarios and found.flow_count > MAX_FLOWS_CHECKED_WITH_SCENARIOS:
        click.echo("the scenarios of so many flows are checked by flowengine test alone", err=True)
    if report.errors or (strict and report.problems):
        raise SystemExit(1)


def read_scenarios(flows: Path) -> dict[str, bytes]:
    """The scenarios of a project. Those beside a single flow may be about others."""
    if not flows.is_dir():
        return {}
    try:
        return read_scenario_files(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error


def check_or_load_result(
    files: ProjectFiles, scenarios: Mapping[str, bytes], path: Path, *, cookies_only: bool
) -> CheckResult:
    """The problems of these files, from the cache if it knows them and all could be read."""
    code = None if files.unreadable else compute_code_identity()
    key = (
        compute_key(code, CheckResult, {**files.contents, **scenarios}, cookies_only=cookies_only)
        if code
        else None
    )
    if key and (known := load_result(key, CheckResult, VARIABLES)):
        return known
    environment = VariablePresence(VARIABLES)
    with pause_garbage_collection():
        # the compiler takes longer to import than a known result takes to show
        from flowengine.cli.read_project import check_files, check_scenarios  # noqa: PLC0415

        result, is_repeatable = check_files(
            files, path, environment, code, cookies_only=cookies_only
        )
    if scenarios and not files.unreadable:
        result = check_scenarios(files, scenarios, result)
    if key and is_repeatable:
        save_result(key, environment.asked, result)
    return result


def make_paths_relative(problems: Iterable[Problem], folder: Path) -> list[Problem]:
    """Problems in files as code scanning and workflows name them: from the root of the repository
    that each file is in, or else from this folder.
    """
    found = []
    for problem in problems:
        file = folder / problem.span.file
        path = Path(os.path.normpath(file))
        root = next((one for one in path.parents if (one / ".git").exists()), folder)
        inside = path.relative_to(root) if path.is_relative_to(root) else path
        found.append(replace(problem, span=replace(problem.span, file=inside.as_posix())))
    return found


def show_report(report: ProjectReport, form: str) -> None:
    if form == "text":
        if report.problems:
            click.echo(report.format_problems(report.problems))
        click.echo(report.format_summary())
        return
    problems = (
        report.problems if form == "json" else make_paths_relative(report.problems, Path.cwd())
    )
    click.echo(FORMATTERS[form](problems), nl=form != "github")
    # beside the data, so that a program can read that
    click.echo(report.format_summary(), err=True)
