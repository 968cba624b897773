// Events of the console, over one connection for all tabs of the browser: it allows six to a host, and
// the seventh tab would not load.
//
//   listen("project", (value) => …);   gets the latest event of the topic first, where there was one
//   onConnection((isOpen) => …);
//
// The tab that holds the lock reads the events and hands them on to the others. A browser without
// locks (they need https or this machine) reads only while its tab is seen.

const CHANNEL = "flowengine-events";
const listeners = new Map();
const latest = new Map();
const watchers = new Set();
let isOpen = null;
let channel = null;
let hasBegun = false;

export function listen(topic, handle) {
  begin();
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(handle);
  if (latest.has(topic)) handle(latest.get(topic));
}

export function onConnection(handle) {
  begin();
  watchers.add(handle);
  if (isOpen !== null) handle(isOpen);
}

function take(message) {
  if (message.kind === "event") {
    if (JSON.stringify(latest.get(message.topic)) === JSON.stringify(message.value)) return;
    latest.set(message.topic, message.value);
    for (const handle of listeners.get(message.topic) ?? []) handle(message.value);
  } else if (message.kind === "connection" && message.isOpen !== isOpen) {
    if (isOpen === false) latest.clear(); // what failed while the connection was lost is told again
    isOpen = message.isOpen;
    for (const handle of watchers) handle(isOpen);
  } else if (message.kind === "signed-out") {
    location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  }
}

function begin() {
  if (hasBegun) return;
  hasBegun = true;
  if (navigator.locks && window.BroadcastChannel) {
    channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = (event) => take(event.data);
    channel.postMessage({ kind: "hello" });
    navigator.locks.request(CHANNEL, () => new Promise(() => lead()));
  } else {
    followWhileSeen();
  }
}

function lead() {
  channel.onmessage = (event) => {
    if (event.data.kind !== "hello") return;
    for (const [topic, value] of latest) channel.postMessage({ kind: "event", topic, value });
    channel.postMessage({ kind: "connection", isOpen });
  };
  read((message) => {
    take(message);
    channel.postMessage(message);
  });
}

function followWhileSeen() {
  let source = null;
  const change = () => {
    if (document.hidden) source?.close();
    else source = read(take);
  };
  document.addEventListener("visibilitychange", change);
  change();
}

// Topics that no page listens to yet are read all the same: another tab may listen.
const TOPICS = ["project", "callbacks", "counts", "releases", "lines", "live"];

// A server that was started again knows no session of before.
async function askToSignIn(hand) {
  const response = await fetch("/events", { method: "HEAD" }).catch(() => null);
  if (response?.status === 401) hand({ kind: "signed-out" });
}

function read(hand) {
  const source = new EventSource("/events");
  source.onopen = () => hand({ kind: "connection", isOpen: true });
  source.onerror = () => {
    hand({ kind: "connection", isOpen: false });
    // a browser gives up after an answer that is no stream, as while the console starts
    if (source.readyState !== EventSource.CLOSED) return;
    askToSignIn(hand);
    setTimeout(() => read(hand), 5000);
  };
  for (const topic of TOPICS) {
    source.addEventListener(topic, (event) => hand({ kind: "event", topic, value: JSON.parse(event.data) }));
  }
  return source;
}
