// The list of flows: narrowed while somebody types, and made anew when files change.
import { listen } from "./events.js";
import { replaceFromPage } from "./documents.js";

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

let isWhole = !field.value;
field.addEventListener("input", async () => {
  if (!isWhole) await replaceFromPage("/flows", "flow-list");
  isWhole = true;
  narrow();
});
listen("project", async () => {
  await replaceFromPage("/flows", "flow-list");
  isWhole = true;
  narrow();
});
