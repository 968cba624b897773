"""Pages that are refreshed while somebody works with them: what is alike stays."""

from pathlib import Path
from typing import TYPE_CHECKING

from tests.console.console_line import build_settings, serve_console

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Trees with keys, buttons, links, texts and folds; each is made another one, which has to be the same.
PATCH_RANDOM_TREES = """async (rounds) => {
  const { patchElement } = await import("/static/patch.js");
  let seed = 7;
  const choose = (many) => (seed = (seed * 48271) % 2147483647) % many;
  const tags = ["p", "div", "button", "a", "li", "span"];
  function grow(depth) {
    const made = document.createElement(tags[choose(tags.length)]);
    if (choose(3) === 0) made.setAttribute("data-key", `key ${choose(4)}`);
    if (choose(3) === 0) made.setAttribute("class", `class-${choose(3)}`);
    if (choose(4) === 0) made.setAttribute("href", `/${choose(3)}`);
    for (let left = depth && choose(6); left > 0; left -= 1) {
      made.append(choose(3) ? grow(depth - 1) : `text ${choose(3)}`);
    }
    return made;
  }
  const failed = [];
  for (let round = 0; round < rounds; round += 1) {
    const shown = grow(3), fresh = grow(3);
    const wanted = fresh.cloneNode(true), before = shown.outerHTML;
    const box = document.createElement(wanted.nodeName);
    box.append(...shown.childNodes);
    patchElement(box, fresh);
    if (!box.isEqualNode(wanted)) failed.push([before, wanted.outerHTML, box.outerHTML]);
  }
  return failed;
}"""
LISTED = """async ([before, after]) => {
  const { patchElement } = await import("/static/patch.js");
  const { element } = await import("/static/dom.js");
  const build = (rows) => element("div", {}, rows.map(([key, does]) =>
    element("p", { "data-key": key }, element("button", { "data-does": does }, does), " ", element("details", {}, key))));
  const shown = build(before);
  const buttons = new Map([...shown.querySelectorAll("button")].map((one) => [one.dataset.does, one]));
  shown.querySelector("details").open = true;
  patchElement(shown, build(after));
  return [...shown.querySelectorAll("button")].map((one) =>
    [one.dataset.does, buttons.get(one.dataset.does) === one, one.parentElement.querySelector("details").open]);
}"""


def test_element_that_is_patched_is_like_the_fresh_one(page: "Page", flows: Path) -> None:
    with serve_console(build_settings(flows)) as address:
        page.goto(f"{address}/flows")
        assert page.evaluate(PATCH_RANDOM_TREES, 3000) == []


def test_rows_that_come_go_and_change_places_keep_the_buttons_of_others(
    page: "Page", flows: Path
) -> None:
    first, second, third = ["a", "take a"], ["b", "take b"], ["c", "take c"]
    with serve_console(build_settings(flows)) as address:
        page.goto(f"{address}/flows")
        for before, after, kept in (
            ([first, second], [second], [["take b", True, False]]),
            ([first], [third, first], [["take c", False, False], ["take a", True, True]]),
            ([first, second], [second, first], [["take b", True, False], ["take a", True, True]]),
            # what a button does has changed: it is another one
            ([first], [["a", "take d"]], [["take d", False, True]]),
        ):
            assert page.evaluate(LISTED, [before, after]) == kept


def test_refresh_keeps_a_press_the_focus_a_selection_and_what_is_open(
    page: "Page", flows: Path
) -> None:
    with serve_console(build_settings(flows)) as address:
        page.goto(f"{address}/flows/line?state=menu")
        page.locator("#state-scenarios", has_text="No scenario comes by").wait_for()
        page.locator(".sent summary").click()
        page.locator("[data-goto]").first.focus()
        page.evaluate(
            "getSelection().selectAllChildren(document.querySelector('#state-details h2'))"
        )
        page.evaluate(
            "window.kept = [...document.querySelectorAll('#state-details h2, #state-details a')]"
        )
        file = flows / "line.yaml"
        file.write_text(file.read_text().replace("Press 1 for hello.", "Press 1 for a greeting."))
        page.locator(".source", has_text="Press 1 for a greeting.").wait_for()
        assert page.evaluate("kept.every((one) => one.isConnected)")
        assert page.evaluate("document.activeElement.dataset.goto") == "greet"
        assert page.evaluate("String(getSelection())") == "menu"
        assert page.locator(".sent[open]").count() == 1

        box = page.locator("[data-goto]").first.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 3, box["y"] + 3)
        page.mouse.down()
        file.write_text(file.read_text().replace("a greeting.", "words."))
        page.locator(".source", has_text="Press 1 for words.").wait_for()
        page.mouse.up()
        page.get_by_role("heading", name="greet").wait_for()
