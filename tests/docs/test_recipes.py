"""The files of a recipe are those of its template: a project without problems, whose scenarios hold
and take every exit.
"""

import re
from pathlib import Path

import pytest

from flowengine.compile import compile_project
from flowengine.scenarios.coverage import compute_coverage
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario
from flowengine.templates import list_templates, read_template
from tests.docs.docs_examples import ROOT, examples

RECIPES = sorted((ROOT / "docs/recipes").glob("*.md"))


def read_project(template: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of the project, and those with its scenarios."""
    files = {name: text.encode() for name, text in read_template(template, "acme").items()}
    scenarios = {name: files.pop(name) for name in list(files) if name.startswith("scenarios/")}
    return files, scenarios


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_recipe_shows_each_file_of_its_template(page: Path) -> None:
    shown = [example.text for example in examples(page) if example.mark == "recipe"]
    assert sorted(shown) == sorted(read_template(page.stem, "acme").values())


@pytest.mark.parametrize("template", list_templates())
def test_template_is_a_project_without_problems(template: str) -> None:
    project, _ = read_project(template)
    secrets = dict.fromkeys(re.findall(r"\b[A-Z]+_KEY\b", project["project.yaml"].decode()), "key")
    assert list(compile_project(project, secrets).problems) == []


@pytest.mark.parametrize("template", list_templates())
def test_scenarios_of_a_template_hold_and_take_every_exit(template: str) -> None:
    played = ScenarioProject.from_files(*read_project(template))
    cases, problems = played.load_cases()
    assert problems == []
    results = [run_scenario(case, played) for case in cases]
    assert [result.failures for result in results] == [()] * len(cases)
    trace = (entry for result in results for entry in result.trace)
    coverage = compute_coverage(played.compile().programs, trace)
    assert [flow.missing for flow in coverage] == [()] * len(coverage)
