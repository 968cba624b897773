// The call as it is heard and seen, line by line; prompts are spoken as they come.

import { element } from "./dom.js";

export class Transcript {
  constructor(list, speaker) {
    this.list = list;
    this.speaker = speaker;
    this.pending = [];
    this.known = 0;
    this.playing = false;
  }

  reset() {
    this.finish();
    this.list.replaceChildren();
    this.known = 0;
  }

  // Add what is new; the promise settles when all of it was spoken, or somebody did not wait for it.
  async add(view, isSilent = false) {
    if (view.first + view.entries.length < this.known) this.reset();
    const fresh = view.entries.slice(Math.max(0, this.known - view.first));
    this.known = view.first + view.entries.length;
    this.pending.push(...fresh);
    if (isSilent) this.finish();
    if (this.playing) return;
    this.playing = true;
    while (this.pending.length) {
      const entry = this.pending.shift();
      const line = this.append(entry);
      if (entry.sound?.is_near && this.isWorthWaiting(entry)) {
        line.classList.add("is-speaking");
        await this.speaker.say(entry.sound);
        line.classList.remove("is-speaking");
      }
    }
    this.playing = false;
  }

  // After the last words nothing is to come: silence need not be waited for.
  isWorthWaiting(entry) {
    return entry.sound.kind === "speech" || this.pending.some((next) => next.sound);
  }

  // Show all at once: somebody goes on without listening to the end.
  finish() {
    for (const entry of this.pending.splice(0)) this.append(entry);
    this.speaker.stop();
  }

  append(entry) {
    const line = entry.message ? buildMessage(entry) : buildLine(entry);
    this.list.append(line);
    this.list.parentElement.scrollTop = this.list.parentElement.scrollHeight;
    return line;
  }
}

function buildLine(entry) {
  const isHeard = entry.sound || entry.what.startsWith("hears "); // the second by another party
  const kind = isHeard ? "heard" : isDone(entry.who) ? "done" : "event";
  const near = isHeard && !entry.sound?.is_near ? " is-far" : "";
  const bad = entry.bad ? " is-bad" : "";
  const speech = entry.sound?.kind === "speech";
  return element(
    "li",
    { class: `phone-line phone-line-${kind}${near}${bad}` },
    element("span", { class: "phone-line-time" }, formatSeconds(entry.seconds)),
    element("span", { class: "phone-line-who" }, nameSpeaker(entry)),
    element(
      "span",
      { class: "phone-line-what", ...(speech && { lang: entry.sound.locale || null }) },
      entry.sound ? describeSound(entry.sound) : entry.what,
    ),
  );
}

function buildMessage(entry) {
  const { direction, event, body, way, about } = entry.message;
  const arrow = direction === "callback" ? "→" : "←";
  const title = direction === "callback" ? `${event} callback` : `SVAML for ${event}`;
  return element(
    "li",
    { class: "phone-line phone-line-message" },
    element(
      "details",
      {},
      element(
        "summary",
        {},
        element("span", { class: "phone-line-time" }, formatSeconds(entry.seconds)),
        `${arrow} ${about || title}`,
        way ? element("span", { class: "phone-line-way" }, way) : "",
      ),
      element("pre", { tabindex: "0" }, body),
    ),
  );
}

function nameSpeaker(entry) {
  if (entry.who === "-") return "note";
  return entry.sound ? `${entry.who} hears` : entry.who;
}

// Parties act; platform, flow and notes are told of.
function isDone(who) {
  return !["platform", "flow", "-"].includes(who);
}

function describeSound(sound) {
  if (sound.kind === "pause") return `… ${sound.seconds} s`;
  if (sound.kind === "speech") return sound.text;
  return sound.text ? `♪ ${sound.text}` : sound.kind;
}

export function formatSeconds(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
