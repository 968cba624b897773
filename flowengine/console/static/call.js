// One call: its way in the picture of the flow, and what can be tried with it.

import { getJson } from "./api.js";
import { element, find, findAll, showToast } from "./dom.js";
import { FlowPicture } from "./picture.js";

function listSteps(flow, items) {
  return items
    .flatMap((item) => (item.dataset.passed ?? "").split("|"))
    .map((text) => text.split("/"))
    .filter(([own, state]) => own === flow && state)
    .map(([, state, exit]) => ({ state, exit }));
}

async function showPicture(frame) {
  const { flow, current } = frame.dataset;
  const picture = new FlowPicture(frame);
  const items = findAll(".step");
  try {
    await picture.load(`/flows/${encodeURIComponent(flow)}/picture.svg`);
  } catch {
    frame.closest("section").hidden = true;
    return;
  }
  const steps = listSteps(flow, items);
  picture.showWay(steps, current || steps.at(-1)?.state || "");
  for (const [index, item] of items.entries()) {
    item.addEventListener("mouseenter", () => showUpTo(index));
    item.addEventListener("focusin", () => showUpTo(index));
  }
  function showUpTo(index) {
    const part = listSteps(flow, items.slice(0, index + 1));
    picture.showWay(part, part.at(-1)?.state ?? "");
  }
}

async function act(button, show) {
  button.disabled = true;
  try {
    const found = await getJson(button.dataset.path);
    if (found.error) showToast(found.error, "error");
    else show(found);
  } catch (error) {
    showToast(error.message, "error");
  }
  button.disabled = false;
}

function showTrial({ difference, release }) {
  const text = difference
    ? [element("strong", {}, "It would go differently. "), `First in ${difference}.`]
    : [element("strong", {}, "It would go as it went.")];
  find("#trial").replaceChildren(
    element("div", { class: `notice ${difference ? "notice-warning" : "notice-good"}` }, element("p", {}, text, ` Before is the release that answered the call, after are the flows as they are now (${release}). Other systems answer as they did then.`)),
  );
}

function showVariables({ steps }) {
  const own = findAll(".step:not(.step-leg)");
  for (const { at, changes } of steps) {
    const item = own.find((one) => Number(one.dataset.at) === at);
    const box = item && find(".changes", item);
    if (!box || !changes.length) continue;
    box.hidden = false;
    box.replaceChildren(
      ...changes.map(({ flow, name, before, after }) =>
        element("p", { title: `in ${flow}` }, element("code", {}, name), " ", element("del", {}, before || "empty"), " → ", element("ins", {}, after || "empty")),
      ),
    );
  }
  if (!steps.some(({ changes }) => changes.length)) showToast("No variable changed in this call.");
}

function showScenario({ text, taken, wanted }) {
  find("#scenario-text").textContent = text;
  find("#scenario-note").textContent =
    (taken === wanted ? "It takes the whole way of the call. " : `It takes ${taken} of the ${wanted} exits of the call: the flows have changed, or the call depended on more. `) +
    "What the caller pressed and what other systems answered are samples that lead the same way. Keep it in scenarios/ and run flowengine test.";
  find("#scenario-dialog").showModal();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    showToast("Copied.");
  } catch {
    showToast("The browser does not let this page copy: select the text and copy it.", "error");
  }
}

const frame = find("#picture");
if (frame) showPicture(frame);
find("#try")?.addEventListener("click", (event) => act(event.currentTarget, showTrial));
find("#scenario")?.addEventListener("click", (event) => act(event.currentTarget, showScenario));
find("#variables")?.addEventListener("click", (event) => act(event.currentTarget, showVariables));
find("#copy-link").addEventListener("click", () => copy(location.href));
find("#scenario-copy").addEventListener("click", () => copy(find("#scenario-text").textContent));
find("#scenario-close").addEventListener("click", () => find("#scenario-dialog").close());
find("#open-all").addEventListener("click", ({ currentTarget }) => {
  const isOpen = currentTarget.getAttribute("aria-pressed") !== "true";
  currentTarget.setAttribute("aria-pressed", String(isOpen));
  currentTarget.textContent = isOpen ? "Hide callbacks and answers" : "Show callbacks and answers";
  for (const fold of findAll(".wire")) fold.open = isOpen;
});
