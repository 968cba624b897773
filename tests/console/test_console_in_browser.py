"""The frame of the console in a real browser: live problems, one connection for all tabs, signing in."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console.accessibility import list_faint_texts, list_violations
from tests.console.console_line import ADMIN, FLOW, TOKENS, build_settings, serve_console
from tests.console.operated_line import CHANGED_FLOW, publish_line, record_calls, write_line

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_problems_change_as_files_are_saved_in_each_of_seven_tabs(
    page: "Page", flows: Path
) -> None:
    with serve_console(build_settings(flows)) as address:
        tabs = [page, *(page.context.new_page() for _ in range(6))]
        for tab in tabs:  # a browser opens six connections to a host
            tab.goto(f"{address}/problems")
        (flows / "line.yaml").write_text(FLOW.replace("1: greet", "1: gret"))
        for tab in tabs:
            tab.get_by_text("there is no state gret").wait_for()
            tab.locator("#problem-count", has_text="1").wait_for()
        tabs[0].close()  # the one that read the events for the others
        (flows / "line.yaml").write_text(FLOW)
        for tab in tabs[1:]:
            tab.get_by_role("heading", name="No problems").wait_for()


def test_signing_in_leads_to_the_page_that_was_asked_for(page: "Page", flows: Path) -> None:
    with serve_console(build_settings(flows), TOKENS) as address:
        page.goto(f"{address}/problems?from=chat")
        page.get_by_label("Your name").fill("Ann")
        page.get_by_label("Token").fill("not the token")
        page.keyboard.press("Enter")
        page.get_by_text("not the token of this server").wait_for()
        page.get_by_label("Token").fill(ADMIN)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/problems?from=chat")
        page.get_by_text("Ann").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{address}/sign-in")


def test_pages_are_accessible(page: "Page", flows: Path) -> None:
    (flows / "line.yaml").write_text(FLOW.replace("1: greet", "1: gret"))
    with serve_console(build_settings(flows)) as address:
        for path in ("/no-such-page", "/problems/FE203", "/problems"):
            page.goto(f"{address}{path}")
            assert list_violations(page) == [], path
        assert list_faint_texts(page) == []


def test_pages_of_operators_are_accessible(page: "Page", tmp_path: Path) -> None:
    data = tmp_path / "data"
    publish_line(data)
    with ThreadPoolExecutor() as threads:  # this one has the loop of the browser
        threads.submit(record_calls, data).result()
    flows = write_line(tmp_path / "flows", CHANGED_FLOW)
    store = f"sqlite:{data / 'calls.db'}"
    with serve_console(build_settings(flows, store=store, is_serving=True)) as address:
        for path in ("/lines", "/changes", "/live", "/calls", "/calls/bill", "/releases"):
            page.goto(f"{address}{path}")
            assert list_violations(page) == [], path
        assert list_faint_texts(page) == []
