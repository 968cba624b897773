// Those whom the call rings or is connected to: the person at the page plays them.

import { element } from "./dom.js";

const RINGING = {
  you: [["Answer", "answer"], ["Machine answers", "machine"], ["Busy", "busy"], ["Decline", "decline"], ["No answer", "no answer"]],
  callee: [["Answer", "answer"], ["Busy", "busy"], ["Decline", "decline"], ["No answer", "no answer"]],
  member: [["Answer", "answer"], ["Answer and accept", "accept"], ["Busy", "busy"], ["Decline", "decline"], ["No answer", "no answer"]],
};
const RARE = [["Machine answers", "machine"], ["Perhaps a machine", "unsure"], ["Cannot be reached", "congestion"]];
const WORDS = { ringing: "rings", up: "is in the call", gone: "is gone", calling: "calls", "": "is free" };

// The cards of all parties; `act` does what a line says.
export function buildParties(parties, act) {
  const free = parties.filter((party) => ["", "gone"].includes(party.state));
  const others = parties.filter((party) => !free.includes(party));
  return [...others.map((party) => buildParty(party, act)), ...free.map(buildFreeParty)];
}

function buildFreeParty(party) {
  return element("p", { class: "phone-free" }, `${party.name} ${WORDS[party.state]}: ${party.address}`);
}

function buildParty(party, act) {
  const prefix = party.name === "you" || party.name === "callee" ? "" : `${party.name} `;
  const title = party.name === "you" ? "Your phone" : party.name;
  return element(
    "section",
    { class: `phone-party is-${party.state}`, "aria-label": title },
    element(
      "p",
      { class: "phone-party-head" },
      element("strong", {}, title),
      " ",
      element("span", { class: "phone-party-address" }, party.address),
      " ",
      element("span", { class: "phone-party-state" }, WORDS[party.state] ?? party.state),
    ),
    ...(party.state === "ringing" ? buildAnswers(party, prefix, act) : []),
    ...(party.state === "up" ? buildActs(party, act) : []),
  );
}

function buildAnswers(party, prefix, act) {
  const answers = RINGING[party.name] ?? RINGING.member;
  const rare = RARE.map(([label, line]) => buildButton(label, () => act(line)));
  const more = element(
    "details",
    { class: "phone-more" },
    element("summary", {}, "Otherwise"),
    element("div", { class: "phone-acts" }, ...rare),
  );
  return [
    element(
      "div",
      { class: "phone-acts" },
      ...answers.map(([label, line], at) =>
        buildButton(label, () => act(prefix + line), at === 0 ? "button-primary" : ""),
      ),
    ),
    ...(party.name === "callee" ? [more] : []),
  ];
}

function buildActs(party, act) {
  const field = element("input", {
    type: "text",
    class: "field",
    placeholder: party.is_asked ? "a key, or words" : "words, or keys",
    "aria-label": `What ${party.name} says or presses`,
  });
  const form = element(
    "form",
    { class: "phone-say" },
    field,
    element("button", { type: "submit", class: "button" }, "Do"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text) act(`${party.name} ${/^[0-9*#]+$/.test(text) ? text : `say ${text}`}`);
  });
  const accept = party.is_asked
    ? [buildButton("Press 1", () => act(`${party.name} 1`), "button-primary")]
    : [];
  const away = buildButton("Hang up", () => act(`${party.name} hang up`));
  return [element("div", { class: "phone-acts" }, ...accept, away), form];
}

export function buildButton(label, act, kind = "") {
  const button = element("button", { type: "button", class: `button ${kind}` }, label);
  button.addEventListener("click", act);
  return button;
}
