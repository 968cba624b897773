// Releases: commands with a note, and yesterday's calls tried on another release.

import { postJson } from "./api.js";
import { element, find, refreshElement, refreshEvery, refreshQuietly, showToast } from "./dom.js";
import { listen } from "./events.js";

const REFRESH_MILLIS = 10000;
const dialog = find("#command-dialog");
const form = find("#command");
let asked = null;

function ask(button) {
  const { verb, what, shown, release, share, name, title, text } = button.dataset;
  const body = { ...(what && { what }), ...(shown && { shown }), ...(release && { release }), ...(name && { name }) };
  asked = { verb, body };
  find("#command-title").textContent = title;
  find("#command-text").textContent = text;
  find("#command-error").textContent = "";
  find("#command-go").textContent = button.textContent;
  find("#share-label").hidden = !share;
  form.elements.share.disabled = !share;
  form.elements.share.required = Boolean(share);
  form.elements.share.value = share ?? "";
  form.elements.note.value = "";
  dialog.showModal();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { ...asked.body, note: form.elements.note.value };
  if (!form.elements.share.disabled) body.share = form.elements.share.value;
  find("#command-go").disabled = true;
  try {
    const { message } = await postJson(`/releases/${asked.verb}`, body);
    dialog.close();
    showToast(message);
  } catch (error) {
    find("#command-error").textContent = error.message;
  }
  await refreshQuietly(() => refreshElement("#releases")); // others may have changed it, too
  find("#command-go").disabled = false;
});
find("#command-cancel").addEventListener("click", () => dialog.close());

function describe({ release, same, different, groups, skipped, has_more: hasMore }) {
  const left = Object.values(skipped).reduce((sum, calls) => sum + calls, 0);
  const total = same + different;
  const lines = groups.map(({ difference, calls }) =>
    element("li", {}, `${calls.length === 1 ? "1 call" : `${calls.length} calls`} in ${difference}. `,
      calls.slice(0, 5).map((call, index) => element("a", { href: `/calls/${encodeURIComponent(call)}` }, index ? ` ${index + 1}` : "Call 1")),
      calls.length > 5 ? " …" : ""),
  );
  const reasons = Object.entries(skipped).map(([reason, calls]) => element("li", {}, `${calls} could not be tried: ${reason}`));
  const summary = !total
    ? "No call of the last day could be tried."
    : different
      ? `${different} of ${total} calls of the last day would go differently on ${release}.`
      : `All ${total} calls of the last day would go on ${release} as they went.`;
  return element("div", { class: `notice ${different || !total ? "notice-warning" : "notice-good"}` },
    element("p", {}, element("strong", {}, summary), hasMore ? " (The latest calls only.)" : "", left && total ? ` ${left} could not be tried.` : ""),
    groups.length ? element("p", { class: "muted" }, `Before: the release that answered the call. After: ${release}. Each call is listed by its first difference.`) : null,
    lines.length || reasons.length ? element("ul", { class: "trial-groups" }, lines, reasons) : null,
  );
}

async function tryCalls(button) {
  button.disabled = true;
  const box = find("#trial");
  box.replaceChildren(element("div", { class: "notice" }, element("p", {}, "Trying the calls of the last day …")));
  box.scrollIntoView({ block: "nearest" });
  try {
    const found = await postJson("/releases/trial", { on: button.dataset.try });
    if (found.error) box.replaceChildren(element("div", { class: "notice notice-warning" }, element("p", {}, `The calls cannot be tried: ${found.error}.`)));
    else box.replaceChildren(describe(found));
  } catch (error) {
    box.replaceChildren(element("div", { class: "notice notice-error" }, element("p", {}, error.message)));
  }
  button.disabled = false;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.verb) ask(button);
  else if (button?.dataset.try) tryCalls(button);
});

// Others change releases, too: on this page, on other pages, and by commands.
async function refresh() {
  if (!dialog.open) await refreshElement("#releases");
}

refreshEvery(REFRESH_MILLIS, refresh);
listen("releases", () => refreshQuietly(refresh));
