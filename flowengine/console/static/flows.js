// The list of flows: narrowed while somebody types, and made anew when files change.
import { refreshElement, refreshQuietly } from "./dom.js";
import { listen } from "./events.js";

const field = document.getElementById("flow-words");

function narrow() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...document.querySelectorAll("#flow-list tbody tr")];
  for (const row of rows) {
    const text = row.dataset.words.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
  const hint = document.getElementById("no-flow-found");
  if (hint) hint.hidden = rows.some((row) => !row.hidden);
}

async function showAll() {
  await refreshElement("#flow-list", "/flows");
  isWhole = true;
}

let isWhole = !field.value;
field.addEventListener("input", async () => {
  if (!isWhole) await refreshQuietly(showAll);
  narrow();
});
listen("project", async ({ number }) => {
  if (Number(document.getElementById("flow-list").dataset.number) === number) return;
  await refreshQuietly(showAll);
  narrow();
});
