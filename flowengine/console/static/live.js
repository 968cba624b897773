// What happens now: figures, callers in each state, and how many came and left.

import { element, find, findAll, refreshElement, refreshEvery, refreshQuietly } from "./dom.js";
import { listen } from "./events.js";
import { patchElement } from "./patch.js";
import { FlowPicture } from "./picture.js";

const REFRESH_MILLIS = 10000;
const form = find("#choice");
const frame = find("#picture");
let picture = null;
let counts = null;
let passages = [];

form?.addEventListener("change", (event) => {
  if (event.target.name === "show") showNumbers();
  else form.requestSubmit();
});
form?.addEventListener("formdata", ({ formData }) => formData.delete("show"));

function showFigures({ calls, answered, failed, p95 }) {
  find("#figure-calls").textContent = calls;
  find("#figure-answered").textContent = answered;
  find("#quiet").hidden = answered > 0;
  find("#figure-failed").textContent = failed;
  find("#figure-failed").classList.toggle("is-lost", failed > 0);
  find("#figure-p95").textContent = p95 === null ? "–" : `${p95.toFixed(1)} ms`;
}

function showFlows(flows) {
  const { flow, period } = form.elements;
  const items = flows.map(([name, calls]) => element(
    "li",
    { "data-key": name },
    element("a", {
      href: `/live?flow=${encodeURIComponent(name)}&period=${period.value}`,
      ...(name === flow.value ? { "aria-current": "true" } : {}),
    }, name),
    " ",
    element("b", {}, calls),
  ));
  const shown = find("#flows-now");
  const fresh = shown.cloneNode(false);
  fresh.append(...items);
  patchElement(shown, fresh);
}

function countNow(flow) {
  return new Map((counts?.places ?? []).filter(([own]) => own === flow).map(([, state, calls]) => [state, calls]));
}

// An edge may stand for several exits that lead to one state.
function showEdgeNumbers(isNow) {
  const sums = new Map();
  for (const { state, exits } of passages) {
    for (const [exit, times] of exits) {
      const edge = picture.findEdge(state, exit);
      const sum = sums.get(edge) ?? { state, exit, times: 0 };
      sum.times += times;
      if (edge) sums.set(edge, sum);
    }
  }
  for (const { state, exit, times } of sums.values()) picture.setEdgeNumber(state, exit, isNow ? "" : times);
}

function showNumbers() {
  const now = countNow(form.elements.flow.value);
  for (const row of findAll("#drop-offs tr[data-state]")) {
    find(".now", row).textContent = now.get(row.dataset.state) ?? "";
  }
  if (!picture) return;
  const isNow = form.elements.show.value === "now";
  const entered = new Map(passages.map((one) => [one.state, one.entered]));
  for (const state of picture.states.keys()) {
    const calls = now.get(state);
    picture.setStateNumber(state, isNow ? calls ?? "" : entered.get(state) ?? "");
    picture.states.get(state).classList.toggle("is-current", isNow && calls > 0);
  }
  showEdgeNumbers(isNow);
}

// The table has what the picture shows.
function readPassages() {
  passages = findAll("#drop-offs tr[data-state]").map(({ dataset: { state, entered, exits } }) => ({ state, entered: Number(entered), exits: JSON.parse(exits) }));
  showNumbers();
}

async function refresh() {
  const query = new URLSearchParams({ flow: form.elements.flow.value, period: form.elements.period.value });
  await refreshElement("#drop-offs", `/live?${query}`);
  readPassages();
}

async function begin() {
  if (frame) {
    picture = new FlowPicture(frame);
    try {
      await picture.load(`/flows/${encodeURIComponent(frame.dataset.flow)}/picture.svg`);
    } catch {
      picture = null;
    }
  }
  listen("counts", (news) => {
    const isNew = counts && news.callbacks !== counts.callbacks;
    counts = news;
    showFigures(news);
    showFlows(news.flows);
    showNumbers();
    if (isNew && !waiting) waiting = setTimeout(() => { waiting = 0; if (!document.hidden) refreshQuietly(refresh); }, 1500);
  });
  readPassages();
  refreshEvery(REFRESH_MILLIS, refresh);
}

let waiting = 0;
if (form) begin();
else if (find(".empty")) listen("counts", () => location.reload()); // the first call has come
