// A request of the flow to another system, answered by hand.

import { element } from "./dom.js";
import { buildButton } from "./phone_parties.js";

const MAX_OFFERED = 6;

// The card of a lookup; `answer` takes {answer: …} or {text: …}.
export function buildLookup(lookup, answer) {
  const field = element("input", {
    type: "text",
    class: "field",
    id: "phone-answer",
    placeholder: '200 {"name": "Ann"}, 404 or timeout',
    autocomplete: "off",
    spellcheck: "false",
  });
  const form = element(
    "form",
    { class: "phone-say" },
    field,
    element("button", { type: "submit", class: "button" }, "Answer"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer({ text: field.value });
  });
  return element(
    "section",
    { class: "phone-lookup", "aria-label": `${lookup.service} is asked` },
    element("p", {}, "The flow asks ", element("strong", {}, lookup.service), ". You answer for it:"),
    element("pre", { tabindex: "0" }, lookup.request),
    element("p", { class: "phone-free" }, "Answers to try, with values that are made up"),
    element(
      "div",
      { class: "phone-answers" },
      ...lookup.answers
        .slice(0, MAX_OFFERED)
        .map((offered, at) =>
          buildButton(
            describeAnswer(offered),
            () => answer({ answer: offered }),
            at === 0 ? "button-primary" : "",
          ),
        ),
    ),
    element("label", { for: "phone-answer" }, "Another answer: a status, a body, or both"),
    form,
  );
}

export function describeAnswer(answer) {
  if (answer.fails) return answer.fails === "timeout" ? "no answer in time" : "cannot be reached";
  const body = answer.answer === undefined ? "" : ` ${JSON.stringify(answer.answer)}`;
  return `${answer.status ?? 200}${body}`;
}
