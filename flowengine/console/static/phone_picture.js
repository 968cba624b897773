// The picture of the flow beside the call: it lights up along the way.

import { loadDocument } from "./dom.js";

const STEP_MILLIS = 140;
const MAX_ANIMATED = 12; // stations: a longer way is lit at once
const ZOOM = 1.25;
const LEAST_SCALE = 0.6;

export class CallPicture {
  // `frame` scrolls the picture, `title` names the flow.
  constructor(frame, title) {
    this.frame = frame;
    this.title = title;
    this.pictures = new Map();
    this.shown = "";
    this.lit = 0;
    this.run = 0;
    this.scale = 0; // as large as fits
  }

  // Forget the pictures: another call, maybe of a flow that has changed since.
  reset() {
    this.pictures.clear();
    this.shown = "";
    this.lit = 0;
    this.run += 1;
  }

  // Light the way of a call, the new part of it step by step.
  async follow(view) {
    this.run += 1;
    const run = this.run;
    const begin = Math.min(this.lit, view.way.length);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const animated = !still && view.way.length - begin <= MAX_ANIMATED;
    for (let at = begin; animated && at < view.way.length; at += 1) {
      const station = view.way[at];
      await this.show(view, station.flow);
      if (run !== this.run) return;
      this.light(view.way.slice(0, at + 1), [station.flow, station.state], false);
      await new Promise((resolve) => setTimeout(resolve, STEP_MILLIS));
      if (run !== this.run) return;
    }
    this.lit = view.way.length;
    const [flow, state] = view.place[0] ? view.place : [view.flow, ""];
    await this.show(view, flow);
    if (run === this.run) this.light(view.way, [flow, state], true);
  }

  // Show a flow before it is called.
  async preview(flow) {
    this.reset();
    const run = this.run;
    const picture = await loadPicture(`/phone/pictures/${encodeURIComponent(flow)}.svg`);
    if (run === this.run) this.place(flow, picture);
  }

  // Show the picture of a flow, as the call has it.
  async show(view, flow) {
    if (this.shown === flow) return;
    if (!this.pictures.has(flow)) {
      const path = `/phone/calls/${encodeURIComponent(view.id)}/pictures/${encodeURIComponent(flow)}.svg`;
      this.pictures.set(flow, loadPicture(path));
    }
    const picture = await this.pictures.get(flow);
    this.shown = flow;
    this.place(flow, picture);
  }

  place(flow, picture) {
    this.title.textContent = flow;
    this.frame.replaceChildren(...(picture ? [picture] : []));
    this.resize(picture);
  }

  light(way, [flow, state], isSettled) {
    const own = way.filter((station) => station.flow === flow);
    const visited = new Set(own.map((station) => station.state));
    const edges = new Set(
      way.slice(1).map((station, at) => `${way[at].flow}/${way[at].state}>${station.state}`),
    );
    for (const node of this.frame.querySelectorAll("[data-state]")) {
      node.classList.toggle("is-visited", visited.has(node.dataset.state));
      const isCurrent = node.dataset.state === state;
      node.classList.toggle("is-current", isCurrent);
      if (isCurrent) this.bringIntoView(node, isSettled);
    }
    for (const edge of this.frame.querySelectorAll("[data-from][data-to]")) {
      const key = `${flow}/${edge.dataset.from}>${edge.dataset.to}`;
      edge.classList.toggle("is-visited", edges.has(key));
    }
  }

  // Scroll the frame alone: the page stays where it is.
  bringIntoView(node, isSmooth) {
    const frame = this.frame.getBoundingClientRect();
    const box = node.getBoundingClientRect();
    this.frame.scrollTo({
      left: this.frame.scrollLeft + box.left + box.width / 2 - frame.left - frame.width / 2,
      top: this.frame.scrollTop + box.top + box.height / 2 - frame.top - frame.height / 2,
      behavior: isSmooth ? "smooth" : "auto",
    });
  }

  zoom(direction) {
    const picture = this.frame.querySelector("svg");
    const now = this.scale || this.findFittingScale(picture);
    this.scale = direction === 0 ? this.findWholeScale(picture) : now * (direction > 0 ? ZOOM : 1 / ZOOM);
    this.resize(picture);
  }

  // The scale at which the whole width is seen, unless nobody could read it.
  findFittingScale(picture) {
    const width = picture?.viewBox?.baseVal?.width || 1;
    return Math.min(1, Math.max(LEAST_SCALE, this.frame.clientWidth / width));
  }

  // The scale at which all of the picture is seen, however small.
  findWholeScale(picture) {
    const { width = 1, height = 1 } = picture?.viewBox?.baseVal ?? {};
    const most = Number.parseFloat(getComputedStyle(this.frame).maxHeight) || innerHeight;
    return Math.min(1, (this.frame.clientWidth - 1) / width, (most - 4) / height);
  }

  resize(picture) {
    const box = picture?.viewBox?.baseVal;
    if (!box?.width) return;
    const scale = this.scale || this.findFittingScale(picture);
    picture.setAttribute("width", String(Math.round(box.width * scale)));
    picture.setAttribute("height", String(Math.round(box.height * scale)));
  }
}

// The picture at an address; null where there is none.
async function loadPicture(address) {
  try {
    return document.importNode((await loadDocument(address)).documentElement, true);
  } catch {
    return null;
  }
}
