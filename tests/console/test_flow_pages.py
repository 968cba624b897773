"""Flows in the browser: the list, a picture, a state; as answers and in a real browser."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.console.accessibility import list_faint_texts, list_violations
from tests.console.console_line import build_settings, create_client, serve_console
from tests.console.test_hostile_content import HOSTILE, MARK, find_faults, read_markup
from tests.thoroughness import examples

if TYPE_CHECKING:
    from playwright.sync_api import Page

LINE = """\
flow: line
title: The <b>line</b>
start: menu
states:
  # where everybody begins
  menu:
    menu:
      prompt: Press 1 & wait, or 2.
      options: {1: greet, 2: ask}
      otherwise: greet
  greet:
    say: <script>alert(1)</script>
    hangup:

  # asks in another flow
  ask:
    subflow: {flow: other, outcomes: {done: greet}}
    error: greet
"""
OTHER = """\
flow: other
outcomes: [done]
start: told
states:
  told:
    say: Told.
    next: over
  over:
    return: done
"""
SCENARIOS = """\
flow: line
scenarios:
  somebody presses 1:
    when: [{press: 1}]
    then: {hears: alert}
  somebody presses 2, and expects too much:
    when: [{press: 2}]
    then: {hears: Nothing of this.}
"""


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    folder = tmp_path / "flows"
    (folder / "scenarios").mkdir(parents=True)
    (folder / "line.yaml").write_text(LINE)
    (folder / "other.yaml").write_text(OTHER)
    (folder / "scenarios" / "line.yaml").write_text(SCENARIOS)
    (folder / "project.yaml").write_text(
        "project: lines\nroutes: [{to: '+46701234567', flow: line}]\n"
    )
    return folder


def test_list_of_flows_has_titles_numbers_and_problems(lines: Path) -> None:
    client = create_client(lines)
    page = client.get("/flows").text
    assert 'href="/flows/line"' in page
    assert 'href="/flows/other"' in page
    assert "The &lt;b&gt;line&lt;/b&gt;" in page
    assert "+46701234567" in page
    assert 'href="/flows/other"' not in client.get("/flows?q=467012").text
    assert "No flow has these words" in client.get("/flows?q=nothing").text


def test_list_says_in_words_which_calls_come_to_a_flow(lines: Path) -> None:
    placing = LINE.replace("flow: line", "flow: placing").replace(
        "subflow: {flow: other, outcomes: {done: greet}}\n    error: greet",
        'place: {to: "+14045550199", flow: called}\n    next: greet',
    )
    (lines / "placing.yaml").write_text(placing)
    (lines / "called.yaml").write_text(
        "flow: called\nstart: bye\non: {answered: bye}\nstates: {bye: {hangup: }}\n"
    )
    (lines / "project.yaml").write_text(
        "project: lines\nroutes:\n  - {to: '+46701234567', flow: line}\n"
        "  - {origin: mxp, type: number, flow: line}\n  - {origin: server, flow: called}\n"
        "  - {flow: placing}\n"
    )
    page = create_client(lines).get("/flows").text
    rows = {
        name: page.split(f'<th scope="row"><a href="/flows/{name}">')[1].split("</tr>")[0]
        for name in ("line", "other", "called", "placing")
    }
    assert "<code>+46701234567</code>, calls from apps to telephone numbers" in rows["line"]
    assert 'used by</span> <a href="/flows/line">line</a>' in rows["other"]
    assert "calls that your system places" in rows["called"]
    assert 'placed by</span> <a href="/flows/placing">placing</a>' in rows["called"]
    assert "all other calls" in rows["placing"]


def test_project_without_flows_says_what_to_do(tmp_path: Path) -> None:
    assert "flowengine new" in create_client(tmp_path).get("/flows").text


def test_flow_is_a_picture_and_the_same_as_text(lines: Path) -> None:
    page = create_client(lines).get("/flows/line").text
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg" class="flow-picture"') == 1
    for state in ("menu", "greet", "ask"):
        assert f'data-state="{state}"' in page
        assert f'href="/flows/line/states/{state}"' in page
    assert "<script>alert" not in page
    assert "style=" not in page
    assert "<style" not in page


def test_picture_shows_all_or_what_is_around_a_state(lines: Path) -> None:
    client = create_client(lines)
    whole = client.get("/flows/line/picture.svg")
    assert whole.headers["content-type"] == "image/svg+xml"
    assert whole.text.count("data-state=") == 3
    (lines / "line.yaml").write_text(
        LINE.replace("2: ask", "2: first").replace(
            "  greet:", "  first:\n    say: First.\n    next: ask\n  greet:"
        )
    )
    client = create_client(lines)
    near = client.get("/flows/line/picture.svg?around=first").text
    assert near.count("data-state=") == 3
    assert 'data-state="greet"' not in near
    assert (
        client.get("/flows/line/picture.svg?around=first&distance=9").text.count("data-state=") == 4
    )


def test_state_tells_what_was_written_where_it_leads_and_what_it_sends(lines: Path) -> None:
    client = create_client(lines)
    page = client.get("/flows/line/states/menu").text
    assert "line.yaml:6" in page
    assert "Press 1 &amp; wait, or 2." in page
    assert "asks in another flow" not in page
    assert page.count('data-goto="greet"') == 2
    assert "runMenu" in page
    assert "incoming call" in page
    assert page.count('<span class="muted">after a key press</span>') == 2
    assert '<span class="muted">after a key press or silence</span>' in page
    asked = client.get("/flows/line/states/ask").text
    assert 'href="/flows/other"' in asked
    assert 'data-goto="menu"' in asked


def test_state_has_its_scenarios_and_what_none_takes(lines: Path) -> None:
    client = create_client(lines)
    page = client.get("/flows/line/states/menu/scenarios").text
    assert page.index("passes</span> somebody presses 1") < page.index("fails</span> somebody")
    assert "Nothing of this." in page  # why it fails
    assert "No scenario takes" in page
    assert "otherwise" in page
    assert "somebody presses 2" in client.get("/flows/other/states/told/scenarios").text


def test_coverage_of_a_flow_names_what_no_scenario_takes(lines: Path) -> None:
    client = create_client(lines)
    found = client.get("/flows/line/coverage").json()
    assert ["menu", "otherwise"] in found["exits"]
    assert "menu" not in found["states"]
    assert 0 < found["percent"] < 100
    (lines / "scenarios" / "line.yaml").unlink()
    found = create_client(lines).get("/flows/line/coverage").json()
    assert (found["percent"], "menu" in found["states"]) == (0, True)
    assert client.get("/flows/nothing/coverage").status_code == 404


def test_flow_with_errors_is_shown_as_it_was(lines: Path) -> None:
    client = create_client(lines)
    client.get("/flows")
    (lines / "line.yaml").write_text(LINE.replace("2: ask", "2: [ask"))
    (lines / "other.yaml").write_text(OTHER.replace("over:", "end: [x"))
    asyncio.run(client.app.state.context.project.refresh())
    page = client.get("/flows/line").text
    assert "This is the flow as it was before" in page
    assert 'data-state="ask"' in page
    assert "has errors" in client.get("/flows").text


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("say: <script>", "sai: <script>"),  # a state that cannot be compiled
        ("2: ask", "2: aks"),  # an exit that leads nowhere
        ("Press 1 & wait", "${nobody.knows}"),  # a value that there is not
    ],
)
def test_mistake_in_a_state_shows_the_flow_as_it_was(lines: Path, right: str, wrong: str) -> None:
    client = create_client(lines)
    drawn = client.get("/flows/line/picture.svg").text
    (lines / "line.yaml").write_text(LINE.replace(right, wrong))
    asyncio.run(client.app.state.context.project.refresh())
    assert client.get("/flows/line/picture.svg").text == drawn
    assert "This is the flow as it was before" in client.get("/flows/line").text
    row = client.get("/flows").text.split('href="/flows/line"')[1]
    assert '<td class="number">3</td>' in row
    assert "has errors" in row
    assert "line.yaml:6" in client.get("/flows/line/states/menu").text
    never = create_client(lines)
    assert "line.yaml" in never.get("/flows").text
    page = never.get("/flows/line", {"Accept": "text/html"})
    assert page.status_code == 409
    assert "Problems lists them" in page.text


def test_files_with_errors_are_named_where_no_flow_can_be_shown(lines: Path) -> None:
    (lines / "line.yaml").write_text("flow: line\nstart: [")
    (lines / "other.yaml").write_text(OTHER.replace("return: done", "return: [done"))
    page = create_client(lines).get("/flows").text
    assert "line.yaml" in page
    assert "other.yaml" in page
    assert "No flows yet" not in page


def test_problem_of_a_state_is_shown_at_its_line(lines: Path) -> None:
    (lines / "line.yaml").write_text(LINE.replace("  ask:\n", "  lost:\n    hangup:\n  ask:\n"))
    page = create_client(lines).get("/flows/line/states/lost").text
    assert 'class="line has-problem"' in page
    assert "/problems/FE" in page


@pytest.mark.parametrize("distance", ["", "-1", "0", "x", "9" * 5000, "\u0661", "\u00b2"])
def test_picture_is_drawn_for_every_distance_in_an_address(lines: Path, distance: str) -> None:
    path = f"/flows/line/picture.svg?around=menu&distance={distance}"
    assert "data-state=" in create_client(lines).get(path).text


@pytest.mark.parametrize(
    "path",
    [
        "/flows/nowhere",
        "/flows/nowhere/picture.svg",
        "/flows/line/states/nowhere",
        "/flows/nowhere/states/menu",
        "/flows/line/states/nowhere/scenarios",
    ],
)
def test_flow_or_state_that_does_not_exist_is_not_found(lines: Path, path: str) -> None:
    assert create_client(lines).get(path).status_code == 404


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile=HOSTILE)
def test_hostile_text_is_text_in_pictures_and_states(hostile: str, lines: Path) -> None:
    quoted = json.dumps(hostile)
    flow = LINE.replace("The <b>line</b>", quoted).replace("<script>alert(1)</script>", quoted)
    (lines / "line.yaml").write_text(flow.replace("1 & wait, or 2.", f"1\n      again: {quoted}"))
    client = create_client(lines)
    paths = ("flows", "flows/line", "flows/line/states/greet", "flows/line/picture.svg")
    for path in paths:
        page = client.get(f"/{path}").text
        assert read_markup(page).tags & {"script", "b", MARK} <= {"script"}, path
        assert [one for one in find_faults(page) if one != "svg"] == [], path
    assert client.app.state.context.project.latest.is_valid


@pytest.fixture
def address(lines: Path) -> Iterator[str]:
    with serve_console(build_settings(lines)) as found:
        yield found


def test_pages_of_flows_are_accessible(page: "Page", address: str) -> None:
    for path in ("/flows", "/flows/line?state=menu", "/flows/line/states/ask"):
        page.goto(f"{address}{path}")
        assert list_violations(page) == [], path
    page.goto(f"{address}/flows/line?state=menu")
    assert list_faint_texts(page) == []


def test_picture_of_a_wide_flow_fills_its_frame(page: "Page", tmp_path: Path) -> None:
    folder = tmp_path / "wide"
    folder.mkdir()
    (folder / "wide.yaml").write_text(write_wide_flow(60))
    with serve_console(build_settings(folder)) as found:
        page.goto(f"{found}/flows/wide")
        page.wait_for_function(
            """() => {
                const frame = document.getElementById("picture");
                const state = frame.querySelector('.state[data-state="begin"] .card');
                const { top, bottom } = frame.getBoundingClientRect();
                return frame.querySelector("svg").clientWidth === frame.clientWidth
                    && bottom - top > 200 && state.getBoundingClientRect().bottom < bottom;
            }"""
        )


def write_wide_flow(width: int) -> str:
    """A flow that is much wider than high: one state leads to all others."""
    ends = [f"end_{number}" for number in range(width)]
    return (
        "flow: wide\nstart: begin\nstates:\n  begin:\n    choose:\n"
        + "".join(
            f"      - {{when: 'call.from == \"+4670{n:07}\"', next: {end}}}\n"
            for n, end in enumerate(ends)
        )
        + "      - next: end_0\n"
        + "".join(f"  {end}: {{say: This is {end}., hangup: }}\n" for end in ends)
    )


def test_link_to_a_state_leaves_a_picture_that_fits_whole(page: "Page", address: str) -> None:
    page.goto(f"{address}/flows/line?state=menu")
    page.get_by_role("heading", name="menu").wait_for()
    page.wait_for_function(
        """() => {
            const frame = document.getElementById("picture").getBoundingClientRect();
            const ground = document.querySelector("#picture .ground").getBoundingClientRect();
            return ground.top >= frame.top - 5 && ground.bottom <= frame.bottom + 5
                && document.querySelector(".state.is-selected") !== null;
        }"""
    )


def test_picture_shows_what_no_scenario_takes(page: "Page", address: str) -> None:
    page.goto(f"{address}/flows/line")
    page.check("#coverage")
    page.locator("#coverage-found", has_text="Scenarios take").wait_for()
    page.locator('.edge.is-untaken[data-from="menu"]').first.wait_for(state="attached")
    assert list_violations(page) == []
    assert list_faint_texts(page) == []
    page.uncheck("#coverage")
    page.locator(".is-untaken").first.wait_for(state="detached")


def test_author_finds_a_state_in_the_picture_and_mends_it(
    page: "Page", address: str, lines: Path
) -> None:
    page.goto(f"{address}/flows")
    page.get_by_label("Search").fill("467")
    page.get_by_role("link", name="line", exact=True).click()
    page.wait_for_url("**/flows/line")  # and for its scripts
    page.evaluate("document.getElementById('picture').style.width = '60px'")
    page.get_by_role("button", name="Fit").click()
    page.wait_for_function(
        """() => {
            const frame = document.getElementById("picture").getBoundingClientRect();
            const ground = document.querySelector("#picture .ground").getBoundingClientRect();
            return ground.width > 9 && ground.left >= frame.left - 1 && ground.right <= frame.right + 1;
        }"""
    )
    page.evaluate("document.getElementById('picture').style.width = ''")
    page.locator('.state[data-state="ask"]').click()
    page.get_by_role("heading", name="ask").wait_for()
    assert page.url.endswith("/flows/line?state=ask")
    page.get_by_text("somebody presses 2, and expects too much").wait_for()
    page.locator("#state-details").get_by_role("link", name="greet").first.click()
    page.get_by_role("heading", name="greet").wait_for()
    page.locator('.state[data-state="greet"]').focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.locator('#state-details[data-state="menu"], #state-details[data-state="ask"]').wait_for()
    page.get_by_label("Search states").fill("told")
    page.get_by_text("0 found").wait_for()
    (lines / "line.yaml").write_text(
        LINE.replace("  greet:\n", "  other:\n    hangup:\n  greet:\n")
    )
    page.locator('.state[data-state="other"]').wait_for()
