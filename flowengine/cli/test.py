"""`flowengine test`."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from flowengine.cli.file_set import write_file_set
from flowengine.scenarios.coverage import FlowCoverage, compute_coverage, compute_total_percent
from flowengine.scenarios.generate import generate_scenarios
from flowengine.scenarios.result import ScenarioResult
from flowengine.scenarios.runner import make_case_filter, run_scenarios
from flowengine.scenarios.scenario_loader import Case
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_report import (
    SourceRenderer,
    format_coverage,
    format_failed_result,
    format_summary,
    to_json_data,
    to_junit,
)
from flowengine.scenarios.scenario_run import run_scenario
from flowengine.sources.project_folder import SCENARIO_FOLDER

NO_TESTS = 5  # as pytest has it: a run that tests nothing is no success


@click.command()
@click.argument("flows", type=click.Path(path_type=Path), default="flows")
@click.option(
    "-k", "words", default="", help="Only scenarios with these words in their flow or name."
)
@click.option(
    "--coverage", "covered", is_flag=True, help="Show which states and exits were not taken."
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    help="Fail when less than this PERCENT of states and exits was taken.",
)
@click.option(
    "--junit",
    "xml",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write JUnit XML to this file.",
)
@click.option("--json", "data", is_flag=True, help="Print results and coverage as JSON.")
@click.option(
    "--generate", "write", is_flag=True, help="Write scenarios for what no scenario takes yet."
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(0),
    default=0,
    help="Processes; 0 takes as many as are worth it.",
)
def test(
    flows: Path,
    words: str,
    fail_under: float | None,
    xml: Path | None,
    jobs: int,
    *,
    covered: bool,
    data: bool,
    write: bool,
) -> None:
    """Run the scenarios of a project.

    FLOWS is a folder with scenarios/ in it, or a single flow. Exit code 1 says that a scenario
    failed, or too little was covered, 2 that the flows or scenarios have mistakes, 5 that there was
    nothing to run.
    """
    project, cases = load_cases(flows, words, empty=write)
    begun = time.perf_counter()
    results = list(track_results(run_scenarios(project, cases, jobs), len(cases), quiet=data))
    if write:
        write_generated(project, results, flows)
    flows_covered = measure_flow_coverage(project, results, flows)
    places = create_places(project, flows)
    if xml is not None:
        xml.write_bytes(to_junit(results, places))
    if data:
        click.echo(
            msgspec.json.format(
                msgspec.json.encode(to_json_data(results, flows_covered, places))
            ).decode()
        )
    else:
        show_results(results, places, time.perf_counter() - begun)
        if covered or is_coverage_too_low(flows_covered, fail_under):
            click.echo(format_coverage(flows_covered, places))
    if is_coverage_too_low(flows_covered, fail_under):
        click.echo(
            f"{compute_total_percent(flows_covered):.1f}% of states and exits were taken, less than "
            f"{fail_under:g}%",
            err=True,
        )
    if any(result.failures for result in results) or is_coverage_too_low(flows_covered, fail_under):
        raise SystemExit(1)


def load_cases(flows: Path, words: str, *, empty: bool) -> tuple[ScenarioProject, list[Case]]:
    """The project and the scenarios to run. Mistakes end the command, and so does nothing to run
    unless that may be.
    """
    try:
        project = ScenarioProject.from_folder(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    cases, problems = project.load_cases()
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        click.echo(create_places(project, flows).render_problems(errors, colour=True), err=True)
        raise SystemExit(2)
    own = flows.name if flows.is_file() else ""
    is_chosen = make_case_filter(words)
    cases = [
        case for case in cases if is_chosen(case) and (not own or is_in_file(project, case, own))
    ]
    if not cases and not empty:
        end_without_cases(flows, words)
    return project, cases


def end_without_cases(flows: Path, words: str) -> NoReturn:
    folder = flows if flows.is_dir() else flows.parent
    write = f"write one in {folder / 'scenarios'}"
    reason = f"none is called like {words}" if words else write
    click.echo(f"no scenario to run: {reason}", err=True)
    raise SystemExit(NO_TESTS)


def is_in_file(project: ScenarioProject, case: Case, name: str) -> bool:
    """Whether a scenario is of the flow in this file."""
    return project.compile().programs[case.flow].document.file == name


def write_generated(project: ScenarioProject, results: list[ScenarioResult], flows: Path) -> None:
    """Write scenarios for what these results have not taken, beside those that there are, and add
    what they take.
    """
    folder = (flows.parent if flows.is_file() else flows) / SCENARIO_FOLDER
    for file in generate_scenarios(
        project, [entry for result in results for entry in result.trace]
    ):
        if flows.is_file() and project.compile().programs[file.flow].document.file != flows.name:
            continue
        if file.was_cut:
            click.echo(
                f"{file.flow}: too many calls are possible to try them all; --coverage shows what "
                "none of them took",
                err=True,
            )
        if file.uncalled:
            click.echo(f"{file.flow}: no scenario is written, as {file.uncalled}", err=True)
        if not file.number:
            continue
        path = find_free_file(folder, file.flow)
        write_file_set({path: file.text.encode()})
        click.echo(f"wrote {path}: {file.number} scenario{'s' * (file.number != 1)}", err=True)
        cases, _ = ScenarioProject.from_files(
            project.files, {f"{SCENARIO_FOLDER}/{path.name}": file.text.encode()}
        ).load_cases()
        results += [run_scenario(case, project) for case in cases]


def find_free_file(folder: Path, flow: str) -> Path:
    """A file that is not there yet."""
    names = (
        f"{flow}{part}.yaml"
        for part in ("", "-generated", *(f"-generated-{number}" for number in range(2, 1000)))
    )
    return next(folder / name for name in names if not (folder / name).exists())


def create_places(project: ScenarioProject, flows: Path) -> SourceRenderer:
    return SourceRenderer(
        {**project.files, **project.scenarios},
        (flows.parent if flows.is_file() else flows).as_posix(),
    )


def measure_flow_coverage(
    project: ScenarioProject, results: Iterable[ScenarioResult], flows: Path
) -> list[FlowCoverage]:
    """The coverage of all flows, or of the one that was asked for."""
    programs = project.compile().programs
    if flows.is_file():
        programs = {
            name: program
            for name, program in programs.items()
            if program.document.file == flows.name
        }
    return compute_coverage(programs, (entry for result in results for entry in result.trace))


def is_coverage_too_low(flows: Sequence[FlowCoverage], least: float | None) -> bool:
    return least is not None and compute_total_percent(flows) < least


def show_results(results: Sequence[ScenarioResult], places: SourceRenderer, seconds: float) -> None:
    for result in results:
        if result.failures:
            click.echo(format_failed_result(result, places))
    click.echo(format_summary(results, seconds))


def track_results(
    results: Iterator[ScenarioResult], number: int, *, quiet: bool
) -> Iterator[ScenarioResult]:
    """The results as they come, with a progress bar where somebody watches."""
    if quiet or not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console  # noqa: PLC0415  # only where there is a terminal
    from rich.progress import track  # noqa: PLC0415

    yield from track(
        results, "scenarios", total=number, console=Console(stderr=True), transient=True
    )
