import { find, setText } from "../util/dom.js";
import { codePoints, tidied } from "../util/text.js";
import { words } from "../util/words.js";

export const LONGEST = 10_000;
const NEAR_LIMIT = 200;

/** Where a message is written. */
export class Composer {
  #form = find("#composer");
  #input = find("#composer-input");
  #button = find("#composer-send");
  #count = find("#composer-count");
  #onsend;
  #onedit;

  /** `onsend(text)` with a text that may be sent; `onedit(text)` after each change. */
  constructor({ onsend, onedit }) {
    this.#onsend = onsend;
    this.#onedit = onedit;
    this.#input.addEventListener("input", () => {
      this.#update();
      onedit(this.#input.value);
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
      this.focus();
    });
    new ResizeObserver(() => this.#grow()).observe(this.#form);
  }

  /** Turns to a conversation with its draft. */
  turnTo({ name, draft }) {
    this.rename(name);
    this.#input.value = draft;
    this.#update();
  }

  rename(name) {
    const label = words.messageTo(name);
    if (this.#input.placeholder === label) return;
    this.#input.placeholder = label;
    this.#input.setAttribute("aria-label", label);
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  #submit() {
    const text = tidied(this.#input.value);
    if (text === "" || codePoints(text) > LONGEST) return;
    this.#input.value = "";
    this.#update();
    this.#onedit("");
    this.#onsend(text);
  }

  #update() {
    const text = tidied(this.#input.value);
    const left = LONGEST - codePoints(text);
    this.#count.hidden = left > NEAR_LIMIT;
    this.#count.classList.toggle("is-over", left < 0);
    setText(this.#count, left > NEAR_LIMIT ? "" : words.charactersLeft(left));
    this.#button.disabled = text === "" || left < 0;
    this.#grow();
  }

  /**
   * As high as the text needs; the stylesheet ends that at two fifths of the height. The
   * form stays as it is while the field is measured, or the timeline above would move.
   */
  #grow() {
    this.#form.style.height = `${this.#form.offsetHeight}px`;
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight + this.#input.offsetHeight - this.#input.clientHeight}px`;
    this.#form.style.height = "";
  }
}

/** While an input method is composing, Enter chooses a word (229 is what Safari says then). */
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}
