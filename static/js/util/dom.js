import { iconAddress } from "./sprite.js";
import { words } from "./words.js";

/**
 * Small helpers to build the page by DOM calls. Text goes in as text nodes and nothing is
 * parsed as HTML, which is why a message can never become markup.
 */
const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. `props`: `class`, `dataset`, `on` (listeners by event name); any other
 * name is an attribute, where `true` is an empty one and `false` or null means none.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** An icon of the sprite; decoration only, the words stand beside it or in a label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", iconAddress(name));
  svg.append(use);
  return svg;
}

/** Text that is only for screen readers. */
export function hiddenText(text) {
  return el("span", { class: "visually-hidden" }, text);
}

/** Sets text only when it differs, so that live regions and selections stay untouched. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function find(selector, root = document) {
  const node = root.querySelector(selector);
  if (!node) throw new Error(`the page lacks ${selector}`);
  return node;
}

/**
 * Fills in the words that a page names: `data-word` is the text, `data-word-label` the
 * label and tooltip, `data-word-placeholder` the placeholder.
 */
export function speak(root = document) {
  for (const node of root.querySelectorAll("[data-word]")) node.textContent = words[node.dataset.word];
  for (const node of root.querySelectorAll("[data-word-label]")) {
    node.setAttribute("aria-label", words[node.dataset.wordLabel]);
    if (node.tagName === "BUTTON") node.title = words[node.dataset.wordLabel];
  }
  for (const node of root.querySelectorAll("[data-word-placeholder]")) node.placeholder = words[node.dataset.wordPlaceholder];
}

/**
 * Makes the children of `parent` show `items` in order. A node lives as long as its key,
 * so selection and animation survive, and focus returns to a node that had to be moved;
 * `update(node, item)` runs for new and kept ones.
 */
export function reconcile(parent, items, { key, create, update }) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(items.map(key));
  const kept = new Map();
  for (const node of [...parent.children]) {
    if (wanted.has(node.reconcileKey)) kept.set(node.reconcileKey, node);
    else node.remove();
  }
  let cursor = parent.firstElementChild;
  for (const item of items) {
    let node = kept.get(key(item));
    if (!node) {
      node = create(item);
      node.reconcileKey = key(item);
    }
    update(node, item);
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
