"""Mistakes in the newer parts of the language and in first projects: each has one message, at its own
characters.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from flowengine.compile import compile_project
from flowengine.problems import Problem, to_text
from flowengine.scenarios.scenario_loader import load_scenarios
from flowengine.sources.project_folder import SCENARIO_FOLDER
from tests.compile.project_texts import files

HERE = Path(__file__).parent


def find_problems(project: dict[str, bytes]) -> list[Problem]:
    scenarios = {name: project[name] for name in project if name.startswith(SCENARIO_FOLDER)}
    flows = {name: project[name] for name in project if name not in scenarios}
    compiled = compile_project(flows, {"LINE_PIN": "4711", "LINE_TOKEN": "abc"})
    found = load_scenarios(scenarios, compiled)[1] if compiled.release else []
    return [*compiled.problems, *found]


@pytest.mark.parametrize("name", ["newer_parts", "first_projects"])
def test_mistake_is_told_once_at_its_own_characters(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    cases: dict[str, str] = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    page, wrong = [], []
    for title, marked in cases.items():
        project = files(re.sub("[«»]", "", marked))
        found = find_problems(project)
        shown = to_text(found, project)
        page.append(f"## {title}\n\n{shown}\n")
        if [mark_problem(project, one) for one in found] != re.findall("[^\n]*«[^\n]*", marked):
            wrong.append(f"{title}:\n{shown}")
    assert "\n".join(wrong) == ""
    golden(HERE / "golden" / f"{name}.txt", "\n".join(page))


def mark_problem(project: dict[str, bytes], problem: Problem) -> str:
    """The line of a problem, with the mark around what it is about."""
    span = problem.span
    line = project[span.file].decode().splitlines()[span.line - 1]
    before, behind = line[: span.column - 1], line[span.end_column - 1 :]
    return f"{before}«{line[span.column - 1 : span.end_column - 1]}»{behind}"
