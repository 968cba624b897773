"""`flowengine test`."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import msgspec

from flowengine.scenarios.coverage import FlowCoverage, coverage, total
from flowengine.scenarios.generate import generate
from flowengine.scenarios.load import FOLDER, Case
from flowengine.scenarios.play import play
from flowengine.scenarios.project import Project
from flowengine.scenarios.report import Places, as_data, coverage_text, failure_text, junit, summary
from flowengine.scenarios.result import Result
from flowengine.scenarios.runner import chosen, run

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
    project, cases = prepared(flows, words, empty=write)
    begun = time.perf_counter()
    results = list(shown(run(project, cases, jobs), len(cases), quiet=data))
    if write:
        generated(project, results, flows)
    flows_covered = measured(project, results, flows)
    places = places_of(project, flows)
    if xml is not None:
        xml.write_bytes(junit(results, places))
    if data:
        click.echo(
            msgspec.json.format(
                msgspec.json.encode(as_data(results, flows_covered, places))
            ).decode()
        )
    else:
        tell(results, places, time.perf_counter() - begun)
        if covered or too_little(flows_covered, fail_under):
            click.echo(coverage_text(flows_covered, places))
    if too_little(flows_covered, fail_under):
        click.echo(
            f"{total(flows_covered):.1f}% of states and exits were taken, less than "
            f"{fail_under:g}%",
            err=True,
        )
    if any(result.failures for result in results) or too_little(flows_covered, fail_under):
        raise SystemExit(1)


def prepared(flows: Path, words: str, *, empty: bool) -> tuple[Project, list[Case]]:
    """The project and the scenarios to run. Mistakes end the command, and so does nothing to run
    unless that may be.
    """
    try:
        project = Project.at(flows)
    except OSError as error:
        raise click.UsageError(str(error)) from error
    cases, problems = project.cases()
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        click.echo(places_of(project, flows).listing(errors, colour=True), err=True)
        raise SystemExit(2)
    own = flows.stem if flows.is_file() else ""
    cases = [
        case
        for case in cases
        if chosen(words)(case) and (not own or in_file(project, case, flows.name))
    ]
    if not cases and not empty:
        write = f"write one in {(flows if flows.is_dir() else flows.parent) / 'scenarios'}"
        click.echo(
            f"no scenario to run: {f'none is called like {words}' if words else write}", err=True
        )
        raise SystemExit(NO_TESTS)
    return project, cases


def in_file(project: Project, case: Case, name: str) -> bool:
    """Whether a scenario is of the flow in this file."""
    return project.compiled().programs[case.flow].document.file == name


def generated(project: Project, results: list[Result], flows: Path) -> None:
    """Write scenarios for what these results have not taken, beside those that there are, and add
    what they take.
    """
    folder = (flows.parent if flows.is_file() else flows) / FOLDER
    for file in generate(project, [entry for result in results for entry in result.trace]):
        if flows.is_file() and project.compiled().programs[file.flow].document.file != flows.name:
            continue
        folder.mkdir(exist_ok=True)
        path = free(folder, file.flow)
        path.write_text(file.text, encoding="utf-8")
        click.echo(f"wrote {path}: {file.number} scenario{'s' * (file.number != 1)}", err=True)
        cases, _ = Project.of(project.files, {f"{FOLDER}/{path.name}": file.text.encode()}).cases()
        results += [play(case, project) for case in cases]


def free(folder: Path, flow: str) -> Path:
    """A file that is not there yet."""
    names = (
        f"{flow}{part}.yaml"
        for part in ("", "-generated", *(f"-generated-{number}" for number in range(2, 1000)))
    )
    return next(folder / name for name in names if not (folder / name).exists())


def places_of(project: Project, flows: Path) -> Places:
    return Places(
        {**project.files, **project.scenarios},
        (flows.parent if flows.is_file() else flows).as_posix(),
    )


def measured(project: Project, results: Iterable[Result], flows: Path) -> list[FlowCoverage]:
    """The coverage of all flows, or of the one that was asked for."""
    programs = project.compiled().programs
    if flows.is_file():
        programs = {
            name: program
            for name, program in programs.items()
            if program.document.file == flows.name
        }
    return coverage(programs, (entry for result in results for entry in result.trace))


def too_little(flows: Sequence[FlowCoverage], least: float | None) -> bool:
    return least is not None and total(flows) < least


def tell(results: Sequence[Result], places: Places, seconds: float) -> None:
    for result in results:
        if result.failures:
            click.echo(failure_text(result, places))
    click.echo(summary(results, seconds))


def shown(results: Iterator[Result], number: int, *, quiet: bool) -> Iterator[Result]:
    """The results as they come, with a progress bar where somebody watches."""
    if quiet or not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console  # noqa: PLC0415  # only where there is a terminal
    from rich.progress import track  # noqa: PLC0415

    yield from track(
        results, "scenarios", total=number, console=Console(stderr=True), transient=True
    )
