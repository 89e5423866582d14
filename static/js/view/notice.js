import { find, setText } from "../util/dom.js";

/** One line above the page for what went wrong outside of any place; it stays until dismissed. */
export class Notice {
  #box = find("#notice");
  #words = find("#notice-words");

  constructor() {
    find("#notice-close").addEventListener("click", () => this.hide());
  }

  show(sentence) {
    this.#box.hidden = false;
    setText(this.#words, sentence);
  }

  hide() {
    this.#box.hidden = true;
    setText(this.#words, "");
  }
}
