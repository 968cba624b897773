// The phone: call a flow, hear it, press keys, and see the way that it takes.

import { getJson, postJson } from "./api.js";
import { element, refreshQuietly } from "./dom.js";
import { listen as listenTo } from "./events.js";
import { KeyBuffer, KEYS, isTyping } from "./phone_keys.js";
import { offerListening } from "./phone_listening.js";
import { buildLookup } from "./phone_lookup.js";
import { Opening } from "./phone_opening.js";
import { buildButton, buildParties } from "./phone_parties.js";
import { CallPicture } from "./phone_picture.js";
import { showScenario } from "./phone_saving.js";
import { Speaker } from "./phone_speech.js";
import { formatSeconds, Transcript } from "./phone_transcript.js";

const KEPT = "flowengine-call";
const KEYPAD_ORDER = [...KEYS].sort((one, other) => Number(one === "0") - Number(other === "0"));
const part = Object.fromEntries(
  [...document.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]),
);
const speaker = new Speaker();
const transcript = new Transcript(part.transcript, speaker);
const picture = new CallPicture(part.picture, part.pictureTitle);
const opening = new Opening(part, (flow) => view || picture.preview(flow));
const keys = new KeyBuffer((pressed) => act(pressed), showKeys);
const waitingKeys = [];
let hangsUp = false; // pressed while a request was under way
let view = null;
let busy = false;
let typed = false; // the last key came from the keyboard: there Enter ends the input

// Ask for the next state of the call, and show it. Keys that are pressed meanwhile count after it.
async function go(path, body, isSilent = false) {
  if (busy) return;
  busy = true;
  transcript.finish();
  report(null);
  try {
    show(await postJson(path, body), isSilent);
  } catch (error) {
    waitingKeys.length = 0;
    if (error.status === 404) forget();
    report(error);
  } finally {
    busy = false;
  }
  if (hangsUp) hangUp();
  while (waitingKeys.length && !busy && !part.keypad.hidden) keys.press(waitingKeys.shift());
}

function hangUp() {
  hangsUp = busy;
  if (busy || !view || part.hangup.hidden) return;
  waitingKeys.length = 0;
  act("hang up");
}

const act = (line) => go(`/phone/calls/${view.id}/lines`, { line, known: transcript.known });
const answer = (given) => go(`/phone/calls/${view.id}/answers`, { ...given, known: transcript.known });

function show(next, isSilent) {
  view = next;
  if (location.search) history.replaceState(null, "", location.pathname); // the call has been chosen
  if (part.uncalled) part.uncalled.hidden = true;
  sessionStorage.setItem(KEPT, view.id);
  document.body.classList.add("has-call");
  part.opening.hidden = true;
  part.call.hidden = false;
  part.intro.hidden = true;
  part.messagesBox.hidden = false;
  part.saving.hidden = true;
  showControls();
  picture.follow(view);
  // Whoever listens to the end hears the end before reading of it.
  part.end.hidden = true;
  const shown = view;
  transcript.add(view, isSilent).then(() => shown === view && showEnd());
}

function showControls() {
  const over = view.phase === "over";
  part.number.textContent = describeCalled();
  part.clock.textContent = `${formatClock(view.clock)} · ${formatSeconds(view.seconds)} into the call`;
  part.clock.title = "The clock of the call, which you can set. Time is virtual: nobody waits.";
  part.hint.textContent = describeNext();
  part.notice.textContent = view.notice;
  part.notice.hidden = !view.notice;
  const rings = view.parties.some((party) => party.name === "you");
  part.keypad.hidden = over || rings || view.phase === "lookup";
  part.words.hidden = part.keypad.hidden;
  part.acts.hidden = over || view.phase === "lookup";
  part.anotherCaller.hidden = view.phase === "over" || "placed" in view.given;
  part.park.hidden = view.phase !== "parked";
  part.silence.textContent = view.phase === "asked" ? "Stay silent" : "Let time pass";
  part.hangup.hidden = over || view.phase === "lookup";
  part.save.hidden = over;
  part.back.disabled = !view.steps.length;
  keys.expect(view.awaits?.digits ?? 0);
  for (const button of part.keypad.querySelectorAll("button")) {
    const leads = view.awaits?.keys[button.dataset.key] ?? "";
    button.querySelector(".phone-key-effect").textContent = leads.replaceAll("_", " ");
    button.classList.toggle("is-offered", Boolean(leads));
  }
  part.samples.replaceChildren(...(view.awaits?.samples ?? []).map((one) => buildButton(one, () => act(one))));
  part.samplesRow.hidden = !view.awaits?.samples.length;
  part.parties.replaceChildren(...(over ? [] : buildParties(view.parties, act)));
  part.lookup.replaceChildren(...(view.lookup ? [buildLookup(view.lookup, answer)] : []));
  showValues();
  const [flow, state] = view.place;
  part.state.replaceChildren(...(state ? [buildStateLink(flow, state)] : []));
}

function buildStateLink(flow, state) {
  const path = `/flows/${encodeURIComponent(flow)}/states/${encodeURIComponent(state)}`;
  return element("a", { href: path }, flow === view.flow ? state : `${flow}.${state}`);
}

function showValues() {
  const rows = Object.entries(view.values).filter(([, value]) => value !== "").map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, typeof value === "string" ? value : JSON.stringify(value))),
  );
  part.values.replaceChildren(...rows);
  part.valuesBox.hidden = rows.length === 0;
}

function showEnd() {
  part.end.hidden = view.phase !== "over";
  if (part.end.hidden) return;
  const { result, reason, duration, ended_by: ender, has_succeeded: succeeded } = view.end;
  const who = { caller: "You hung up.", callee: "The other end hung up.", flow: "The flow hung up.", platform: "The platform ended the call." }[ender] ?? "";
  part.endTitle.textContent = succeeded ? "Call ended" : "Something went wrong";
  part.end.classList.toggle("is-bad", !succeeded);
  part.endText.textContent = duration ? `${who} The call lasted ${formatSeconds(duration)}.` : `${who} Nobody has answered.`;
  part.endCodes.textContent = `${result} · ${reason}`;
  part.again.focus({ preventScroll: true });
}

// Others who call are numbered from 2: you are the first.
function nameNextCaller() {
  const names = view.parties.map((party) => party.name);
  return [2, 3, 4, 5, 6, 7, 8, 9].map((number) => `caller${number}`).find((name) => !names.includes(name)) ?? "caller9";
}

function describeCalled() {
  const target = [...part.flow.options].find((option) => option.value === view.flow);
  return target?.dataset.placed ? `${view.flow} calls you` : view.given.to || target?.dataset.to || view.flow;
}

function describeNext() {
  const awaits = view.awaits;
  if (view.phase === "lookup") return "The flow waits for an answer.";
  if (view.phase === "over") return "The call is over.";
  const ringing = view.parties.filter((party) => party.state === "ringing");
  const asked = view.parties.filter((party) => party.is_asked);
  if (awaits) {
    const words = awaits.voice ? ", or say something" : "";
    if (awaits.digits > 1) {
      const least = awaits.least > 0 && awaits.least < awaits.digits ? `${awaits.least} to ` : "";
      const upTo = awaits.least === 0 ? "up to " : "";
      const end = awaits.least === awaits.digits ? "" : ", then #";
      return `Enter ${upTo}${least}${awaits.digits} digits${end}${words}.`;
    }
    const offered = KEYPAD_ORDER.filter((key) => key in awaits.keys);
    return `Press ${joinWith("or", offered) || "a key"}${words}.`;
  }
  if (asked.length) return `${asked[0].name} is asked for a key.`;
  if (ringing.length) return ringing[0].name === "you" ? "Your phone rings." : `${joinWith("and", ringing.map((one) => one.name === "callee" ? one.address : one.name))} ring${ringing.length === 1 ? "s" : ""}: what happens there?`;
  if (view.phase === "parked") return "The call is parked, until your system takes it out.";
  return view.phase === "joined" ? "You are connected. Speak, press keys, or hang up." : "Wait for what comes next.";
}

function joinWith(last, words) {
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}` : (words[0] ?? "");
}

// The clock of the call, in the words of the browser's locale; the time zone is the project's.
function formatClock(iso) {
  const [day, time] = iso.split("T");
  const weekday = new Date(`${day}T12:00:00`).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
  return `${weekday}, ${time.slice(0, 5)}`;
}

function report(error) {
  part.error.hidden = !error;
  part.error.textContent = error ? error.message : "";
}

function forget() {
  sessionStorage.removeItem(KEPT);
  view = null;
  document.body.classList.remove("has-call");
  part.opening.hidden = false;
  part.call.hidden = true;
  part.intro.hidden = false;
  part.messagesBox.hidden = true;
  part.state.replaceChildren();
  part.valuesBox.hidden = true;
  transcript.reset();
  opening.showTarget();
  part.saving.hidden = true;
}

function showKeys(pressed) {
  part.display.textContent = pressed;
  part.done.hidden = !pressed;
}

async function call(path, body) {
  if (busy) return;
  part.changed.hidden = true;
  transcript.reset();
  picture.reset();
  await speaker.playRing();
  await go(path, body);
  if (view) part.hint.focus({ preventScroll: true });
}

function buildKeypad() {
  part.keypad.replaceChildren(
    ...KEYS.map((key) => {
      const button = element(
        "button",
        { type: "button", class: "phone-key", "data-key": key },
        element("span", { class: "phone-key-sign" }, key),
        element("span", { class: "phone-key-effect" }),
      );
      button.addEventListener("click", () => {
        typed = false;
        pressKey(key);
      });
      return button;
    }),
  );
}

function pressKey(key) {
  speaker.playKey(key);
  transcript.finish();
  if (busy) waitingKeys.push(key);
  else keys.press(key);
}

function showMuted() {
  part.mute.setAttribute("aria-pressed", String(!speaker.muted));
  part.mute.textContent = speaker.muted ? "Sound is off" : "Sound is on";
}

function listen() {
  const on = (name, event, does) => part[name]?.addEventListener(event, does);
  on("form", "submit", (event) => {
    event.preventDefault();
    call("/phone/calls", opening.read());
  });
  on("hangup", "click", hangUp);
  on("silence", "click", () => act(""));
  on("wait", "click", () => act(`wait ${part.waitSeconds.value}s`));
  on("anotherCaller", "click", () => act(`${nameNextCaller()} calls`));
  on("back", "click", () => {
    transcript.reset();
    picture.lit = 0;
    go(`/phone/calls/${view.id}/back`, {}, true);
  });
  on("restart", "click", () => call(`/phone/calls/${view.id}/restart`, {}));
  on("again", "click", () => call(`/phone/calls/${view.id}/restart`, {}));
  on("other", "click", forget);
  on("done", "click", () => keys.finish());
  on("save", "click", () => showScenario(part.saving, view.id, "maySave" in part.page.dataset, report));
  on("saveEnd", "click", () => showScenario(part.saving, view.id, "maySave" in part.page.dataset, report));
  on("mute", "click", () => {
    speaker.setMuted(!speaker.muted);
    showMuted();
  });
  on("messages", "change", () => part.transcript.classList.toggle("has-messages", part.messages.checked));
  on("zoomIn", "click", () => picture.zoom(1));
  on("zoomOut", "click", () => picture.zoom(-1));
  on("zoomReset", "click", () => picture.zoom(0));
  on("words", "submit", (event) => {
    event.preventDefault();
    const text = part.wordsField.value.trim();
    part.wordsField.value = "";
    if (text) act(/^[0-9*#]+$/.test(text) ? text : `say ${text}`);
  });
  const hear = (text) => {
    if (text) act(`say ${text}`);
  };
  offerListening(part.listen, () => speaker.locale.replace("_", "-"), hear, report);
  on("park", "submit", (event) => {
    event.preventDefault();
    act(`unpark ${part.parkNumber.value.trim()}`);
  });
  document.addEventListener("keydown", handleKey);
}

function handleKey(event) {
  if (!view || part.keypad.hidden || isTyping(event.target)) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (KEYS.includes(event.key)) {
    pressKey(event.key);
    typed = true;
  } else if (event.key === "Enter" && keys.keys && typed) keys.finish();
  else if (event.key === "Backspace" && keys.keys) keys.drop();
  else return;
  event.preventDefault();
}

// Flows that were saved: a call goes on with those of its beginning. Scenarios and mistakes change none.
function noteChange({ number, release }) {
  const { dataset } = part.page;
  if (number <= Number(dataset.project)) return;
  const isOther = release !== dataset.release;
  Object.assign(dataset, { project: number, release });
  refreshQuietly(() => opening.refresh());
  if (view && isOther) part.changed.hidden = false;
}

// A page that is loaded again goes on with its call.
async function resume() {
  const kept = sessionStorage.getItem(KEPT);
  const isOther = new URLSearchParams(location.search).has("flow"); // "Call it" begins another
  if (!kept || isOther) return;
  try {
    show(await getJson(`/phone/calls/${encodeURIComponent(kept)}`), true);
  } catch {
    forget();
  }
}

buildKeypad();
opening.showTarget();
showMuted();
listen();
resume();
listenTo("project", noteChange);
