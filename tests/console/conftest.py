"""Browsers for the pages of the console."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowengine.console import app, call_follower
from tests.console.console_line import write_flows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="package", autouse=True)
def patient_pages() -> Iterator[None]:
    """Pages of tests wait until the whole journal is read and the flows are compiled, on a slow
    machine, too.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(call_follower, "FIRST_READ_SECONDS", 30.0)
        patched.setattr(app, "COMPILE_PATIENCE_SECONDS", 60.0)
        yield


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A project of one flow."""
    return write_flows(tmp_path / "flows")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium. A module that has it has no asynchronous tests: its loop runs meanwhile."""
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # sandboxes of its own are for users other than root
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A tab of a fresh profile. What goes wrong in its scripts, or is against the policy, fails.

    `wait_for_function` needs a function: an expression is evaluated by the page, which our policy
    forbids, as soon as it does not hold at once.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(120_000)  # of a machine with much else to do
    tab = context.new_page()
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on(
        "console",
        lambda message: (
            faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield tab
    context.close()
    assert not faults, faults
