"""Writes the pictures of the console in docs/screenshots/: every page, beside a server that callers call.

Run `python docs/screenshots.py` after a change of how the console looks; with names of pages it
makes those alone. Each page is shown in light, in dark, and as narrow as a telephone. Needs Chromium
and what tests need.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parent
PICTURES = DOCS / "screenshots"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CREDENTIALS = {
    "SINCH_APPLICATION_KEY": "669E367E-6BBA-48AB-AF15-266871C28135",
    "SINCH_APPLICATION_SECRET": "BeIukql3pTKJ8RGL5zo0DA==",
}
SECRETS = {"CRM_TOKEN": "of the pictures", "RECORDINGS_KEY": "of the pictures"}
CALLED = ("hunt-group", "support-queue", "support-line", "order-status", "survey", "departments")
PLACE_PATTERN = re.compile(r'\{to: "(\+[0-9]+)", flow: ([a-z-]+)\}')
# it says nothing, and is done at once
SILENT = """
speechSynthesis.getVoices = () => [{lang: "en-US", name: "a voice"}];
speechSynthesis.cancel = () => {};
window.SpeechSynthesisUtterance = class extends EventTarget {};
speechSynthesis.speak = (words) => setTimeout(() => words.dispatchEvent(new Event("end")), 1);
"""
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LOOKS = {"": (WIDE, "light"), "-dark": (WIDE, "dark"), "-narrow": (NARROW, "light")}


@dataclass(frozen=True)
class ShownPage:
    """A page to show, and what brings it to where it is worth looking at."""

    path: str
    prepare: Callable[[Page], object] = lambda _: None


def call_support(page: Page) -> None:
    """A caller who enters the number of an account, and the answer of the system behind it."""
    page.click(".phone-opening .phone-call-button")
    page.wait_for_selector(".phone-key.is-offered")
    page.keyboard.type("118000000")  # the first key is for the menu
    page.wait_for_selector(".phone-lookup")
    page.wait_for_selector(".state.is-current[data-state=look_up]")


def wait_for_numbers(page: Page) -> None:
    page.check("input[value=passages]")
    page.locator(".state .number").first.wait_for()


def open_first_call(page: Page) -> None:
    page.locator("tbody tr.has-legs a").first.click()
    page.locator(".state.is-visited").first.wait_for()


def wait_for_coverage(page: Page) -> None:
    page.locator("#state-scenarios li").first.wait_for()
    page.check("#coverage")
    page.locator("#coverage-found", has_text="Scenarios take").wait_for()


PAGES = {
    "phone": ShownPage("/?flow=support-line", call_support),
    "flows": ShownPage("/flows"),
    "flow": ShownPage("/flows/survey?state=ask_stars", wait_for_coverage),
    "calls": ShownPage("/calls?flow=hunt-group"),
    "call": ShownPage("/calls?flow=hunt-group&progress=ended", open_first_call),
    "live": ShownPage("/live?flow=support-line", wait_for_numbers),
    "releases": ShownPage("/releases"),
    "changes": ShownPage("/releases", lambda page: page.click("#canary-title ~ .toolbar a")),
    "lines": ShownPage("/lines", lambda page: page.locator("#lines tbody tr").first.wait_for()),
    "problems": ShownPage("/problems"),
    "code": ShownPage("/problems/FE203"),
}


class OtherSystems(BaseHTTPRequestHandler):
    """What the sample flows ask, in one: it knows every caller."""

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer()

    def answer(self) -> None:
        body = json.dumps({"name": "Ann", "tier": "gold", "status": "sent", "orders": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_flows(folder: Path, port: int) -> Path:
    """The sample flows, with systems that are on this machine."""
    flows = folder / "flows"
    shutil.copytree(DOCS.parent / "flows", flows)
    project = flows / "project.yaml"
    here = f"url: http://127.0.0.1:{port}\n    private: true"
    text = re.sub(r"url: https://\S+", here, project.read_text())
    project.write_text(text.replace("http://desk.internal:8080/api", f"http://127.0.0.1:{port}"))
    return flows


@contextmanager
def run_command(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of flowengine, as long as it is needed."""
    command = [sys.executable, "-m", "flowengine", *arguments]
    environment = {**os.environ, **CREDENTIALS, **SECRETS}
    log = (folder / f"{arguments[0]}.log").open("wb")
    process = subprocess.Popen(  # noqa: S603  # our own
        command, cwd=folder, stdout=log, stderr=log, env=environment
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        log.close()


def wait_for_port(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


@contextmanager
def serve_line(folder: Path) -> Iterator[str]:
    """A server that callers call, and a change of its flows that a tenth of them try. The address of
    its console.
    """
    systems = ThreadingHTTPServer(("127.0.0.1", 0), OtherSystems)
    threading.Thread(target=systems.serve_forever, daemon=True).start()
    flows = write_flows(folder, systems.server_port)
    port, api, console = (find_free_port() for _ in range(3))
    numbers = {flow: to for to, flow in PLACE_PATTERN.findall((flows / "project.yaml").read_text())}
    served = ["serve", "flows", "--port", str(port), "--api-url", f"http://127.0.0.1:{api}"]
    called = [f"--to={numbers.get(flow, '+14045550100')}" for flow in CALLED]
    load = ["load", f"http://127.0.0.1:{port}/sinch", "--api-port", str(api), *called]
    with ExitStack() as stack:
        stack.enter_context(run_command(folder, *served, "--console", f"127.0.0.1:{console}"))
        wait_for_port(port)
        wait_for_port(console)
        stack.enter_context(run_command(folder, *load, "--calls", "100000", "--rate", "3"))
        changed = (flows / "survey.yaml").read_text()
        (folder / "next").mkdir()
        shutil.copytree(flows, folder / "next" / "flows")
        (folder / "next" / "flows" / "survey.yaml").write_text(change_survey(changed))
        canary = ["canary", "next/flows", "--share", "10%", "--note", "Fewer words"]
        with run_command(folder, *canary) as process:
            process.wait()
        time.sleep(30)  # some callers come, wait and are connected
        yield f"http://127.0.0.1:{console}"
    systems.shutdown()


def change_survey(text: str) -> str:
    """The flow with other words."""
    return re.sub(r"prompt: \w+", "prompt: Please", text, count=1)


def take_pictures(page: Page, address: str, name: str) -> None:
    """A page in all its looks."""
    for suffix, (size, scheme) in LOOKS.items():
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(f"{address}{PAGES[name].path}")
        PAGES[name].prepare(page)
        page.wait_for_timeout(500)  # for fonts and colours
        page.screenshot(path=PICTURES / f"{name}{suffix}.png")


def main() -> None:
    """Write all pictures, or those of the pages that are named."""
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_line(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context().new_page()
        page.set_default_timeout(120_000)  # milliseconds
        page.add_init_script(SILENT)
        for name in sys.argv[1:] or PAGES:
            take_pictures(page, address, name)
        browser.close()


if __name__ == "__main__":
    main()
