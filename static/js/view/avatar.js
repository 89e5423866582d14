import { el, hiddenText } from "../util/dom.js";
import { hueOf } from "../util/text.js";
import { words } from "../util/words.js";

/** A round of initials in one of twelve hues; the name stands beside it, so it is decoration. */
export function avatar() {
  return el("span", { class: "avatar", "aria-hidden": "true" });
}

/** Shows `{id, letters}`; the hue belongs to the id and so stays the same everywhere. */
export function showFace(node, { id, letters }) {
  const name = `avatar hue-${hueOf(id)}`;
  if (node.className !== name) node.className = name;
  if (node.textContent !== letters) node.textContent = letters;
}

/** An avatar with room for the dot that says that somebody is here. */
export function dotted(face) {
  return el("span", { class: "dotted" }, face);
}

export function showDot(node, isOnline) {
  if (isOnline === (node.childElementCount > 1)) return;
  if (isOnline) node.append(el("span", { class: "dot", title: words.onlineNow }, hiddenText(words.onlineNow)));
  else node.lastElementChild.remove();
}
