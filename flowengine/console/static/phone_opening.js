// What somebody chooses before a call: whom they call, as who, and when. It follows the flows as they
// are saved, and keeps what was chosen and typed.

import { element, refreshElements } from "./dom.js";

const PARTS = ["#phone-older", "#phone-flow", "#phone-nothing"];

export class Opening {
  // `part` has the elements of the page by name; `preview` shows the picture of a flow.
  constructor(part, preview) {
    this.part = part;
    this.preview = preview;
    part.flow.addEventListener("change", () => this.showTarget());
  }

  // The flow that is chosen; none where there is nothing to call.
  findTarget() {
    return this.part.flow.selectedOptions[0];
  }

  // The flows are others now: show those that can be called.
  async refresh() {
    const { part } = this;
    await refreshElements(PARTS);
    const isNew = part.form.hidden;
    part.form.hidden = !part.flow.options.length;
    if (isNew && document.activeElement === document.body) part.go.focus();
    this.showTarget();
  }

  showTarget() {
    const { part } = this;
    const option = this.findTarget();
    if (!option) return;
    const isPlaced = Boolean(option.dataset.placed);
    // the list is too narrow for both
    const facts = [isPlaced ? "" : option.dataset.to, option.dataset.title].filter(Boolean);
    part.targetTitle.textContent = facts.join(" · ");
    part.targetTitle.hidden = !facts.length;
    part.targetHint.hidden = !isPlaced;
    const names = option.dataset.inputs.split(" ").filter(Boolean);
    part.inputsBox.hidden = !isPlaced || names.length === 0;
    this.showInputs(names);
    this.preview(option.value);
  }

  // Fields that stay keep what was typed.
  showInputs(names) {
    const { inputs } = this.part;
    const typed = new Map(listFields(inputs).map((field) => [field.dataset.name, field.value]));
    if (names.join() === [...typed.keys()].join()) return;
    inputs.replaceChildren(...names.map((name) => buildInput(name, typed.get(name))));
  }

  // The call as it was chosen, for the server.
  read() {
    const { part } = this;
    const form = new FormData(part.form);
    const isPlaced = Boolean(this.findTarget()?.dataset.placed);
    const to = String(form.get("to") ?? "").trim();
    return {
      flow: to && !isPlaced ? "" : part.flow.value,
      to,
      caller: String(form.get("caller") ?? ""),
      kind: to ? String(form.get("kind") ?? "") : "",
      time: String(form.get("time") ?? ""),
      lookups: form.get("lookups") ? "scenarios" : "ask",
      data: isPlaced ? this.readInputs() : {},
    };
  }

  readInputs() {
    const filled = listFields(this.part.inputs).filter((field) => field.value !== "");
    return Object.fromEntries(filled.map((field) => [field.dataset.name, parseValue(field.value)]));
  }
}

function listFields(inputs) {
  return [...inputs.querySelectorAll("input")];
}

// It has no name of the form: an input of a flow may be named as a field of ours.
function buildInput(name, value = "") {
  const field = element("input", { type: "text", class: "field", "data-name": name, autocomplete: "off" });
  field.value = value;
  return element("label", {}, name, field);
}

// Data as it is typed: JSON where it is some, else text.
function parseValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
