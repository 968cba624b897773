// The list of calls: times in the zone of the browser, states of the chosen flow, and word of news.

import { find, findAll, loadDocument, refreshElement, refreshQuietly } from "./dom.js";
import { listen } from "./events.js";

const form = find("form[role=search]");

function toLocalInput(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

const query = new URLSearchParams(location.search);
for (const field of findAll("input[type=datetime-local]", form)) {
  if (query.get(field.name)) field.value = toLocalInput(query.get(field.name));
}
form.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) {
    if (!value) formData.delete(name);
    else if (find(`[name="${name}"]`, form).type === "datetime-local") formData.set(name, new Date(value).toISOString());
  }
});
find("#flow").addEventListener("change", () => {
  form.elements.state.value = "";
  form.requestSubmit();
});

function findBeginning(page) {
  return findAll("#calls tbody time", page).map((time) => time.dateTime).sort().pop() ?? "";
}

// Whether a new call is among those that are searched for, the server knows.
let known = null;
listen("counts", async ({ latest }) => {
  const isNewer = known !== null && latest > known;
  known = latest;
  if (latest && find("#no-calls")) {
    await refreshQuietly(() => refreshElement("#calls"));
    return;
  }
  const news = find("#news");
  if (!isNewer || !news?.hidden) return;
  await refreshQuietly(async () => {
    const page = await loadDocument(find("a", news).href);
    news.hidden = findBeginning(page) <= findBeginning(document);
  });
});
