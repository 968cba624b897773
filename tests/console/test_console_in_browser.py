"""The frame of the console in a real browser: live problems, one connection for all tabs, signing in."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console.accessibility import list_faint_texts, list_violations
from tests.console.console_line import (
    ADMIN,
    FLOW,
    READER,
    TOKENS,
    build_settings,
    serve_console,
)
from tests.console.operated_line import CHANGED_FLOW, publish_line, record_calls, write_line

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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


def test_reader_calls_and_tries_and_is_offered_no_change(page: "Page", tmp_path: Path) -> None:
    data = tmp_path / "data"
    publish_line(data)
    with ThreadPoolExecutor() as threads:  # this one has the loop of the browser
        threads.submit(record_calls, data).result()
    flows = write_line(tmp_path / "flows", CHANGED_FLOW)
    store = f"sqlite:{data / 'calls.db'}"
    with serve_console(build_settings(flows, store=store, is_serving=True), TOKENS) as address:
        page.goto(f"{address}/releases")
        page.get_by_label("Your name").fill("Rita")
        page.get_by_label("Token").fill(READER)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/releases")  # and for its scripts
        page.get_by_text("reads only").wait_for()
        page.click("#try-now")
        page.locator("#trial .notice").get_by_text("could not be tried").wait_for()
        assert page.locator("#releases [data-verb]").count() == 0
        refused = page.evaluate(POST_OF_A_PAGE, "/releases/publish")
        assert refused == [403, {"error": "you may read here, and change nothing"}]

        page.goto(f"{address}/lines")
        assert page.locator("#lines button").count() == 0
        page.goto(address)
        page.get_by_role("button", name="Call", exact=True).click()
        page.get_by_role("button", name="Hang up").click()
        page.locator("[data-part=lookup] button").first.click()  # the flow reports the end
        page.click("[data-part=saveEnd]")
        page.get_by_text("It passes").wait_for()
        assert page.get_by_role("button", name="Save", exact=True).count() == 0


POST_OF_A_PAGE = """async (path) => {
  const headers = {"Content-Type": "application/json", "X-Flowengine-Console": "1"};
  const answer = await fetch(path, {method: "POST", headers, body: "{}"});
  return [answer.status, await answer.json()];
}"""
# What a page of another site can send to a console on the machine of who looks at it.
FOREIGN_PAGE = """<!doctype html><title>elsewhere</title>
<form id="form" method="post" enctype="text/plain" action="CONSOLE/releases/rollback" target="frame">
<input name="{}" value=""></form><iframe name="frame"></iframe><iframe src="CONSOLE/releases"></iframe>
<img src="CONSOLE/flows"><script src="CONSOLE/static/shell.js"></script>
<script>
form.submit();
fetch("CONSOLE/releases/rollback", {method: "POST", mode: "no-cors", body: "{}"});
const headers = {"Content-Type": "application/json", "X-Flowengine-Console": "1"};
fetch("CONSOLE/releases/rollback", {method: "POST", headers, body: "{}"}).catch(() => {});
fetch("CONSOLE/calls").then((answer) => { window.stolen = answer.status; }, () => { window.stolen = "nothing"; });
new EventSource("CONSOLE/events");
navigator.sendBeacon("CONSOLE/releases/rollback", "{}");
</script>"""


def test_page_of_another_site_gets_nothing_and_changes_nothing(
    browser: "Browser", tmp_path: Path
) -> None:
    data = tmp_path / "data"
    publish_line(data, CHANGED_FLOW)
    publish_line(data)
    flows = write_line(tmp_path / "flows")
    settings = build_settings(flows, store=f"sqlite:{data / 'calls.db'}", is_serving=True)
    context = browser.new_context()
    page = context.new_page()
    with serve_console(settings) as address:
        answers: list[tuple[str, str, int]] = []
        page.on(
            "response",
            lambda answer: answers.append(
                (answer.request.method, answer.url.removeprefix(address), answer.status)
            ),
        )
        page.route(
            "https://elsewhere.example/",
            lambda route: route.fulfill(
                body=FOREIGN_PAGE.replace("CONSOLE", address), content_type="text/html"
            ),
        )
        page.goto("https://elsewhere.example/")
        page.wait_for_function("() => window.stolen")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.stolen") == "nothing"
        of_console = [one for one in answers if not one[1].startswith("https:")]
        assert {status for _, _, status in of_console} <= {403, 415}, of_console
        page.goto(f"{address}/releases")
        page.locator(".changes-log").wait_for()
        assert "rolled back" not in page.inner_text(".changes-log")
    context.close()
