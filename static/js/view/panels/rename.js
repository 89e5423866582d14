import { el, setText } from "../../util/dom.js";
import { codePoints } from "../../util/text.js";
import { words } from "../../util/words.js";

const LONGEST = 200;

/** Another name for a group, typed where the name stands. */
export class Rename {
  #title = "";
  #open = el("button", { type: "button", class: "link-button", on: { click: () => this.#start() } }, words.rename);
  #input = el("input", { name: "title", autocomplete: "off", "aria-label": words.groupTitle, "aria-describedby": "rename-error", dir: "auto" });
  #save = el("button", { type: "submit", class: "primary small" }, words.save);
  #error = el("p", { class: "form-error", role: "alert", id: "rename-error" });
  #form = el(
    "form",
    { class: "rename-form", hidden: true },
    this.#input,
    el("div", { class: "panel-actions" }, el("button", { type: "button", class: "small", on: { click: () => this.#finish() } }, words.cancel), this.#save),
    this.#error,
  );
  node = el("div", { class: "rename" }, this.#open, this.#form);

  /** `onsave(title or null)` gives true when it is saved. */
  constructor({ onsave }) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(onsave);
    });
    this.#form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.#finish();
    });
  }

  show(title, mayRename) {
    this.#title = title;
    this.node.hidden = !mayRename;
  }

  close() {
    this.#form.hidden = true;
    this.#open.hidden = false;
  }

  #start() {
    this.#input.value = this.#title;
    setText(this.#error, "");
    this.#form.hidden = false;
    this.#open.hidden = true;
    this.#input.focus();
    this.#input.select();
  }

  #finish() {
    this.close();
    this.#open.focus();
  }

  async #submit(onsave) {
    const title = this.#input.value.trim();
    if (codePoints(title) > LONGEST) return setText(this.#error, words.titleTooLong);
    if (title === this.#title) return this.#finish();
    this.#save.disabled = true;
    const isSaved = await onsave(title || null);
    this.#save.disabled = false;
    if (isSaved && !this.#form.hidden) this.#finish();
    else this.#input.focus();
  }
}
