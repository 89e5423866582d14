import { el, icon } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { styled } from "./styles.js";

/**
 * A dialog: a head with its name and a way out, and a body. Over the page it takes a step
 * in the history, so that Back closes it; beside the page it doesn't. Focus goes in, and
 * comes back to where it was.
 */
export class Panel {
  body = el("div", { class: "panel-body" });
  #dialog;
  #heading;
  #name;
  #onclose;
  #opening = null;
  #isShown = false;
  #isOver = false;
  #left = Promise.resolve();

  /** `name` is its class; `isLight`: a click beside it closes it; `onclose()` after it has. */
  constructor({ name, title, isLight = false, onclose = () => {} }) {
    this.#name = name;
    this.#onclose = onclose;
    this.#heading = el("h2", { id: `${name}-title`, tabindex: "-1" }, title);
    const close = el("button", { type: "button", class: "icon-button", title: words.close, "aria-label": words.close, on: { click: () => this.close() } }, icon("close"));
    const head = el("header", { class: "panel-head" }, this.#heading, close);
    this.#dialog = el("dialog", { class: `panel ${name}`, "aria-labelledby": this.#heading.id }, head, this.body);
    this.#dialog.addEventListener("close", () => this.#ended());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    if (isLight) this.#dialog.addEventListener("pointerdown", ({ target }) => target === this.#dialog && this.#isOver && this.close());
    window.addEventListener("popstate", () => this.#isOver && history.state?.panel !== name && this.close());
    document.body.append(this.#dialog);
  }

  get isOpen() {
    return this.#isShown || this.#opening !== null;
  }

  /** Over the page: nothing else can be reached until it closes. */
  async open() {
    if (!(await this.#ready())) return;
    history.pushState({ panel: this.#name }, "");
    this.#isOver = true;
    this.#dialog.classList.remove("beside");
    this.#dialog.showModal();
  }

  /** As the last column of `place`; the page stays in use. */
  async openBeside(place) {
    if (!(await this.#ready())) return;
    this.#dialog.classList.add("beside");
    place.append(this.#dialog);
    this.#dialog.show();
  }

  /** Focus on the name: where what had it is gone. */
  focus() {
    this.#heading.focus();
  }

  /** Resolves when the history is where it was, so that an address can be opened. */
  async close() {
    this.#opening = null;
    this.#dialog.close();
    this.#ended();
    await this.#left;
  }

  /** False when it is open already, or was closed before it could open. */
  async #ready() {
    if (this.isOpen) return false;
    const opening = {};
    this.#opening = opening;
    await Promise.all([styled(), this.#left]);
    if (this.#opening !== opening) return false;
    this.#opening = null;
    this.#isShown = true;
    return true;
  }

  /** However it was closed: by us, by Escape, by a gesture. */
  #ended() {
    if (!this.#isShown || this.#dialog.open) return;
    this.#isShown = false;
    if (this.#isOver) this.#left = stepBack(this.#name);
    this.#isOver = false;
    this.#onclose();
  }

  /** Over the page the browser does this. */
  #key(event) {
    if (event.key !== "Escape" || this.#isOver || event.defaultPrevented) return;
    event.preventDefault();
    this.close();
  }
}

/** Takes back the step that opening took, unless Back has. */
function stepBack(name) {
  if (history.state?.panel !== name) return Promise.resolve();
  return new Promise((resolve) => {
    window.addEventListener("popstate", () => resolve(), { once: true });
    history.back();
  });
}
