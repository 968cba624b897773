"""Reading and compiling the project that a command is given."""

import gc
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from flowengine.cache.check_result import CheckResult
from flowengine.cache.variable_presence import VariablePresence
from flowengine.cli.project_files import ProjectFiles, get_project_folder, read_project_files
from flowengine.compile import CompileResult, compile_project
from flowengine.compile.loaded_project import LoadedProject, to_loaded_project
from flowengine.compile.repeated_check import check_again
from flowengine.garbage_collection import pause_garbage_collection
from flowengine.limits import MAX_FLOWS_CHECKED_WITH_SCENARIOS
from flowengine.problems import Severity, sort_problems
from flowengine.source import INTERNAL_CODE


def read_project(flows: Path, environment: Mapping[str, str] | None = None) -> LoadedProject:
    """Read and compile. A file that cannot be read is a problem beside those of the others; a folder
    that cannot be read ends the command.
    """
    files = read_project_files(flows)
    compiled = compile_files(files, environment)
    return to_loaded_project(get_project_folder(flows), files.contents, compiled)


def check_files(
    files: ProjectFiles,
    folder: Path,
    environment: VariablePresence,
    code: bytes | None,
    *,
    cookies_only: bool,
) -> tuple[CheckResult, bool]:
    """What `check` finds in these files, and whether it would find the same again: an internal
    error may come from the machine. `code` is the program's identity, where it has one.
    """
    if code:
        result = check_again(files.contents, folder, environment, code, cookies_only=cookies_only)
    else:
        compiled = compile_files(files, environment, cookies_only=cookies_only)
        result = CheckResult(compiled.problems, compiled.flow_count, compiled.state_count)
    return result, not any(problem.code == INTERNAL_CODE for problem in result.problems)


def check_scenarios(
    files: ProjectFiles, scenarios: Mapping[str, bytes], result: CheckResult
) -> CheckResult:
    """The same result with the problems of the scenarios, where the flows have no errors and are not
    so many that it would take seconds.
    """
    if result.flow_count > MAX_FLOWS_CHECKED_WITH_SCENARIOS or any(
        problem.severity is Severity.ERROR for problem in result.problems
    ):
        return result
    # most projects that are checked again and again are known, and need none of it
    from flowengine.scenarios.scenario_loader import load_scenarios  # noqa: PLC0415
    from flowengine.scenarios.scenario_project import ScenarioProject  # noqa: PLC0415

    compiled = ScenarioProject.from_files(files.contents, scenarios).compile()
    found = load_scenarios(scenarios, compiled)[1] if compiled.release else []
    problems = tuple(sort_problems([*result.problems, *found]))
    return CheckResult(problems, result.flow_count, result.state_count)


def compile_files(
    files: ProjectFiles, environment: Mapping[str, str] | None, *, cookies_only: bool = False
) -> CompileResult:
    with pause_garbage_collection():
        compiled = compile_project(files.contents, environment, cookies_only=cookies_only)
        gc.freeze()  # it stays until the command ends: no collection need walk through it
    if not files.unreadable:
        return compiled
    # the flows that could not be read are none that are missing
    others = [problem for problem in compiled.problems if problem.code != "FE501"]
    problems = tuple(sort_problems([*files.unreadable, *others]))
    return replace(compiled, release=None, problems=problems)
