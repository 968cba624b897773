// What every page has: the count of problems, whether the console is there, signing out, times.

import { postJson } from "./api.js";
import { find, showTimes, showToast } from "./dom.js";
import { listen, onConnection } from "./events.js";

function showProblems({ errors, warnings }) {
  const count = find("#problem-count");
  if (!count) return;
  count.textContent = errors || warnings || "";
  count.className = `count ${errors ? "count-error" : warnings ? "count-warning" : ""}`;
  count.title = `${errors} errors, ${warnings} warnings`;
}

const count = find("#problem-count");
if (count) {
  showProblems({ errors: Number(count.dataset.errors), warnings: Number(count.dataset.warnings) });
  listen("project", showProblems);
  onConnection((isOpen) => {
    find("#connection").textContent = isOpen ? "" : "not connected: trying again";
  });
}

find("#sign-out")?.addEventListener("click", async () => {
  try {
    await postJson("/sign-out");
    location.assign("/sign-in");
  } catch (error) {
    showToast(error.message, "error");
  }
});

showTimes();
