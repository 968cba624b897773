"""The console beside a real server with two workers, in browsers: calls that come meanwhile, releases,
a server that is killed and comes again.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.console.console_line import ADMIN
from tests.fork_server import FlowengineProcess
from tests.journal.journal_line import ended, press, ring
from tests.waiting import can_connect, find_free_port, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLOW = """\
flow: line
start: menu
states:
  menu:
    menu: {prompt: For the shop press 1. For the desk press 2., options: {1: shop, 2: desk}, otherwise: desk}
  shop:
    say: The shop is open.
    next: menu
  desk:
    say: Nobody is at the desk.
    hangup:
"""
# What becomes of the connection for events, in order: a page says only what it is now.
CONNECTIONS = """\
window.connections = [];
window.EventSource = class extends EventSource {
  constructor(address) {
    super(address);
    for (const name of ["open", "error"]) this.addEventListener(name, () => connections.push(name));
  }
};
"""
IS_CONNECTED = "() => window.connections?.at(-1) === 'open'"
CHANGED_FLOW = FLOW.replace("The shop is open.", "The shop is closed today.")
PROJECT = "project: story\nroutes: [{flow: line}]\n"


class ServedConsole:
    """`flowengine serve` with two workers and its console, in processes of their own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.flows = folder / "flows"
        self.flows.mkdir()
        (self.flows / "line.yaml").write_text(FLOW)
        (self.flows / "project.yaml").write_text(PROJECT)
        self.port, self.console_port = find_free_port(), find_free_port()
        self.address = f"http://127.0.0.1:{self.console_port}"
        self.environment = {**os.environ, **environment}
        self.log = folder / "log"
        self.process: FlowengineProcess | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--console", f"127.0.0.1:{self.console_port}"]
        arguments = ["serve", "flows", "--workers", "2", *options]
        before = self.read_log().count("listening on")
        # the workers of a server that was killed end a moment later
        wait_until(lambda: not can_connect(self.port), otherwise=self.read_log)
        with self.log.open("ab") as log:
            self.process = FlowengineProcess(
                arguments, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        wait_until(lambda: self.read_log().count("listening on") > before, otherwise=self.read_log)

    def read_log(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def send_signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: int) -> None:
        self.send_signal(number)
        assert self.process is not None
        self.process.wait()

    def post(self, event: dict[str, object]) -> str:
        """A callback of the platform, which a worker answers."""
        url = f"http://127.0.0.1:{self.port}/sinch"
        answer = httpx.post(url, json=event, trust_env=False, timeout=60)
        assert answer.status_code == 200
        return answer.text


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., ServedConsole]]:
    made: list[ServedConsole] = []

    def make(**environment: str) -> ServedConsole:
        made.append(ServedConsole(tmp_path, **environment))
        made[0].start()
        return made[0]

    yield make
    for server in made:
        server.end(signal.SIGTERM)


def open_tab(browser: "Browser") -> "Page":
    """A tab of another person's browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(120_000)
    return context.new_page()


def confirm(page: "Page", button: str, note: str) -> None:
    """Press a button of the page of releases, and say why."""
    page.click(button)
    page.fill("#command [name=note]", note)
    page.keyboard.press("Enter")
    page.locator(f'.changes-log:has-text("{note}")').wait_for()


def test_live_call_moves_through_the_picture_while_another_browser_watches(
    page: "Page", browser: "Browser", make_server: Callable[..., ServedConsole]
) -> None:
    server = make_server()
    server.post(ring("first"))
    watching = open_tab(browser)
    for tab in (page, watching):
        tab.goto(f"{server.address}/live?flow=line")
        tab.locator('.state.is-current[data-state="menu"] .number:has-text("1")').wait_for()
    for number in range(8):  # either worker answers some of them
        server.post(ring(f"call-{number}"))
    page.locator('#figure-calls:has-text("9")').wait_for()
    server.post(press("1", "first"))
    assert "Nobody is at the desk." in server.post(press("2", "first"))
    for tab in (page, watching):
        tab.locator('.state.is-current[data-state="desk"] .number:has-text("1")').wait_for()
        tab.locator('.state.is-current[data-state="menu"] .number:has-text("8")').wait_for()
    server.post(ended("first"))
    watching.locator('#figure-calls:has-text("8")').wait_for()
    watching.check("input[value=passages]")
    watching.locator(
        '.edge[data-from="menu"][data-to="desk"] .number, .edge .number'
    ).first.wait_for(state="attached")
    watching.context.close()


def test_canary_is_published_and_rolled_back_by_browser_alone(
    page: "Page", make_server: Callable[..., ServedConsole]
) -> None:
    server = make_server()
    page.goto(f"{server.address}/releases")
    before = page.inner_text("#live-title ~ p code")
    (server.flows / "line.yaml").write_text(CHANGED_FLOW)
    page.locator(f'#rollback[data-release="{before}"]').wait_for()
    confirm(page, "#rollback", "Not yet")
    assert page.inner_text("#live-title ~ p code") == before

    page.click("#canary-now")
    page.fill("#command [name=share]", "100")
    page.fill("#command [name=note]", "Try it on all")
    page.keyboard.press("Enter")
    page.locator("#canary-title").wait_for()
    server.post(ring("tried"))
    wait_until(lambda: "closed today" in server.post(press("1", "tried")))
    page.locator('#releases .canary-scope:has-text("has answered")').wait_for()
    confirm(page, "#promote", "Good enough")
    page.locator("#canary-title").wait_for(state="detached")
    assert page.inner_text("#live-title ~ p code") != before
    confirm(page, "#rollback", "Back again")
    assert page.inner_text("#live-title ~ p code") == before

    def say_shop() -> bool:
        server.post(ring("later"))
        answer = server.post(press("1", "later"))
        server.post(ended("later"))
        return "The shop is open." in answer

    wait_until(say_shop)


def test_page_says_that_the_server_was_killed_and_comes_back_with_it(
    page: "Page", make_server: Callable[..., ServedConsole]
) -> None:
    server = make_server()
    page.add_init_script(CONNECTIONS)
    page.goto(f"{server.address}/problems")
    page.get_by_role("heading", name="No problems").wait_for()
    page.wait_for_function(IS_CONNECTED)  # the scripts of a page come after its words
    server.end(signal.SIGKILL)
    page.get_by_text("not connected: trying again").wait_for()
    (server.flows / "line.yaml").write_text(FLOW.replace("1: shop", "1: shp"))
    server.start()
    page.get_by_text("there is no state shp").wait_for()
    assert page.inner_text("#connection") == ""


def test_session_outlives_a_reload_of_the_server_and_not_its_end(
    page: "Page", make_server: Callable[..., ServedConsole]
) -> None:
    server = make_server(FLOWENGINE_ADMIN_TOKEN=ADMIN)
    page.add_init_script(CONNECTIONS)
    page.goto(f"{server.address}/lines")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Token").fill(ADMIN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.address}/lines")
    page.wait_for_function(IS_CONNECTED)
    server.send_signal(signal.SIGHUP)
    page.wait_for_function("() => connections.includes('error') && connections.at(-1) === 'open'")
    page.locator("#connection:text-is('')").wait_for(state="attached")
    page.goto(f"{server.address}/problems")
    page.get_by_text("Ann").wait_for()
    server.end(signal.SIGKILL)
    server.start()
    page.wait_for_url(re.compile("/sign-in"))  # by itself
