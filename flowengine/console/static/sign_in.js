// Signs in, and goes where somebody wanted to go.

import { postJson } from "./api.js";
import { find } from "./dom.js";

const form = find("#sign-in");

function findTarget() {
  const to = new URLSearchParams(location.search).get("to") ?? "/";
  const target = new URL(to, location.origin);
  return target.origin === location.origin ? target.href : "/";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = find("button", form);
  button.disabled = true;
  find("#sign-in-error").textContent = "";
  try {
    await postJson("/sign-in", { name: form.elements.name.value, token: form.elements.token.value });
    location.replace(findTarget());
  } catch (error) {
    find("#sign-in-error").textContent = error.message;
    button.disabled = false;
    form.elements.token.select();
  }
});
