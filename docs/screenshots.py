"""Writes the pictures of the console in docs/screenshots/: a browser calls a sample flow.

Run `python docs/screenshots.py` after a change of how the console looks. Needs Chromium and what
tests need.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parent
PICTURES = DOCS / "screenshots"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# it says nothing, and is done at once
SILENT = """
speechSynthesis.getVoices = () => [{lang: "en-US", name: "a voice"}];
speechSynthesis.cancel = () => {};
window.SpeechSynthesisUtterance = class extends EventTarget {};
speechSynthesis.speak = (words) => setTimeout(() => words.dispatchEvent(new Event("end")), 1);
"""


def serve_samples(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A console of the sample flows; its address."""
    shutil.copytree(DOCS.parent / "flows", folder / "flows")
    command = [sys.executable, "-m", "flowengine", "console", "flows", "--port", "0"]
    console = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert console.stderr is not None  # noqa: S101  # it is a pipe
    return console, console.stderr.readline().split()[1]


def call_support(page: Page, address: str) -> None:
    """A caller who enters the number of an account, and the answer of the system behind it."""
    page.goto(address)
    page.select_option("#phone-flow", "support-line")
    page.click(".phone-opening .phone-call-button")
    page.wait_for_selector(".phone-key.is-offered")
    page.keyboard.type("118000000")  # the first key is for the menu
    page.wait_for_selector(".phone-lookup")
    page.wait_for_selector(".state.is-current[data-state=look_up]")


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        console, address = serve_samples(Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown: dict[str, Any] = {"viewport": {"width": 1280, "height": 760}}
        page = browser.new_context(**shown, reduced_motion="reduce").new_page()
        page.add_init_script(SILENT)
        try:
            call_support(page, address)
            page.screenshot(path=PICTURES / "phone.png")
        finally:
            browser.close()
            console.terminate()
            console.wait()


if __name__ == "__main__":
    main()
