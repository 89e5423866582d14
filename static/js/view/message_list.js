import { el, find, icon, reconcile, setText } from "../util/dom.js";
import { words } from "../util/words.js";
import { RowWindow } from "../model/row_window.js";
import { MessageFocus } from "./message_focus.js";
import { fillRow, rowNode } from "./message_row.js";
import { Scroller } from "./scroller.js";

const SKELETONS = 5;
const MOST_ROWS = 180;
const STEP = 40;
const FILLS = 3;
const LINE_TOP = 64;

/** The timeline of the open conversation; however long it is, the page holds a part of it. */
export class MessageList {
  #messages = find("#messages");
  #older = find("#older");
  #state = find("#timeline-state");
  #jump = find("#jump");
  #jumpWords = el("span");
  #window = new RowWindow({ most: MOST_ROWS, step: STEP });
  #places = new Map();
  #scroller;
  #focus;
  #onmove;
  #onolder;
  #id = null;
  #isFresh = true;
  #look = null;
  #shownState = "";

  /**
   * `onmove()` after the reader moved, `onolder()` when earlier messages are needed,
   * `onretry(messageId)` and `onremove(messageId)` for failed ones, `onreaders(seq, button)`
   * to say who has read one, `onreload()` after a failed load, `onwrite()` to begin an empty one.
   */
  constructor({ onmove, onolder, onretry, onremove, onreaders, onreload, onwrite }) {
    this.#onmove = onmove;
    this.#onolder = onolder;
    const box = find("#timeline");
    this.#scroller = new Scroller(box, this.#messages, { isLast: () => !this.#window.hasLater, onmove: () => this.#moved() });
    this.#focus = new MessageFocus({ box, rows: this.#messages, scroller: this.#scroller, reach: (step) => this.#reach(step) });
    this.#messages.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-action]");
      const { messageId, seq } = target.closest("[data-message-id]")?.dataset ?? {};
      if (button?.dataset.action === "retry") onretry(messageId);
      if (button?.dataset.action === "remove") onremove(messageId);
      if (button?.dataset.action === "readers") onreaders(Number(seq), button);
    });
    this.#state.addEventListener("click", ({ target }) => {
      const action = target.closest("button")?.dataset.action;
      if (action === "reload") onreload();
      if (action === "write") onwrite();
    });
    this.#jump.append(icon("down"), this.#jumpWords);
    this.#jump.addEventListener("click", () => {
      this.toBottom();
      onmove();
    });
  }

  get isAtBottom() {
    return this.#scroller.isPinned;
  }

  /** True when there are too few messages to scroll, or the reader is near the first one. */
  get needsOlder() {
    return this.#scroller.isNearTop && !this.#window.hasEarlier;
  }

  toBottom() {
    this.#window.toEnd();
    this.#draw();
    this.#scroller.toBottom();
    this.#fill();
  }

  /** Turns to another conversation, or to none; where this one was left is remembered. */
  turnTo(id) {
    const { place } = this.#scroller;
    if (this.#id && !this.#isFresh) {
      if (place) this.#places.set(this.#id, { key: place.node.reconcileKey, top: place.top });
      else this.#places.delete(this.#id);
    }
    this.#id = id;
    this.#isFresh = true;
    this.#look = null;
    this.#window.clear();
    this.#focus.clear();
    this.#messages.replaceChildren();
    this.#scroller.toBottom();
  }

  /**
   * `rows` of model/thread.js; `state` is "ready", "loading", "empty" or "failed" with
   * `sentence` for the last two; `look` is what message_row.js needs to know; `below` counts
   * new messages that are out of sight.
   */
  show({ rows, state, sentence, isLoadingOlder, look, below }) {
    this.#showState(state, sentence);
    this.#look = look;
    this.#window.take(rows, this.#scroller.isPinned);
    this.#draw(() => {
      this.#older.hidden = !isLoadingOlder;
      setText(this.#older, words.loadingOlder);
    });
    if (this.#isFresh && state === "ready") this.#begin();
    this.#fill();
    this.showJump(below);
  }

  showJump(below) {
    this.#jump.hidden = this.#scroller.isPinned;
    this.#jump.classList.toggle("has-new", below > 0);
    setText(this.#jumpWords, words.newBelow(below));
  }

  /** Where it was left, or at the first new message, or at the end. */
  #begin() {
    this.#isFresh = false;
    const { key, top } = this.#places.get(this.#id) ?? { key: "new", top: LINE_TOP };
    if (!this.#window.reveal(key)) return;
    this.#draw();
    const node = [...this.#messages.children].find((child) => child.reconcileKey === key);
    this.#scroller.to(node, top);
  }

  #draw(also = () => {}) {
    if (!this.#look) return;
    this.#focus.before();
    this.#scroller.keep(() => {
      also();
      reconcile(this.#messages, this.#window.shown, { key: (row) => row.key, create: rowNode, update: (node, row) => fillRow(node, row, this.#look) });
    });
    this.#focus.after();
  }

  /** A few rows are enough to begin with, but not on every screen. */
  #fill() {
    for (let more = 0; more < FILLS && this.#scroller.isNearTop && this.#window.hasEarlier; more += 1) this.#shift(() => this.#window.earlier());
  }

  #moved() {
    if (this.#scroller.isNearTop && this.#window.hasEarlier) this.#shift(() => this.#window.earlier());
    else if (this.#scroller.isNearBottom && this.#window.hasLater) this.#shift(() => this.#window.later());
    if (this.needsOlder) this.#onolder();
    this.#onmove();
  }

  #shift(move) {
    move();
    this.#draw();
  }

  #reach(step) {
    if (step === -Infinity) this.#shift(() => this.#window.toStart());
    else if (step === Infinity) this.#shift(() => this.#window.toEnd());
    else if (step < 0 && this.#window.hasEarlier) this.#shift(() => this.#window.earlier());
    else if (step > 0 && this.#window.hasLater) this.#shift(() => this.#window.later());
  }

  #showState(state, sentence) {
    const shown = `${state} ${sentence}`;
    if (shown === this.#shownState) return;
    this.#shownState = shown;
    this.#state.hidden = state === "ready";
    this.#state.replaceChildren(...stateNodes(state, sentence));
  }
}

function stateNodes(state, sentence) {
  const action = (name, label) => el("button", { type: "button", class: "small", dataset: { action: name } }, label);
  if (state === "loading") {
    const bars = Array.from({ length: SKELETONS }, () => el("span", { class: "skeleton" }));
    return [el("span", { class: "visually-hidden" }, words.loading), ...bars];
  }
  if (state === "empty") return [el("p", {}, sentence), action("write", words.writeFirst)];
  if (state === "failed") return [el("p", {}, sentence), action("reload", words.tryAgain)];
  return [];
}
