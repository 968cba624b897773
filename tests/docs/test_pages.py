"""The pages say what the code does: generated ones are fresh, nothing is left out, and every
example works.
"""

import importlib.util
from typing import Any

import pytest

from flowengine.expr import FUNCTIONS
from flowengine.model.json_schemas import SCHEMA_MODELS, generate_schema
from flowengine.problems import CATALOGUE
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario
from flowengine.source import read_document
from flowengine.sources.project_folder import read_folder
from flowengine.states import STATE_KINDS
from tests.docs.docs_examples import PAGES, ROOT, Example, examples, files, problems, snippet, world
from tests.test_house import ORDER

ALL = [example for page in PAGES for example in examples(page)]


def built() -> Any:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def marked(language: str, *marks: str) -> list[Any]:
    found = [example for example in ALL if example.language == language and example.mark in marks]
    return [pytest.param(example, id=f"{example.page}:{example.line}") for example in found]


@pytest.mark.parametrize("name", built().PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert page(name) == built().PAGES[name](), "run python docs/build.py"


def test_architecture_lists_packages_in_the_order_of_imports() -> None:
    assert built().PACKAGES == ORDER


@pytest.mark.parametrize("name", STATE_KINDS)
def test_state_kinds_have_a_section_with_their_example(name: str) -> None:
    assert f"\n### {name}\n" in page("language.md")
    assert STATE_KINDS[name].example.strip() in page("language.md")


STRUCTS = {
    name: part for model in SCHEMA_MODELS for name, part in generate_schema(model)["$defs"].items()
}


@pytest.mark.parametrize(
    "name", [name for name in STRUCTS if "properties" in STRUCTS[name] and name != "State"]
)
def test_schema_properties_stand_in_a_table(name: str) -> None:
    text, properties = page("language.md"), STRUCTS[name]["properties"]
    table = built().fields(name)
    assert all(f"\n| `{key}` | " in table for key in properties)
    assert table in text or not properties, f"the page has no table of {name}"


def test_state_properties_are_in_the_page() -> None:
    text = page("language.md")
    for name in STRUCTS["State"]["properties"]:
        assert f"\n| `{name}` | " in text or f"\n### {name}\n" in text, name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_in_the_page(name: str) -> None:
    assert f"`{FUNCTIONS[name].signature}`".replace("|", "\\|") in page("language.md")


@pytest.mark.parametrize("code", CATALOGUE)
def test_problems_are_in_the_page(code: str) -> None:
    assert f"\n### {code}: {CATALOGUE[code].title}\n" in page("problems.md")


@pytest.mark.parametrize("example", marked("yaml", ""))
def test_whole_files_compile(example: Example) -> None:
    if example.text.startswith("project:"):
        flows = {
            f"{other.line}.yaml": other.text.encode()
            for other in ALL
            if other.mark == "" and other.text.startswith("flow:")
        }
        found = problems({"project.yaml": example.text.encode(), **flows})
    else:
        flow = example.text.splitlines()[0].removeprefix("flow: ")  # the world may have one, too
        found = problems({**world("snippet", flow), "example.yaml": example.text.encode()})
        found = [problem for problem in found if problem.span.file == "example.yaml"]
    assert found == []


@pytest.mark.parametrize("example", marked("yaml", "states"))
def test_states_compile_inside_a_flow(example: Example) -> None:
    found, _ = snippet(example.text)
    lonely = "FE228"  # a snippet of a subflow has no caller
    assert [
        problem for problem in found if problem.severity == "error" and problem.code != lonely
    ] == []


@pytest.mark.parametrize("example", marked("yaml", "calendar"))
def test_calendars_compile(example: Example) -> None:
    found = problems(
        {**world("snippet"), "snippet.yaml": MINIMAL, "calendars/one.yaml": example.text.encode()}
    )
    assert [
        problem for problem in found if problem.code != "FE911"
    ] == []  # its flow has no use for secrets


@pytest.mark.parametrize("example", marked("yaml", "group"))
def test_groups_compile(example: Example) -> None:
    around = {**world("snippet"), "snippet.yaml": MINIMAL}
    found = problems({**around, "groups/one.yaml": example.text.encode()})
    # its flow rings nobody, and has no use for secrets
    assert {problem.code for problem in found} == {"FE911", "FE913"}


MINIMAL = b"flow: snippet\nstart: only\nstates:\n  only:\n    say: Hello.\n    hangup:\n"


@pytest.mark.parametrize("example", marked("yaml", "right"))
def test_cures_are_well_formed(example: Example) -> None:
    for name, text in files(example.text).items():
        _, found = read_document(text.encode(), name)
        assert found == []


def list_scenario_files(example: Example) -> dict[str, bytes]:
    """The files of the flow that scenarios are about: on the same page, or of the example flows."""
    flow = example.text.partition("\n")[0]
    beside = [
        other.text.encode()
        for other in ALL
        if (other.page, other.mark, other.text.partition("\n")[0]) == (example.page, "", flow)
    ]
    if not beside:
        return read_folder(ROOT / "flows")
    around = world("snippet")
    route = around["project.yaml"].replace(b"flow: snippet", flow.encode())
    return {**around, "project.yaml": route, "example.yaml": beside[0]}


@pytest.mark.parametrize("example", marked("yaml", "scenarios"))
def test_scenarios_of_a_page_hold(example: Example) -> None:
    project = ScenarioProject.from_files(
        list_scenario_files(example), {"scenarios/example.yaml": example.text.encode()}
    )
    cases, problems = project.load_cases()
    assert [problem for problem in problems if problem.code != "FE911"] == []
    assert [run_scenario(case, project).failures for case in cases] == [()] * len(cases)


@pytest.mark.parametrize("example", marked("python", ""))
def test_python_examples_run(example: Example) -> None:
    exec(compile(example.text, example.page, "exec"), {})


def test_yaml_examples_have_a_known_mark() -> None:
    marks = {example.mark for example in ALL if example.language == "yaml"}
    known = {"", "states", "calendar", "group", "scenarios", "switch", "workflow", "right", "wrong"}
    assert marks <= known | {"recipe"}
