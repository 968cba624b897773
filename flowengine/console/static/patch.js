// Makes an element like another one and keeps what is alike, so that a press that has begun, the focus,
// a selection, an open fold and a scrolled table outlive a refresh.
//
//   patchElement(shown, fresh);   `fresh` is used up
//
// Siblings with the same id or data-key are the same thing. One that is only announced, with data-later,
// leaves what is shown until it comes. A button or a link is kept only where it
// still does the same: a press never does what the page did not show when it began.

const PRESSED = ["A", "BUTTON", "INPUT", "SUMMARY"];
const OWN = ["disabled", "open"]; // scripts and readers set these: they say nothing of what it is

export function patchElement(shown, fresh) {
  if (shown.isEqualNode(fresh) || fresh.hasAttribute("data-later")) return;
  patchAttributes(shown, fresh);
  patchChildren(shown, fresh);
}

// Whether two elements are the same thing at different times.
export function isSame(shown, fresh) {
  if (shown.nodeName !== fresh.nodeName || getKey(shown) !== getKey(fresh)) return false;
  return !PRESSED.includes(fresh.nodeName) || listAttributes(shown) === listAttributes(fresh);
}

function getKey(node) {
  return `${node.id} ${node.getAttribute("data-key") ?? ""}`;
}

function listAttributes(node) {
  const described = [...node.attributes].filter(({ name }) => !OWN.includes(name));
  return JSON.stringify(described.map(({ name, value }) => [name, value]).sort());
}

function patchAttributes(shown, fresh) {
  for (const { name } of [...shown.attributes]) {
    if (name !== "open" && !fresh.hasAttribute(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
}

// What goes is removed first: what stays is moved only where the order has changed, as a press and the
// focus are lost by a move.
function patchChildren(shown, fresh) {
  const wanted = [...fresh.childNodes];
  const kept = matchChildren(shown, wanted);
  const staying = new Set(kept);
  for (const node of [...shown.childNodes]) if (!staying.has(node)) node.remove();
  let next = shown.firstChild;
  for (const [index, node] of wanted.entries()) {
    const same = kept[index];
    if (same === next && same) next = next.nextSibling;
    else shown.insertBefore(same ?? node, next);
    if (same) patchNode(same, node);
  }
}

function patchNode(shown, fresh) {
  if (fresh.nodeType === Node.ELEMENT_NODE) patchElement(shown, fresh);
  else if (shown.data !== fresh.data) shown.data = fresh.data;
}

// For each wanted node the one that is shown already, or null.
function matchChildren(shown, wanted) {
  const free = [...shown.children];
  const kept = [];
  for (const node of wanted) {
    if (node.nodeType === Node.ELEMENT_NODE) {
      const at = free.findIndex((one) => isSame(one, node));
      kept.push(at < 0 ? null : free.splice(at, 1)[0]);
    } else {
      // a text is the same where it follows the same element
      const near = kept.length ? kept.at(-1)?.nextSibling : shown.firstChild;
      kept.push(near?.nodeType === node.nodeType ? near : null);
    }
  }
  return kept;
}
