"""Each page by keyboard alone: Tab comes to all that can be used, and shows where it is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.console.console_line import build_settings, serve_console
from tests.console.operated_line import CHANGED_FLOW, publish_line, record_calls, write_line

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = (
    "/",
    "/flows",
    "/flows/line?state=main",
    "/flows/line/states/main",
    "/changes",
    "/calls",
    "/calls/bill",
    "/live",
    "/releases",
    "/lines",
    "/problems",
    "/problems/FE203",
)
MAX_STOPS = 400
# Of radio buttons that belong together one is a stop; what is hidden or disabled is none.
LIST_STOPS = """() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.disabled && !one.closest("[inert]"))
  .filter((one) => one.tabIndex >= 0 && (one.type !== "radio" || one.checked))
  .map((one) => { one.dataset.stop = "wanted"; return one.outerHTML.slice(0, 150); })"""
NOTE_STOP = """() => {
  const one = document.activeElement;
  if (one === document.body || one === null) return "";
  const style = getComputedStyle(one);
  const card = one.querySelector(":scope.state > .card");  // a state of a picture has a thick border
  const isSeen = card
    ? parseFloat(getComputedStyle(card).strokeWidth) >= 3
    : style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const isAgain = one.dataset.stop === "reached";
  one.dataset.stop = "reached";
  return JSON.stringify([isAgain, isSeen, one.outerHTML.slice(0, 150)]);
}"""
LIST_MISSED = """() => [...document.querySelectorAll("[data-stop=wanted]")].map((one) => one.outerHTML.slice(0, 150))"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    data = tmp_path / "data"
    publish_line(data, CHANGED_FLOW)
    publish_line(data)
    with ThreadPoolExecutor() as threads:  # this one has the loop of the browser
        threads.submit(record_calls, data).result()
    flows = write_line(tmp_path / "flows", CHANGED_FLOW)
    settings = build_settings(flows, store=f"sqlite:{data / 'calls.db'}", is_serving=True)
    with serve_console(settings) as found:
        yield found


def walk_by_tab(page: "Page") -> list[str]:
    """Press Tab until the page has been gone through; the stops that do not show the focus."""
    unseen: list[str] = []
    for _ in range(MAX_STOPS):
        page.keyboard.press("Tab")
        found = page.evaluate(NOTE_STOP)
        if not found:
            return unseen
        if not found.startswith("[false,true"):
            unseen += [] if found.startswith("[true") else [found]
    raise AssertionError(f"Tab goes round and round: {page.url}")


def test_tab_comes_to_all_that_can_be_used_and_shows_it(page: "Page", address: str) -> None:
    for path in PAGES:
        page.goto(f"{address}{path}")
        page.evaluate("document.activeElement.blur()")
        assert page.evaluate(LIST_STOPS), path
        # to the end, and once more: the first walk may begin anywhere
        assert walk_by_tab(page) + walk_by_tab(page) == [], path
        assert page.evaluate(LIST_MISSED) == [], path


def test_operator_rolls_back_by_keyboard_alone(page: "Page", address: str) -> None:
    page.goto(f"{address}/releases")
    while not page.locator("#rollback:focus").count():
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#command-dialog[open] input:focus").wait_for()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    page.locator('.changes-log:has-text("By keyboard")').wait_for()
