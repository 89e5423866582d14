import { el, setText } from "../util/dom.js";
import { folded } from "../util/text.js";
import { emoji } from "../util/emoji.js";
import { words } from "../util/words.js";
import { Popover } from "./popover.js";

/**
 * A grid of common emoji with a search: arrow keys move in the grid, Enter picks, from the
 * search the first that is found.
 */
export class EmojiPicker {
  #popover = new Popover({ name: "emoji", label: words.emoji });
  #search = el("input", { type: "search", autocomplete: "off", spellcheck: "false", "aria-label": words.emojiSearch, placeholder: words.emojiSearch });
  #grid = el("div", { class: "emoji-grid" });
  #none = el("p", { class: "secondary", role: "status" });
  #onpick;

  /** `onpick(emoji)` when one is chosen; the box is closed by then. */
  constructor({ onpick }) {
    this.#onpick = onpick;
    this.#search.addEventListener("input", () => this.#show());
    this.#search.addEventListener("keydown", (event) => this.#inSearch(event));
    this.#grid.addEventListener("keydown", (event) => this.#inGrid(event));
    this.#grid.addEventListener("click", ({ target }) => this.#pick(target.closest("button")));
  }

  toggle(anchor) {
    if (this.#popover.isOpen) return this.#popover.close();
    this.#search.value = "";
    this.#show();
    return this.#popover.open(anchor, [this.#search, this.#grid, this.#none], this.#search);
  }

  #show() {
    const wanted = folded(this.#search.value.trim());
    const found = emoji.filter(([, name]) => name.includes(wanted));
    this.#grid.replaceChildren(...found.map(([sign, name], at) => el("button", { type: "button", title: name, "aria-label": name, tabindex: at === 0 ? 0 : -1 }, sign)));
    setText(this.#none, found.length === 0 ? words.noMatches : "");
  }

  #inSearch(event) {
    const first = this.#grid.firstElementChild;
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      this.#pick(first);
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.#move(first);
    }
  }

  #inGrid(event) {
    const buttons = [...this.#grid.children];
    const at = buttons.indexOf(event.target);
    const columns = getComputedStyle(this.#grid).gridTemplateColumns.split(" ").length;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    if (to < 0) this.#search.focus();
    else this.#move(buttons[Math.min(to, buttons.length - 1)]);
  }

  #move(button) {
    if (!button) return;
    for (const other of this.#grid.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  }

  #pick(button) {
    if (!button) return;
    this.#popover.close();
    this.#onpick(button.textContent);
  }
}
