"""What operators do in a browser: they watch a call, read it, and change what is live."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.console_line import build_settings, serve_console
from tests.console.operated_line import (
    CHANGED_FLOW,
    SECRET,
    publish_line,
    record_calls,
    write_line,
)
from tests.journal.journal_line import press, ring

if TYPE_CHECKING:
    from playwright.sync_api import Page


def record_beside(data: Path, *calls: list[dict[str, Any]]) -> None:
    """Record calls in a thread, as the loop of the browser runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(record_calls, data, *calls).result()


def test_operator_watches_a_call_tries_it_and_publishes(
    page: "Page", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", SECRET)
    flows, data = write_line(tmp_path / "flows", CHANGED_FLOW), tmp_path / "data"
    publish_line(data)
    record_beside(data)
    settings = build_settings(flows, store=f"sqlite:{data / 'calls.db'}", is_serving=True)
    with serve_console(settings) as address:
        page.goto(f"{address}/live?flow=line")
        page.locator('.state[data-state="main"] .number:has-text("1")').wait_for()
        record_beside(data, [ring("new"), press("9", "new")])  # a caller comes to the menu
        page.locator('#figure-calls:text-is("2")').wait_for()
        page.locator('.state[data-state="main"] .number:has-text("2")').wait_for()
        page.check("input[value=passages]")
        page.locator('.edge .number:has-text("1")').first.wait_for()

        page.goto(f"{address}/calls?number=23&progress=ended")
        page.locator("tbody a").last.click()
        page.locator('.state.is-visited[data-state="look_up"]').wait_for()
        page.click("#try")
        page.locator("#trial .notice-warning").wait_for()
        page.click("#variables")
        page.locator(".changes ins").first.wait_for()
        page.click("#scenario")
        page.locator("#scenario-dialog[open]").wait_for()
        assert "press: 1" in (page.text_content("#scenario-text") or "")
        page.keyboard.press("Escape")

        page.goto(f"{address}/releases")
        page.click("#try-now")
        page.locator("#trial .notice-warning").wait_for()
        page.click("#publish-now")
        page.keyboard.type("Exchanged two choices")
        page.keyboard.press("Enter")
        page.locator('.changes-log:has-text("Exchanged two choices")').wait_for()
        page.click("#rollback")
        page.keyboard.press("Enter")
        page.locator('.changes-log:has-text("rolled back to")').wait_for()
