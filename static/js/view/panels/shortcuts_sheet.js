import { el } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { Panel } from "./panel.js";

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

const SHEET = [
  [[isApple ? "⌘" : "Ctrl", "K"], words.shortcutSearch],
  [[isApple ? "⌥" : "Alt", "↑"], words.shortcutPrevious],
  [[isApple ? "⌥" : "Alt", "↓"], words.shortcutNext],
  [["Enter"], words.shortcutSend],
  [["Shift", "Enter"], words.shortcutBreak],
  [["Esc"], words.shortcutBack],
  [["?"], words.shortcutHelp],
];

/** The keys that work everywhere on the page. */
export class ShortcutsSheet {
  #panel = new Panel({ name: "shortcuts", title: words.shortcuts, isLight: true });

  constructor() {
    const rows = SHEET.flatMap(([keys, meaning]) => [el("dt", {}, ...keys.map((key) => el("kbd", {}, key))), el("dd", {}, meaning)]);
    this.#panel.body.append(el("dl", { class: "keys" }, ...rows));
  }

  open() {
    return this.#panel.open();
  }
}
