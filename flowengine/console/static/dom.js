// Builds elements: text only, never markup.
//
//   element("button", { type: "button", class: "button", "data-key": "1" }, "Press ", element("b", {}, "1"))
//
// A value that is a function listens ("onclick"), `true` sets an attribute without a value, and
// `false`, `null` and `undefined` leave it out. Children are elements and texts, also in lists.

import { ConsoleError } from "./api.js";
import { isSame, patchElement } from "./patch.js";

const PATIENCE_MILLIS = 60000; // with a page: a connection may be dead without a sign

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function find(selector, within = document) {
  return within.querySelector(selector);
}

export function findAll(selector, within = document) {
  return [...within.querySelectorAll(selector)];
}

// The page at `path` as a document. (`innerHTML` and `DOMParser` are forbidden by our policy of trusted
// types; the browser parses what a request for a document gets, and runs nothing in it.)
export function loadDocument(path) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.setRequestHeader("Accept", "text/html");
    request.onload = () => (request.status === 200 && request.response ? resolve(request.response) : reject(new ConsoleError(`The console answers ${request.status}.`, request.status)));
    request.timeout = PATIENCE_MILLIS;
    request.onerror = () => reject(new ConsoleError("The console does not answer. Is it still running?", 0));
    request.ontimeout = request.onerror;
    request.send();
  });
}

let requests = 0;
const shownRequests = new Map(); // by selector: the latest request whose answer is shown

// Make elements what the server renders there now. An answer that a later one has overtaken is dropped.
export async function refreshElements(selectors, path = location.href) {
  const request = ++requests;
  const page = await loadDocument(path);
  for (const selector of selectors) {
    if ((shownRequests.get(selector) ?? 0) > request) continue;
    shownRequests.set(selector, request);
    const shown = find(selector);
    const fresh = find(selector, page);
    if (shown && fresh) showFresh(shown, document.importNode(fresh, true));
  }
}

export function refreshElement(selector, path) {
  return refreshElements([selector], path);
}

function showFresh(shown, fresh) {
  const focused = document.activeElement?.id;
  showTimes(fresh);
  if (isSame(shown, fresh)) patchElement(shown, fresh);
  else shown.replaceWith(fresh);
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

// Refresh again and again while somebody looks, one after another however slow the server is.
export async function refreshEvery(milliseconds, refresh) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    if (!document.hidden) await refreshQuietly(refresh);
  }
}

// Refresh now. The page shows a lost connection at its top, and what is missed comes with the next one.
export async function refreshQuietly(refresh) {
  try {
    await refresh();
  } catch (error) {
    if (!(error instanceof ConsoleError)) throw error;
  }
}

// Show <time datetime="…"> in the words and the zone of the browser.
export function showTimes(within = document) {
  for (const time of findAll("time[datetime]", within)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const isToday = at.toDateString() === new Date().toDateString();
    const style = isToday ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "medium" };
    time.textContent = new Intl.DateTimeFormat(undefined, time.hasAttribute("data-full") ? { dateStyle: "long", timeStyle: "long" } : style).format(at);
    time.title = at.toString();
  }
}

// Say something for some seconds, at the edge of the page; screen readers say it, too.
export function showToast(text, kind = "") {
  const toast = element("p", { class: `toast ${kind && `toast-${kind}`}` }, text);
  find("#toasts").append(toast);
  setTimeout(() => toast.remove(), 6000);
}
