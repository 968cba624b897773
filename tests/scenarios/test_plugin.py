"""pytest collects scenarios where it is asked to, and disturbs nobody else."""

from pathlib import Path

import pytest

from tests.scenarios.scenario_project import one, write

pytest_plugins = ["pytester"]
PLUGIN = ("-p", "flowengine.scenarios.plugin", "-p", "no:xdist", "-p", "no:cacheprovider")
BODY = "    then: {hears: Press}\n"


@pytest.fixture
def place(pytester: pytest.Pytester) -> Path:
    pytester.makepyfile(test_other="def test_other():\n    pass\n")
    write(pytester.path, one(f"{BODY}  it fails:\n    then: {{hears: Goodbye}}\n"))
    return pytester.path


def test_without_being_asked_it_collects_nothing(pytester: pytest.Pytester, place: Path) -> None:
    pytester.runpytest(*PLUGIN).assert_outcomes(passed=1)
    pytester.runpytest(*PLUGIN, str(place)).assert_outcomes(passed=1)


@pytest.mark.parametrize("setting", [False, True])
def test_scenarios_are_tests_where_asked_for(
    pytester: pytest.Pytester, place: Path, setting: bool
) -> None:
    if setting:
        (place / "pytest.ini").write_text("[pytest]\nflowengine_flows = flows\n")
    found = pytester.runpytest(*PLUGIN, *([] if setting else ["--flows", "flows", "test_other.py"]))
    found.assert_outcomes(passed=2, failed=1)
    found.stdout.fnmatch_lines(
        ["*the caller never heard this", "*expected: Goodbye", '*hears "For your name*']
    )
    found.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("folder", "why"), [("nowhere", "is no folder"), (".", "has no folder scenarios")]
)
@pytest.mark.usefixtures("place")
def test_folder_without_scenarios_fails_the_run(
    pytester: pytest.Pytester, folder: str, why: str
) -> None:
    found = pytester.runpytest(*PLUGIN, "--flows", folder)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines([f"*--flows: * {why}*"])


def test_file_on_the_command_line_is_run_alone(pytester: pytest.Pytester, place: Path) -> None:
    (place / "pytest.ini").write_text("[pytest]\nflowengine_flows = flows\n")
    pytester.runpytest(*PLUGIN, "test_other.py").assert_outcomes(passed=1)
    pytester.runpytest(*PLUGIN, "flows/scenarios/line.yaml", "-k", "works").assert_outcomes(
        passed=1, deselected=1
    )


def test_mistakes_are_errors_of_collection(pytester: pytest.Pytester, place: Path) -> None:
    (place / "flows" / "scenarios" / "line.yaml").write_text(
        "flow: line\nscenarios: {a: {when: [{pres: 1}]}}\n"
    )
    found = pytester.runpytest(*PLUGIN, "--flows", "flows")
    found.assert_outcomes(passed=0, errors=1)
    found.stdout.fnmatch_lines(
        [
            '*flows/scenarios/line.yaml:2:25: error FE150: unknown key "pres"*',
            '*did you mean "press"?',
        ]
    )
