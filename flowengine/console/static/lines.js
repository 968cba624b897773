// Lines: how they stand, every few seconds; members sign in and out, callers are taken out.

import { postJson } from "./api.js";
import { find, refreshElement, refreshEvery, refreshQuietly, showToast } from "./dom.js";

const REFRESH_MILLIS = 3000;

async function change(button, path, body) {
  button.disabled = true;
  try {
    const { message } = await postJson(path, body);
    showToast(message);
  } catch (error) {
    showToast(error.message, "error");
  }
  await refreshQuietly(refresh);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.sign) {
    const { group, member, sign } = button.dataset;
    change(button, "/lines/sign", { group, member, sign });
  } else if (button?.dataset.dismiss) {
    if (!confirm(`Take ${button.dataset.who} out of the queue? The call goes on in its flow as after the longest wait.`)) return;
    change(button, "/lines/dismiss", { call: button.dataset.dismiss, number: Number(button.dataset.number) });
  }
});

const refresh = () => refreshElement("#lines");

refreshEvery(REFRESH_MILLIS, refresh);
