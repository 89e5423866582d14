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
  #emoji = find("#composer-emoji");
  #count = find("#composer-count");
  #picker = null;
  #touch = matchMedia("(pointer: coarse)");
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
      if (event.key !== "Enter" || isComposing(event) || !this.#sends(event)) return;
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
      this.focus();
    });
    this.#emoji.addEventListener("click", () => this.#pick());
    for (const name of ["dragover", "drop"]) window.addEventListener(name, refuseFiles);
    this.#touch.addEventListener("change", () => this.#nameEnter());
    this.#nameEnter();
    new ResizeObserver(() => this.#grow()).observe(this.#form);
  }

  /** Turns to a conversation with its draft. */
  turnTo({ name, draft }) {
    this.rename(name);
    this.adopt(draft);
  }

  /** Takes the draft as another tab has it. */
  adopt(draft) {
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

  /** On a touch screen's keyboard Enter makes a line, and the button beside the text sends. */
  #sends({ shiftKey, ctrlKey, metaKey }) {
    return ctrlKey || metaKey || (!shiftKey && !this.#touch.matches);
  }

  #nameEnter() {
    this.#input.enterKeyHint = this.#touch.matches ? "enter" : "send";
  }

  async #pick() {
    if (!this.#picker) {
      const { EmojiPicker } = await import("./emoji_picker.js");
      this.#picker ??= new EmojiPicker({ onpick: (emoji) => this.#insert(emoji) });
    }
    this.#picker.toggle(this.#emoji);
  }

  #insert(text) {
    const { selectionStart, selectionEnd } = this.#input;
    this.#input.setRangeText(text, selectionStart, selectionEnd, "end");
    this.#input.dispatchEvent(new Event("input", { bubbles: true }));
    this.focus();
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

/** A file that is let go over the page would replace it; text may be dropped where it is written. */
function refuseFiles(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}
