"""Flows that the compiler cannot take, whatever the cause: every command tells file and cure, and
none ends in a traceback.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from flowengine.cli import main
from flowengine.states import STATE_KINDS
from flowengine.states.builder import StateBuilder
from tests.cli.release_files import Office
from tests.compiled_release import compile_release
from tests.journal.journal_line import ended, press, record, ring
from tests.journal.journal_line import files as line_files
from tests.sources.git_repository import flow

SECRET = "s3cr3t-t0ken"
FAILING = "Kaboom."
ALIASED = flow("line", "&hi Hello.").replace("hangup:", "hangup: *hi")
CONFLICT = f"<<<<<<< HEAD\n{flow('line', 'One.')}=======\n{flow('line', 'Two.')}>>>>>>> main\n"
SCENARIO = (
    "flow: line\nscenarios:\n  greets:\n    when: [caller calls]\n    then:\n      hears: [{}]\n"
)
BROKEN = {"alias": (ALIASED, "FE113"), "conflict": (CONFLICT, "FE120"), "internal": (flow("line", FAILING), "FE509")}  # fmt: skip
Broken = tuple[Path, str]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture(params=BROKEN)
def broken(office: Office, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Broken:  # fmt: skip
    """A folder of flows with such a file, and the code of its problem."""
    text, code = BROKEN[request.param]
    folder = office.folder / "broken"
    (folder / "scenarios").mkdir(parents=True)
    (folder / "line.yaml").write_text(text)
    (folder / "scenarios" / "line.yaml").write_text(SCENARIO.format("Hello."))
    prompt = StateBuilder.compile_prompt

    def failing(*arguments: Any, **named: Any) -> Any:
        if FAILING in arguments:
            raise LookupError(SECRET)
        return prompt(*arguments, **named)

    monkeypatch.setattr(StateBuilder, "compile_prompt", failing)
    return folder, code


Arguments = Callable[[Office, Path], list[str]]
COMMANDS: dict[str, tuple[int, Arguments]] = {
    "check": (1, lambda _, folder: [str(folder)]),
    "check as JSON": (1, lambda _, folder: [str(folder), "--format", "json"]),
    "check as SARIF": (1, lambda _, folder: [str(folder), "--format", "sarif"]),
    "check for GitHub": (1, lambda _, folder: [str(folder), "--format", "github"]),
    "check of a file": (1, lambda _, folder: [str(folder / "line.yaml")]),
    "fix": (1, lambda _, folder: [str(folder)]),
    "explain": (1, lambda _, folder: [str(folder)]),
    "call": (2, lambda _, folder: [str(folder)]),
    "test": (2, lambda _, folder: [str(folder)]),
    "test --generate": (2, lambda _, folder: [str(folder), "--generate"]),
    "diagram": (1, lambda _, folder: [str(folder)]),
    "publish": (1, lambda office, folder: [str(folder), "--store", office.store]),
    "canary": (1, lambda office, folder: [str(folder), "--share", "5%", "--store", office.store]),
    "draft": (1, lambda office, folder: ["d", str(folder), "--caller", "+46701234567", "--store", office.store]),
    "replay": (2, lambda office, folder: [str(office.folder / "journal.db"), "--on", str(folder)]),
    "serve": (1, lambda office, folder: [str(folder), "--store", f"sqlite:{office.folder}/other.db"]),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.usefixtures("server_prepared_in_this_process")
def test_command_on_broken_flows_reports_the_file_and_no_traceback(
    office: Office, broken: Broken, name: str
) -> None:
    folder, code = broken
    record(
        office.folder / "journal.db",
        compile_release(line_files()),
        [ring("a"), press("0", "a"), ended("a")],
    )
    exit_code, arguments = COMMANDS[name]
    result = CliRunner().invoke(
        main, [name.split(maxsplit=1)[0], *arguments(office, folder)], env={"CRM": SECRET}
    )
    assert isinstance(result.exception, SystemExit), result.output
    assert result.exit_code == exit_code, result.output
    assert code in result.output
    assert "line.yaml" in result.output
    assert "Traceback" not in result.output
    assert SECRET not in result.output


def test_diff_compares_what_it_can_read_and_says_that_there_are_mistakes(
    office: Office, broken: Broken
) -> None:
    folder, _ = broken
    result = CliRunner().invoke(main, ["diff", str(office.flows), str(folder)])
    assert result.exit_code == 0, result.output
    assert "has mistakes" in result.output


@pytest.mark.parametrize("where", ["line.yaml", "scenarios/line.yaml"])
@pytest.mark.parametrize("value", ["*a", "&a x", "!t x"])
def test_scenarios_with_aliases_are_told(office: Office, where: str, value: str) -> None:
    (office.flows / "scenarios").mkdir()
    scenario = SCENARIO.format(value if where.startswith("scen") else "Hello.")
    (office.flows / "scenarios" / "line.yaml").write_text(scenario)
    office.save(value if where == "line.yaml" else "Hello.")
    result = CliRunner().invoke(main, ["test", str(office.flows)])
    assert result.exit_code == 2, result.output
    assert f"{where}:" in result.output
    assert {"FE111", "FE112", "FE113"} & set(re.findall(r"FE\d+", result.output))


@pytest.mark.parametrize("value", ["*a", "&a x", "!t x", "<<<<<<< HEAD"])
def test_switch_configuration_with_aliases_is_reported(tmp_path: Path, value: str) -> None:
    file = tmp_path / "switch.yaml"
    marker = value.startswith("<")
    file.write_text(f"region: {'us' if marker else value}\n{value if marker else ''}\n")
    result = CliRunner().invoke(main, ["switch", str(file)])
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert {"FE111", "FE112", "FE113", "FE120"} & set(re.findall(r"FE\d+", result.output))


def test_kind_of_state_that_fails_to_compile_is_an_internal_problem(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_given: Any) -> Any:
        raise AssertionError(SECRET)

    monkeypatch.setitem(STATE_KINDS, "hangup", replace(STATE_KINDS["hangup"], compile=failing))
    result = CliRunner().invoke(main, ["check", str(office.flows), "--format", "json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [problem["code"] for problem in told] == ["FE509"]
    assert "AssertionError in flowengine/compile/flow_compiler.py" in told[0]["message"]
    assert SECRET not in result.output
