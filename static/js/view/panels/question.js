import { el, setText } from "../../util/dom.js";
import { words } from "../../util/words.js";

/** A button for what can't be taken back: it asks first, in its place. */
export class Question {
  #ask;
  #question;
  #yes;
  #answers;
  #isBusy = false;
  node;

  /** `ask` is the button's word, `yes` that of the answer; `onyes()` resolves when it was tried. */
  constructor({ ask, question, yes, isSmall = false, onyes }) {
    const size = isSmall ? "small" : "";
    this.#ask = el("button", { type: "button", class: size, on: { click: () => this.#open() } }, ask);
    this.#question = el("p", {}, question);
    this.#yes = el("button", { type: "button", class: `${size} danger`, on: { click: () => this.#answer(onyes) } }, yes);
    const no = el("button", { type: "button", class: size, on: { click: () => this.#return() } }, words.cancel);
    this.#answers = el("div", { class: "question-answers", role: "group", hidden: true }, this.#question, this.#yes, no);
    this.node = el("div", { class: "question" }, this.#ask, this.#answers);
    this.#answers.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.#return();
    });
  }

  /** `label` is the button's name where its word alone says too little. */
  say({ label, question }) {
    this.#ask.setAttribute("aria-label", label);
    this.#answers.setAttribute("aria-label", question);
    setText(this.#question, question);
  }

  close() {
    this.#ask.hidden = false;
    this.#answers.hidden = true;
  }

  #open() {
    this.#ask.hidden = true;
    this.#answers.hidden = false;
    this.#yes.focus();
  }

  #return() {
    this.close();
    this.#ask.focus();
  }

  /** The button isn't disabled meanwhile: it would lose the focus. */
  async #answer(onyes) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    await onyes();
    this.#isBusy = false;
    if (this.node.isConnected && !this.#answers.hidden) this.#return();
  }
}
