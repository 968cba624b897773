"""The phone in a browser: somebody calls, hears, presses, is connected, and keeps the call."""

from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from flowengine.cli import main
from tests.console.accessibility import list_faint_texts, list_violations
from tests.console.console_line import build_settings, serve_console
from tests.phone.phone_project import project

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

CALL = ".phone-opening .phone-call-button"
# A browser without voices never speaks; this one has a voice, and tells what it was to say.
VOICES = """\
window.said = [];
const voice = {lang: "en-US", name: "a voice"};
speechSynthesis.getVoices = () => [voice];
speechSynthesis.cancel = () => {};
window.SpeechSynthesisUtterance = class extends EventTarget {
  constructor(text) { super(); this.text = text; }
};
speechSynthesis.speak = (words) => {
  window.said.push(`${words.lang}: ${words.text}`);
  setTimeout(() => words.dispatchEvent(new Event("end")), 1);
};
"""


# A microphone that hears "the shop", as Chromium's recognition tells it.
RECOGNITION = """\
window.SpeechRecognition = class {
  start() {
    window.language = this.lang;
    this.onresult({results: [[{transcript: "the shop"}]]});
    this.onend();
  }
};
"""


def test_caller_speaks_where_the_browser_can_listen(page: "Page", tmp_path: Path) -> None:
    flows = project(tmp_path)
    page.add_init_script(VOICES + RECOGNITION)
    with serve_console(build_settings(flows)) as address:
        page.goto(address)
        page.click(CALL)
        page.get_by_role("button", name="Speak").click()
        page.locator(".phone-transcript", has_text='says "the shop"').wait_for()
        assert list_violations(page) == []
        assert list_faint_texts(page) == []
        assert page.evaluate("language") == "en-US"


def test_phone_comes_alive_when_the_files_are_mended(page: "Page", tmp_path: Path) -> None:
    flows = project(tmp_path)
    right = (flows / "line.yaml").read_text()
    (flows / "line.yaml").write_text(right.replace("states:", "stats:"))
    with serve_console(build_settings(flows)) as address:
        page.goto(f"{address}/?flow=bill")
        page.wait_for_selector("text=Nothing to call")
        page.wait_for_function("() => document.querySelectorAll('.phone-key').length === 12")
        (flows / "line.yaml").write_text(right)
        page.wait_for_selector(CALL)
        assert page.input_value("#phone-flow") == "bill"
        page.click(CALL)
        page.wait_for_selector("[data-part=number] >> text=bill calls you")
        page.reload()
        page.wait_for_selector("[data-part=number] >> text=bill calls you")
        page.goto(f"{address}/?flow=line")
        page.wait_for_selector(CALL)
        assert page.input_value("#phone-flow") == "line"


def test_phone_follows_saved_files_under_a_press_that_has_begun(
    page: "Page", tmp_path: Path
) -> None:
    flows = project(tmp_path)
    text = (flows / "line.yaml").read_text()
    with serve_console(build_settings(flows)) as address:
        page.goto(f"{address}/?flow=bill")
        page.fill("[data-part=inputs] input", "Ann")
        page.click("text=Another number, caller or time")
        page.fill("#phone-time", "sunday 23:00")
        box = page.locator(CALL).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 9, box["y"] + 9)
        page.mouse.down()
        (flows / "line.yaml").write_text(
            text.replace("flow: line\n", "flow: line\ntitle: News\n", 1)
        )
        page.wait_for_selector("#phone-flow option >> text=News", state="attached")
        page.mouse.up()
        page.wait_for_selector("[data-part=number] >> text=bill calls you")
        assert "Sun" in page.inner_text("[data-part=clock]")
        page.click("[data-part=parties] >> text=Answer")
        page.wait_for_selector("[data-part=values] >> text=Ann")


def test_caller_hangs_up_while_the_console_still_answers_a_key(
    page: "Page", tmp_path: Path
) -> None:
    held: list[Route] = []
    with serve_console(build_settings(project(tmp_path))) as address:
        page.goto(f"{address}/?flow=line")
        page.click(CALL)
        page.wait_for_selector(".phone-key.is-offered >> text=shop")
        page.route("**/lines", lambda route: held.append(route), times=1)  # noqa: PLW0108  # playwright marks it
        with page.expect_request("**/lines"):
            page.keyboard.press("1")
        while not held:
            page.wait_for_timeout(10)  # its loop runs meanwhile
        page.click("[data-part=hangup]")
        held[0].continue_()
        page.wait_for_selector("[data-part=hint] >> text=The call is over.")
        assert "presses 1" in page.inner_text(".phone-transcript")


def test_caller_hears_presses_is_connected_and_keeps_the_call(page: "Page", tmp_path: Path) -> None:
    flows = project(tmp_path)
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(VOICES)
    with serve_console(build_settings(flows)) as address:
        page.goto(address)
        page.locator(f"{CALL}:focus").wait_for()
        page.keyboard.press("Enter")
        page.wait_for_selector(".phone-key.is-offered >> text=shop")
        page.wait_for_function("() => said.length === 2")
        assert page.evaluate("said") == [
            "en-US: Welcome to the shop.",
            "en-US: For your order press 1. For the shop press 2.",
        ]
        assert "Press 1 or 2, or say something." in page.inner_text("[data-part=hint]")
        page.wait_for_selector(".state.is-current[data-state=welcome]")
        assert list_violations(page) == []

        page.keyboard.type("11230")  # the keys after the first belong to the next question
        page.wait_for_selector(".phone-lookup >> text=GET /orders/1230")
        page.wait_for_selector(".state.is-current[data-state=look_up]")
        page.wait_for_selector(".edge.is-visited[data-from=ask][data-to=look_up]", state="attached")
        page.fill("#phone-answer", "timeout")
        page.keyboard.press("Enter")

        page.wait_for_selector(".phone-party.is-ringing >> text=+14045009000")
        page.click(".phone-party >> text=Answer")
        page.wait_for_selector("[data-part=hint] >> text=You are connected")
        page.check("text=Show what is sent and received")
        page.click(".phone-line-message summary >> nth=1")
        assert '"name": "runMenu"' in page.inner_text(
            ".phone-line-message[open], details[open] pre"
        )
        page.reload()
        page.click("[data-part=hangup]")

        page.click("[data-part=saveEnd]")
        page.wait_for_selector("text=into scenarios/line-call.yaml")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_selector(".phone-saved")
        page.wait_for_selector("#phone-flow", state="attached")
        assert page.is_hidden("[data-part=changed]")  # the flows are as they were
        assert list_violations(page) == []
    result = CliRunner().invoke(main, ["test", str(flows)])
    assert result.exit_code == 0, result.output
    assert "fails: timeout" in (flows / "scenarios" / "line-call.yaml").read_text()
