// Lines: how they stand, every few seconds; members sign in and out, callers are taken out.

import { postJson } from "./api.js";
import { find, refreshElement, refreshEvery, refreshQuietly, showToast } from "./dom.js";

const REFRESH_MILLIS = 3000;
const dialog = find("#take-out-dialog"); // for those who may change something
const go = find("#take-out-go");
let asked = null;
let focused = null; // what had the focus last: a refresh may take it away

async function sign(button) {
  const { group, member, sign: status } = button.dataset;
  button.disabled = true;
  try {
    const { message } = await postJson("/lines/sign", { group, member, sign: status });
    showToast(message);
  } catch (error) {
    showToast(error.message, "error");
  }
  await refreshQuietly(refresh);
}

function ask(button) {
  const { dismiss, number, group, title, text } = button.dataset;
  asked = { button: button.id, body: { group, call: dismiss, number: Number(number) } };
  find("#take-out-title").textContent = title;
  find("#take-out-text").textContent = text;
  find("#take-out-error").textContent = "";
  go.textContent = button.textContent;
  dialog.showModal();
}

async function takeOut(event) {
  event.preventDefault();
  const change = asked; // who leaves the dialog meanwhile may ask for another one
  go.disabled = true;
  try {
    const { message } = await postJson("/lines/dismiss", change.body);
    await refreshQuietly(refresh); // before the focus goes back
    if (asked === change) dialog.close();
    showToast(message);
  } catch (error) {
    if (asked === change && dialog.open) find("#take-out-error").textContent = error.message;
    else showToast(error.message, "error");
    await refreshQuietly(refresh);
  }
  go.disabled = false;
}

// The row may have gone meanwhile, or stand there anew.
function returnFocus() {
  (document.getElementById(asked.button) ?? find("#waiting-title"))?.focus();
}

async function refresh() {
  await refreshElement("#lines");
  const isGone = focused !== null && !focused.isConnected;
  if (isGone && document.activeElement === document.body) find("#waiting-title")?.focus({ preventScroll: true });
}

document.addEventListener("focusin", ({ target }) => (focused = target));
document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.sign) sign(button);
  else if (button?.dataset.dismiss) ask(button);
});
find("#take-out")?.addEventListener("submit", takeOut);
find("#take-out-leave")?.addEventListener("click", () => dialog.close());
dialog?.addEventListener("close", returnFocus);

refreshEvery(REFRESH_MILLIS, refresh);
