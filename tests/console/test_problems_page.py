"""The problems of a project, in the browser."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from flowengine.console.app import create_console_app, follow_project
from flowengine.console.console_context import ConsoleContext
from flowengine.console.console_settings import ConsoleTokens
from tests.console.console_line import HTML, build_settings, create_client
from tests.waiting import PATIENCE_SECONDS


def test_problem_is_shown_with_place_line_and_cure(flows: Path) -> None:
    (flows / "line.yaml").write_text(
        (flows / "line.yaml").read_text().replace("1: greet", "1: gret")
    )
    page = create_client(flows).get("/problems").text
    assert "FE203" in page
    assert "line.yaml:5:53" in page
    assert "Press 1 for hello." in page
    assert "^^^^" in page
    assert "greet" in page


def test_project_without_problems_says_what_to_do_next(flows: Path) -> None:
    page = create_client(flows).get("/problems").text
    assert "No problems" in page
    assert 'href="/flows"' in page


def test_problem_of_a_scenario_is_shown(flows: Path) -> None:
    (flows / "scenarios").mkdir()
    (flows / "scenarios" / "line.yaml").write_text("scenarios: [{nam: x}]\n")
    assert "scenarios/line.yaml" in create_client(flows).get("/problems").text


def test_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    page = create_client(tmp_path / "nowhere").get("/problems").text
    assert "cannot be read" in page
    assert "nowhere" in page


async def test_saved_file_changes_the_page_and_is_told(flows: Path) -> None:
    app = create_console_app(build_settings(flows), ConsoleTokens())
    context: ConsoleContext = app.state.context
    async with follow_project(app), aclosing(context.stream.read_events()) as events:
        await context.project.load()
        assert b'"errors":0' in await anext(events)
        (flows / "line.yaml").write_text("flow: line\nstart: nowhere\nstates: {a: {hangup: }}\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert b'"errors":1' in await anext(events)
    assert [problem.code for problem in context.project.latest.problems] == ["FE203"]
    assert context.project.latest.list_flows() == ["line"]  # of the release before


def test_code_is_explained_on_a_page_of_its_own(flows: Path) -> None:
    client = create_client(flows)
    assert "FE301" in client.get("/problems/FE301").text
    assert client.get("/problems/FE999", headers=HTML).status_code == 404


def test_page_that_is_not_there_says_so(flows: Path) -> None:
    client = create_client(flows)
    assert "Nothing is here" in client.get("/no-such-page", headers=HTML).text
    assert client.get("/no-such-page").json() == {"error": "Not Found"}
    page = client.get("/flows/gone", headers=HTML).text
    assert "The project has no such flow." in page
    assert 'href="/flows">All flows' in page
