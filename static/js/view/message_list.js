import { el, find, icon, reconcile, setText } from "../util/dom.js";
import { words } from "../util/words.js";
import { fillRow, rowNode } from "./message_row.js";
import { Scroller } from "./scroller.js";

const SKELETONS = 5;

/** The timeline of the open conversation. */
export class MessageList {
  #messages = find("#messages");
  #older = find("#older");
  #state = find("#timeline-state");
  #jump = find("#jump");
  #jumpWords = el("span");
  #scroller;
  #shownState = "";

  /**
   * `onmove()` after the reader moved, `onolder()` when earlier messages are needed,
   * `onretry(messageId)` and `onremove(messageId)` for failed ones, `onreload()` after a
   * failed load.
   */
  constructor({ onmove, onolder, onretry, onremove, onreload }) {
    this.#scroller = new Scroller(find("#timeline"), this.#messages, () => {
      if (this.#scroller.isNearTop) onolder();
      onmove();
    });
    this.#messages.addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action;
      const id = event.target.closest("[data-message-id]")?.dataset.messageId;
      if (action === "retry") onretry(id);
      if (action === "remove") onremove(id);
    });
    this.#state.addEventListener("click", (event) => {
      if (event.target.closest("button")) onreload();
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
    return this.#scroller.isNearTop;
  }

  toBottom() {
    this.#scroller.toBottom();
  }

  /** Makes room for another conversation, which is read from its end. */
  clear() {
    this.#messages.replaceChildren();
    this.#scroller.toBottom();
  }

  /**
   * `rows` of model/thread.js; `state` is "ready", "loading", "empty" or "failed" with
   * `sentence` for the last two; `below` counts new messages that are out of sight.
   */
  show({ rows, state, sentence, isLoadingOlder, senderOf, below }, now) {
    this.#showState(state, sentence);
    this.#scroller.keep(() => {
      this.#older.hidden = !isLoadingOlder;
      setText(this.#older, words.loadingOlder);
      reconcile(this.#messages, rows, {
        key: (row) => row.key,
        create: rowNode,
        update: (node, row) => fillRow(node, row, { senderOf, now }),
      });
    });
    this.showJump(below);
  }

  showJump(below) {
    this.#jump.hidden = this.#scroller.isPinned;
    this.#jump.classList.toggle("has-new", below > 0);
    setText(this.#jumpWords, words.newBelow(below));
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
  if (state === "loading") {
    const bars = Array.from({ length: SKELETONS }, () => el("span", { class: "skeleton" }));
    return [el("span", { class: "visually-hidden" }, words.loading), ...bars];
  }
  if (state === "empty") return [el("p", {}, sentence)];
  if (state === "failed") return [el("p", {}, sentence), el("button", { type: "button", class: "small" }, words.tryAgain)];
  return [];
}
