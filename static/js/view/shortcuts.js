import { el, find } from "../util/dom.js";
import { words } from "../util/words.js";

const SHEET = [
  [["Ctrl", "K"], words.shortcutSearch],
  [["Alt", "↑"], words.shortcutPrevious],
  [["Alt", "↓"], words.shortcutNext],
  [["Enter"], words.shortcutSend],
  [["Shift", "Enter"], words.shortcutBreak],
  [["Esc"], words.shortcutBack],
  [["?"], words.shortcutHelp],
];

/** The keys that work everywhere on the page, and the sheet that lists them. */
export class Shortcuts {
  #dialog = find("#shortcuts-dialog");

  /** `onsearch()`, `onstep(±1)` through the conversations, `onleave()`. */
  constructor({ onsearch, onstep, onleave }) {
    find("#shortcuts").append(...SHEET.flatMap(([keys, meaning]) => [el("dt", {}, ...keys.map((key) => el("kbd", {}, key))), el("dd", {}, meaning)]));
    find("#help").addEventListener("click", () => this.#dialog.showModal());
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
      const action = this.#actionOf(event, { onsearch, onstep, onleave });
      if (!action) return;
      event.preventDefault();
      action();
    });
  }

  #actionOf(event, { onsearch, onstep, onleave }) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === "k") return onsearch;
    if (altKey && key === "ArrowUp") return () => onstep(-1);
    if (altKey && key === "ArrowDown") return () => onstep(1);
    if (key === "Escape") return onleave;
    if (key === "?" && !isTyping(event.target)) return () => this.#dialog.showModal();
    return null;
  }
}

function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea") !== null;
}
