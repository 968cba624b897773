// The page of a flow: its picture, and beside it the state that somebody chose.
import { getJson } from "./api.js";
import { refreshElement, refreshElements, refreshQuietly, showToast } from "./dom.js";
import { listen } from "./events.js";
import { FlowPicture } from "./picture.js";

const page = document.getElementById("flow-page");
const frame = document.getElementById("picture");
const words = document.getElementById("state-words");
const found = document.getElementById("states-found");
const around = document.getElementById("around");
const address = `/flows/${page.dataset.flow}`;
const coverage = document.getElementById("coverage");
const coverageFound = document.getElementById("coverage-found");
const picture = new FlowPicture(frame);
let chosen = "";
let asked = 0;

// A page that another one has replaced, or a state that is gone, is said and is no failure.
function showErrors(work) {
  work.catch((error) => showToast(error.message, "error"));
}

async function showState(state, { isCentred = false } = {}) {
  const turn = ++asked;
  const isOther = state !== chosen;
  chosen = state;
  picture.select(state);
  history.replaceState(null, "", state ? `${address}?state=${state}` : address);
  if (around.checked && isOther) await drawAgain();
  if (isCentred) picture.centre(state);
  if (!state) return;
  await refreshElement("#state-details", `${address}/states/${state}`);
  if (turn !== asked) return;
  await refreshElement("#state-scenarios", `${address}/states/${state}/scenarios`);
}

async function drawAgain() {
  const part = around.checked && chosen ? `?around=${chosen}` : "";
  await picture.load(`${address}/picture.svg${part}`);
  picture.select(chosen);
  narrow();
  await showCoverage();
}

// What no scenario takes is dashed and named, beside its colour.
async function showCoverage() {
  if (!coverage.checked && !frame.classList.contains("has-coverage")) return;
  frame.classList.toggle("has-coverage", coverage.checked);
  coverageFound.textContent = coverage.checked ? "The scenarios run …" : "";
  const isChecked = coverage.checked;
  const found = isChecked ? await getJson(`${address}/coverage`) : { states: [], exits: [] };
  if (isChecked !== coverage.checked) return; // somebody has changed their mind meanwhile
  for (const [name, group] of picture.states) {
    const isUntaken = found.states.includes(name);
    group.classList.toggle("is-untaken", isUntaken);
    picture.setStateNumber(name, isUntaken ? "untested" : "");
  }
  for (const edge of picture.svg?.querySelectorAll(".edge") ?? []) edge.classList.remove("is-untaken");
  for (const [state, exit] of found.exits) picture.findEdge(state, exit)?.classList.add("is-untaken");
  if (coverage.checked) coverageFound.textContent = `Scenarios take ${found.percent} % of the states and exits: green. Yellow and dashed: none takes it.`;
}

function narrow() {
  const names = picture.search(words.value);
  found.textContent = words.value.trim() ? `${names.length} found` : "";
  return names;
}

frame.addEventListener("state-chosen", (event) => showErrors(showState(event.detail.state)));
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-goto]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showErrors(showState(link.dataset.goto, { isCentred: true }));
});
words.addEventListener("input", narrow);
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  const names = narrow();
  const next = names[(names.indexOf(chosen) + 1) % names.length];
  if (next) showErrors(showState(next, { isCentred: true }));
});
coverage.addEventListener("change", () => showErrors(showCoverage()));
around.addEventListener("change", async () => {
  await drawAgain();
  if (!around.checked && chosen) picture.centre(chosen);
});
document.getElementById("zoom-in").addEventListener("click", () => picture.zoom(1.25));
document.getElementById("zoom-out").addEventListener("click", () => picture.zoom(0.8));
document.getElementById("zoom-fit").addEventListener("click", () => picture.fit());
async function showChange() {
  await refreshElements(["#flow-notices", "#flow-text"], address);
  const { x, y, scale } = picture;
  await drawAgain();
  Object.assign(picture, { x, y, scale, isMoved: true });
  picture.apply();
  if (chosen) showErrors(showState(chosen));
}

listen("project", ({ number }) => {
  const notices = document.getElementById("flow-notices");
  if (Number(notices.dataset.number) !== number) refreshQuietly(showChange);
});
if (page.dataset.state) showErrors(showState(page.dataset.state, { isCentred: true }));
