"""The scenarios of the example flows take every state and exit, and notice when a flow is changed."""

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from flowengine.compile import ProjectCompiler
from flowengine.scenarios.coverage import compute_coverage
from flowengine.scenarios.scenario_loader import Case
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import ScenarioRun, run_scenario
from flowengine.source import read_document
from tests.thoroughness import THOROUGH

FLOWS = Path(__file__).parents[2] / "flows"
LEADS = ("next", "otherwise", "failed", "answered", "person", "machine", "unsure", "beep")
SPOKEN = ("say", "prompt", "again", "confirm", "intro", "text", "ssml", "audio", "invalid")
OTHER = {"audio": "other.mp3", "ssml": "<speak>Something else.</speak>"}
EQUAL = {
    # to `known`, which leads on to the same
    "confirm-number": [
        "swap ('written', 'choose', 1, 'next')",
        "swap ('not_a_number', 'next')",
    ],
}
Change = tuple[str, Any]
COMPILER = ProjectCompiler()  # compiles what has changed since


@cache
def project() -> tuple[ScenarioProject, list[Case]]:
    found = ScenarioProject.from_folder(FLOWS)
    cases, problems = found.load_cases()
    assert problems == []
    return found, cases


FILES = sorted(path.name for path in FLOWS.glob("*.yaml") if path.name != "project.yaml")


@pytest.mark.parametrize("case", project()[1], ids=lambda case: case.title)
def test_sample_scenario_passes(case: Case) -> None:
    assert run_scenario(case, project()[0]).failures == ()


def test_sample_scenarios_take_each_state_and_exit() -> None:
    found, cases = project()
    trace = [entry for case in cases for entry in run_scenario(case, found).trace]
    assert [
        (flow.flow, str(item))
        for flow in compute_coverage(found.compile().programs, trace)
        for item in flow.missing
    ] == []


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield (*path, key), item
        yield from places(item, (*path, key))


def changes(data: Any) -> Iterator[Change]:
    """A flow with one exit dropped, one target swapped, or one prompt changed."""
    states = data["states"]
    for path, value in places(states):
        *outer, last = path
        if isinstance(value, str) and value in states and last in LEADS:
            yield (
                f"swap {path}",
                changed(data, path, next(name for name in states if name != value)),
            )
        if isinstance(value, str) and (
            last in SPOKEN or (len(outer) > 1 and outer[-1] in SPOKEN and outer[-2] != "choose")
        ):
            yield f"prompt {path}", changed(data, path, OTHER.get(last, "Something else."))
        if outer and outer[-1] in ("options", "on", "choose"):
            yield f"drop {path}", changed(data, path, None)


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    found = copy.deepcopy(data)
    at = found["states"]
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return found


def noticed(file: str, data: Any) -> bool:
    """Whether the check, or a scenario, notices."""
    found, cases = project()
    files = {**found.files, file: msgspec.json.encode(data)}
    environment = dict.fromkeys(found.variables, "x")
    compiled = COMPILER.compile(files, environment)
    if compiled.release is None:
        return True
    ordered = sorted(cases, key=lambda case: case.flow != data["flow"])
    usual = [case for case in ordered if not case.given.environment]
    bare = replace(found, files=files, known={})
    return any(
        ScenarioRun(case, compiled.release, found.zone).run().failures for case in usual
    ) or any(run_scenario(case, bare).failures for case in ordered if case.given.environment)


@pytest.mark.parametrize("file", FILES)
def test_sample_scenarios_notice_a_changed_flow(file: str) -> None:
    document, _ = read_document((FLOWS / file).read_bytes(), file)
    assert document
    flow = document.data["flow"]
    spare = next(
        item.spare
        for item in compute_coverage(project()[0].compile().programs, [])
        if item.flow == flow
    )
    sample = list(changes(document.data))[:: 1 if THOROUGH else 4]
    unnoticed = [name for name, data in sample if not noticed(file, data)]
    assert [name for name in unnoticed if not any(f"('{state}'," in name for state in spare)] == [
        name for name in EQUAL.get(flow, []) if name in dict(sample)
    ]
