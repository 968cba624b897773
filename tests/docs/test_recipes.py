"""The files of a recipe are a project: it has no problems, and its scenarios hold."""

import re
from pathlib import Path

import pytest

from flowengine.compile import compile_project
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario
from tests.docs.docs_examples import ROOT, examples

RECIPES = sorted((ROOT / "docs/recipes").glob("*.md"))


def collect_files(page: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of the project, and those with its scenarios."""
    project, scenarios = {}, {}
    for example in examples(page):
        if example.mark != "recipe":
            continue
        name = example.text.partition("\n")[0].partition(": ")[2]
        if example.text.startswith("project:"):
            project["project.yaml"] = example.text.encode()
        elif re.search("^scenarios:", example.text, re.MULTILINE):
            scenarios[f"scenarios/{name}.yaml"] = example.text.encode()
        else:
            project[f"{name}.yaml"] = example.text.encode()
    return project, scenarios


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_recipe_is_a_project_without_problems(page: Path) -> None:
    project, _ = collect_files(page)
    secrets = dict.fromkeys(re.findall(r"\b[A-Z]+_KEY\b", project["project.yaml"].decode()), "key")
    assert list(compile_project(project, secrets).problems) == []


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_scenarios_of_a_recipe_hold(page: Path) -> None:
    project, scenarios = collect_files(page)
    played = ScenarioProject.from_files(project, scenarios)
    cases, problems = played.load_cases()
    assert problems == []
    assert cases
    assert [run_scenario(case, played).failures for case in cases] == [()] * len(cases)
