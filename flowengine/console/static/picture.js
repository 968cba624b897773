// A flow's picture on a page: pan, zoom, and marks on states and edges.
//
//   const picture = new FlowPicture(frame);      frame: an element that holds the <svg>
//   picture.showWay([{state, exit}, …], "menu");  lights up where a call has been and where it is
//   picture.setStateNumber("menu", "12");         puts a number on a state, "" takes it away
//   picture.setEdgeNumber("menu", "1", "3");      … on the edge of an exit
//   picture.select("menu"); picture.centre("menu"); picture.fit();  the last shows the whole picture
//   await picture.load("/flows/line/picture.svg");  shows another picture
//   frame.addEventListener("state-chosen", event => event.detail.state);

import { loadDocument } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 1.2;
const LEAST_SCALE = 0.05;
const LEAST_READABLE_SCALE = 0.55;
const MOST_SCALE = 3;
const PAN_PIXELS = 60;
const CLICK_PIXELS = 5;

export class FlowPicture {
  constructor(frame) {
    this.frame = frame;
    frame.addEventListener("wheel", (event) => this.zoomByWheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.beginDrag(event));
    frame.addEventListener("pointermove", (event) => this.drag(event));
    frame.addEventListener("pointerup", (event) => this.endDrag(event));
    frame.addEventListener("pointercancel", () => { this.pointers.clear(); });
    frame.addEventListener("keydown", (event) => this.handleKey(event));
    new ResizeObserver(() => {
      if (this.isMoved) return;
      if (this.isFitted) this.fit();
      else this.showStart();
    }).observe(frame);
    this.pointers = new Map();
    this.adopt();
  }

  // Take over the <svg> that the frame holds now.
  adopt() {
    this.svg = this.frame.querySelector("svg");
    this.states = new Map();
    this.isMoved = false;
    if (!this.svg) return;
    this.width = Number(this.svg.getAttribute("width"));
    this.height = Number(this.svg.getAttribute("height"));
    this.svg.setAttribute("role", "group");
    for (const group of this.svg.querySelectorAll(".state")) {
      this.states.set(group.dataset.state, group);
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", "-1");
      group.setAttribute("aria-label", group.querySelector("title").textContent);
      const box = group.querySelector(".card").getBBox();
      group.middle = [box.x + box.width / 2, box.y + box.height / 2];
      group.corner = [box.x, box.y];
    }
    this.states.values().next().value?.setAttribute("tabindex", "0");
    this.showStart();
  }

  // Show the picture at this address of the server.
  async load(address) {
    const root = (await loadDocument(address)).documentElement;
    if (root.localName !== "svg") throw new Error("There is no such picture.");
    const focused = this.svg?.contains(document.activeElement) && document.activeElement.dataset.state;
    this.svg?.remove();
    this.frame.prepend(document.adoptNode(root));
    this.adopt();
    if (this.states.has(focused)) this.focus(this.states.get(focused));
  }

  // The whole picture, however small.
  fit() {
    const { clientWidth, clientHeight } = this.frame;
    if (!this.svg || !clientWidth || !clientHeight) return;
    this.isFitted = true;
    this.isMoved = false;
    this.scale = Math.min(1, clientWidth / this.width, clientHeight / this.height);
    [this.x, this.y] = [this.width / 2, this.height / 2];
    this.apply();
  }

  // The first view: where the whole could not be read, the part where calls begin.
  showStart() {
    if (!this.svg || !this.frame.clientWidth) return;
    this.shrinkFrame();
    const { clientWidth, clientHeight } = this.frame;
    if (!clientHeight) return;
    this.isFitted = false;
    this.scale = Math.min(1, clientWidth / this.width, clientHeight / this.height);
    if (this.scale < LEAST_READABLE_SCALE) this.scale = this.findReadableScale();
    this.x = this.width / 2;
    this.y = Math.min(this.height / 2, clientHeight / this.scale / 2);
    const first = this.svg.querySelector(".entry:not(.is-failing) .pill");
    if (first && this.width * this.scale > clientWidth) {
      this.x = Number(first.getAttribute("x")) + Number(first.getAttribute("width")) / 2;
    }
    this.isMoved = false;
    this.apply();
  }

  // The scale at which the whole width is seen, unless nobody could read it.
  findReadableScale() {
    return Math.min(1, Math.max(LEAST_READABLE_SCALE, this.frame.clientWidth / this.width));
  }

  // A frame around a small picture is no taller than it; it never shrinks below an earlier one.
  shrinkFrame() {
    const height = this.height * this.findReadableScale();
    this.tallest = Math.max(this.tallest ?? 0, Math.ceil(height) + 8);
    this.frame.style.maxHeight = `${this.tallest}px`;
  }

  // The part of the picture that is seen: a view box never needs a style.
  apply() {
    const width = this.frame.clientWidth / this.scale;
    const height = this.frame.clientHeight / this.scale;
    this.x = Math.min(Math.max(this.x, 0), this.width);
    this.y = Math.min(Math.max(this.y, 0), this.height);
    this.svg.setAttribute("viewBox",
      `${this.x - width / 2} ${this.y - height / 2} ${width} ${height}`);
    this.svg.setAttribute("width", this.frame.clientWidth);
    this.svg.setAttribute("height", this.frame.clientHeight);
  }

  move(right, down) {
    this.isMoved = true;
    this.x += right / this.scale;
    this.y += down / this.scale;
    this.apply();
  }

  // Zoom so that what is at this point of the frame stays there.
  zoom(factor, at = [this.frame.clientWidth / 2, this.frame.clientHeight / 2]) {
    const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, this.scale * factor));
    const shift = 1 / this.scale - 1 / scale;
    this.x += (at[0] - this.frame.clientWidth / 2) * shift;
    this.y += (at[1] - this.frame.clientHeight / 2) * shift;
    this.scale = scale;
    this.isMoved = true;
    this.apply();
  }

  zoomByWheel(event) {
    if (!this.svg) return;
    event.preventDefault();
    const box = this.frame.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top];
    if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY / 120), at);
    else if (event.deltaMode || Math.abs(event.deltaY) >= 100 && !event.deltaX) {
      this.zoom(event.deltaY < 0 ? STEP : 1 / STEP, at);
    } else this.move(event.deltaX, event.deltaY);
  }

  beginDrag(event) {
    if (event.button || !this.svg || event.target.closest("a, button, input")) return;
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.begun = [event.clientX, event.clientY];
    this.pressed = event.target.closest(".state") ?? event.target.closest(".jump");
    this.isDragged = false;
  }

  drag(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const now = [event.clientX, event.clientY];
    if (!this.isDragged && Math.hypot(now[0] - this.begun[0], now[1] - this.begun[1]) < CLICK_PIXELS) return;
    if (!this.isDragged) this.frame.setPointerCapture(event.pointerId);
    this.isDragged = true;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const before = Math.hypot(last[0] - other[0], last[1] - other[1]);
      const after = Math.hypot(now[0] - other[0], now[1] - other[1]);
      const box = this.frame.getBoundingClientRect();
      if (before) this.zoom(after / before, [other[0] - box.left, other[1] - box.top]);
    } else this.move(last[0] - now[0], last[1] - now[1]);
    this.pointers.set(event.pointerId, now);
  }

  endDrag(event) {
    const wasPressed = this.pointers.delete(event.pointerId);
    if (!wasPressed || this.isDragged || !this.pressed) return;
    const jump = this.pressed.closest(".jump")?.parentElement.dataset.to;
    this.choose(jump ?? this.pressed.dataset.state);
    if (jump) this.centre(jump);
  }

  handleKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.svg) return;
    const group = document.activeElement?.closest?.(".state");
    const actions = {
      "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP),
      "0": () => this.fit(),
    };
    const arrows = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    };
    if (actions[event.key]) actions[event.key]();
    else if (group && (event.key === "Enter" || event.key === " ")) this.choose(group.dataset.state);
    else if (arrows[event.key] && group && !event.shiftKey) this.focusNext(group, arrows[event.key]);
    else if (arrows[event.key]) {
      this.move(arrows[event.key][0] * PAN_PIXELS, arrows[event.key][1] * PAN_PIXELS);
    } else return;
    event.preventDefault();
  }

  // The next state in this direction, rather straight ahead than near.
  focusNext(from, [right, down]) {
    let best = null;
    let least = Infinity;
    for (const group of this.states.values()) {
      const along = (group.middle[0] - from.middle[0]) * right + (group.middle[1] - from.middle[1]) * down;
      const aside = Math.abs((group.middle[0] - from.middle[0]) * down) + Math.abs((group.middle[1] - from.middle[1]) * right);
      const distance = along + 2 * aside;
      if (group !== from && along > 1 && distance < least) [best, least] = [group, distance];
    }
    if (!best) return;
    this.focus(best);
    this.show(best);
  }

  // One state at a time is a stop of the Tab key.
  focus(group) {
    for (const other of this.states.values()) other.setAttribute("tabindex", other === group ? "0" : "-1");
    group.focus({ preventScroll: true });
  }

  // Move the picture as little as needed to have the state in sight.
  show(group) {
    const width = this.frame.clientWidth / this.scale / 2 - 90;
    const height = this.frame.clientHeight / this.scale / 2 - 60;
    const [x, y] = group.middle;
    const [left, top] = [this.x, this.y];
    this.x = width > 0 ? Math.min(Math.max(this.x, x - width), x + width) : x;
    this.y = height > 0 ? Math.min(Math.max(this.y, y - height), y + height) : y;
    if (this.x !== left || this.y !== top) this.isMoved = true;
    this.apply();
  }

  choose(state) {
    this.select(state);
    this.frame.dispatchEvent(new CustomEvent("state-chosen", { detail: { state }, bubbles: true }));
  }

  select(state) {
    for (const [name, group] of this.states) group.classList.toggle("is-selected", name === state);
  }

  centre(state) {
    const group = this.states.get(state);
    if (!group) return;
    if (this.scale < 0.7) this.scale = 0.9;
    // a picture that is seen whole in a direction stays where it is
    const { clientWidth, clientHeight } = this.frame;
    this.x = this.width * this.scale <= clientWidth ? this.width / 2 : group.middle[0];
    this.y = this.height * this.scale <= clientHeight ? this.height / 2 : group.middle[1];
    this.isMoved = true;
    this.apply();
  }

  findEdge(state, exit) {
    for (const edge of this.svg?.querySelectorAll(".edge") ?? []) {
      if (edge.dataset.from === state && JSON.parse(edge.dataset.exits).includes(exit)) return edge;
    }
    return null;
  }

  // Light up where a call has been, exit by exit, and the state that it is in now ("" for none).
  showWay(steps, current = "") {
    for (const marked of this.svg?.querySelectorAll(".is-visited, .is-current") ?? []) {
      marked.classList.remove("is-visited", "is-current");
    }
    for (const { state, exit } of steps) {
      this.states.get(state)?.classList.add("is-visited");
      this.findEdge(state, exit)?.classList.add("is-visited");
    }
    const group = this.states.get(current);
    group?.classList.add("is-current");
    if (group) this.show(group);
  }

  // Leave only what matches in full strength; returns the names that do.
  search(words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (const [name, group] of this.states) {
      const text = group.querySelector("title").textContent.toLowerCase();
      const isFound = wanted.every((word) => text.includes(word));
      group.classList.toggle("is-faded", !isFound);
      if (wanted.length && isFound) found.push(name);
    }
    return found;
  }

  setStateNumber(state, text) {
    const group = this.states.get(state);
    if (group) this.setNumber(group, group.corner, text);
  }

  setEdgeNumber(state, exit, text) {
    const edge = this.findEdge(state, exit);
    if (!edge) return;
    const label = edge.querySelector(".label");
    const line = edge.querySelector(".line");
    const middle = line.getPointAtLength(line.getTotalLength() / 2);
    const at = label
      ? [Number(label.getAttribute("x")) + Number(label.getAttribute("width")) + 3 + 3.5 * String(text).length, Number(label.getAttribute("y")) + 9]
      : [middle.x, middle.y];
    this.setNumber(edge, at, text);
  }

  setNumber(group, [x, y], text) {
    let badge = group.querySelector(".number");
    if (!text) { badge?.remove(); return; }
    if (!badge) {
      badge = document.createElementNS(SVG, "g");
      badge.setAttribute("class", "number");
      badge.append(document.createElementNS(SVG, "rect"), document.createElementNS(SVG, "text"));
      group.append(badge);
    }
    const [box, words] = badge.children;
    const width = 12 + 7 * String(text).length;
    const places = { x: x - width / 2, y: y - 9, width, height: 18, rx: 9 };
    for (const [name, value] of Object.entries(places)) box.setAttribute(name, value);
    words.setAttribute("x", x);
    words.setAttribute("y", y + 4);
    words.textContent = text;
  }
}
