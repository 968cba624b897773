// The call as a scenario: shown first, then written into the folder or copied.

import { postJson } from "./api.js";
import { element } from "./dom.js";
import { buildButton } from "./phone_parties.js";

// Show the scenario of a call in `panel`; who may only read cannot save it.
export async function showScenario(panel, id, maySave, report) {
  const name = element("input", { type: "text", class: "field", id: "phone-scenario-name" });
  const result = element("div", { "aria-live": "polite" });
  const show = async (path) => {
    try {
      const found = await postJson(`/phone/calls/${id}/${path}`, { name: name.value.trim() });
      result.replaceChildren(...buildResult(found, maySave, () => show("scenario/file")));
      if (found.file) panel.querySelector("form").hidden = true;
    } catch (error) {
      report(error);
    }
  };
  const form = element(
    "form",
    { class: "phone-say" },
    element("label", { for: "phone-scenario-name" }, "Name"),
    name,
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  name.addEventListener("change", () => show("scenario"));
  name.placeholder = "what happens in the call";
  panel.replaceChildren(element("h2", {}, "Scenario"), form, result);
  panel.hidden = false;
  await show("scenario");
  panel.scrollIntoView({ block: "nearest" });
}

function buildResult(found, maySave, save) {
  const faults = found.faults.map((fault) => element("li", {}, fault));
  const verdict = faults.length
    ? element("div", { class: "phone-verdict is-bad" }, "It does not pass as it stands:", element("ul", {}, ...faults))
    : element("p", { class: "phone-verdict is-good" }, "It passes: the call goes the same way again.");
  const copy = buildButton("Copy", async () => {
    await navigator.clipboard.writeText(found.text);
    copy.textContent = "Copied";
  });
  const write = buildButton("Save", save, "button-primary");
  const canSave = maySave && found.place && !found.file;
  const saved = found.file
    ? [element("p", { class: "phone-saved" }, "Saved as ", element("code", {}, found.file), ". From now on ", element("code", {}, "flowengine test"), " makes this call, too.")]
    : [];
  return [
    verdict,
    ...saved,
    element("div", { class: "phone-acts" }, ...(canSave ? [write] : []), copy,
      ...(canSave ? [element("span", { class: "muted" }, "into ", element("code", {}, found.place))] : [])),
    element("pre", { tabindex: "0", class: "phone-scenario" }, found.text),
  ];
}
