"""What a supervisor is asked before a caller leaves a queue, by keyboard alone."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowengine.runtime.placements import CANCEL_TASK
from flowengine.runtime.queue_supervision import list_waiting_callers, take_out_caller
from flowengine.storage.sessions import OrchestrationStore
from tests.console.accessibility import list_violations
from tests.console.console_line import build_settings, serve_console
from tests.console.operated_line import SECRET
from tests.console.test_line_pages import (
    fill_call_backs,
    fill_lines,
    list_claimed_keys,
    run_on,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

CALLER, CALL_BACK = "#take-out-first-1", "#take-out-place-waits-1"
FOCUSED = "() => document.activeElement.id"


def run_beside(data: Path, *works: Callable[[OrchestrationStore], Awaitable[object]]) -> None:
    """Work on the store in a thread, as the loop of the browser runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        for work in works:
            thread.submit(run_on, data, work).result()


def open_dialog(page: "Page", button: str) -> None:
    page.locator(button).focus()
    page.keyboard.press("Enter")
    page.locator("#take-out-dialog[open]").wait_for()
    page.wait_for_function("() => document.activeElement.id === 'take-out-leave'")


def close_dialog(page: "Page", key: str, focused: str) -> None:
    page.keyboard.press(key)
    page.locator("#take-out-dialog").wait_for(state="hidden")
    page.wait_for_function("(id) => document.activeElement.id === id", arg=focused)


def test_caller_is_taken_out_by_keyboard_after_a_question(
    page: "Page", flows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", SECRET)
    run_beside(tmp_path, fill_lines, fill_call_backs)
    settings = build_settings(flows, store=f"sqlite:{tmp_path / 'calls.db'}", is_serving=True)
    with serve_console(settings) as address:
        page.goto(f"{address}/lines")
        open_dialog(page, CALLER)
        assert page.text_content("#take-out-title") == "Take the caller out of the queue?"
        assert list_violations(page) == []
        close_dialog(page, "Escape", CALLER.removeprefix("#"))
        open_dialog(page, CALLER)
        close_dialog(page, "Enter", CALLER.removeprefix("#"))  # nothing happens by Enter alone

        open_dialog(page, CALL_BACK)
        assert page.text_content("#take-out-title") == "Cancel the call-back to +*********42?"
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(FOCUSED) == "take-out-go"
        close_dialog(page, "Enter", "waiting-title")  # its row is gone
        page.locator("#toasts", has_text="is cancelled: nobody is called back").wait_for()
        assert page.locator(CALL_BACK).count() == 0
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(list_claimed_keys, tmp_path).result().count(CANCEL_TASK) == 1


def test_caller_who_has_gone_meanwhile_is_told_in_the_dialog(
    page: "Page", flows: Path, tmp_path: Path
) -> None:
    async def leave(store: OrchestrationStore) -> None:
        (caller,) = [
            one for one in await list_waiting_callers(store, 0.0) if one.call == "place-waits"
        ]
        await take_out_caller(store, caller, "omar", 0.0)

    run_beside(tmp_path, fill_lines, fill_call_backs)
    settings = build_settings(flows, store=f"sqlite:{tmp_path / 'calls.db'}", is_serving=True)
    with serve_console(settings) as address:
        page.goto(f"{address}/lines")
        open_dialog(page, CALL_BACK)
        run_beside(tmp_path, leave)
        page.click("#take-out-go")
        page.locator("#take-out-error", has_text="does not wait any more").wait_for()
        close_dialog(page, "Escape", "waiting-title")
