const STEPS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

/**
 * The messages as one tab stop: arrow keys move between them, Home and End go to the first
 * and the last, and Tab goes on into the links and buttons of the message that has the stop.
 * Only code that may have to be scrolled is a stop of its own.
 */
export class MessageFocus {
  #box;
  #rows;
  #scroller;
  #reach;
  #stop = null;
  #isChosen = false;
  #had = null;

  /** `reach(step)` brings rows beyond the first or last one into the page, where there are any. */
  constructor({ box, rows, scroller, reach }) {
    this.#box = box;
    this.#rows = rows;
    this.#scroller = scroller;
    this.#reach = reach;
    rows.addEventListener("focusin", ({ target }) => {
      this.#isChosen = true;
      this.#put(target.closest("[data-message-id]"));
    });
    rows.addEventListener("keydown", (event) => this.#key(event));
  }

  /** To be called before rows change, for `after` to know what had the focus. */
  before() {
    const row = this.#rows.contains(document.activeElement) ? document.activeElement.closest("[data-message-id]") : null;
    this.#had = row && { row, next: row.nextElementSibling, previous: row.previousElementSibling };
  }

  /** After rows changed there is one stop again, and the focus isn't lost with what had it. */
  after() {
    if (!this.#stop?.isConnected) this.#isChosen = false;
    this.#put(this.#isChosen ? this.#stop : this.#last());
    if (!this.#had || this.#rows.contains(document.activeElement)) return;
    const { row, next, previous } = this.#had;
    const heir = [row, next, previous].find((node) => node?.isConnected && node.dataset.messageId && this.#scroller.isInView(node));
    (heir ?? this.#box).focus({ preventScroll: true });
  }

  /** The rows are those of another conversation now. */
  clear() {
    this.#stop = this.#had = null;
    this.#isChosen = false;
  }

  #last() {
    let node = this.#rows.lastElementChild;
    while (node && !node.dataset.messageId) node = node.previousElementSibling;
    return node;
  }

  /** Links and buttons come and go with their message, so they are set each time. */
  #put(row) {
    if (this.#stop !== row && this.#stop) reachable(this.#stop, -1);
    this.#stop = row;
    if (row) reachable(row, 0);
  }

  #key(event) {
    const step = STEPS[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
    const from = event.target.closest("[data-message-id]");
    const to = from && this.#target(from, step);
    if (!to) return;
    event.preventDefault();
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
  }

  #target(from, step) {
    if (!Number.isFinite(step)) {
      this.#reach(step);
      return step < 0 ? this.#rows.querySelector("[data-message-id]") : this.#last();
    }
    if (!this.#scroller.isInView(from)) return this.#scroller.first();
    if (!beside(from, step)) this.#reach(step);
    return beside(from, step) ?? from;
  }
}

function beside(row, step) {
  let node = row;
  do node = step < 0 ? node.previousElementSibling : node.nextElementSibling;
  while (node && !node.dataset.messageId);
  return node;
}

function reachable(row, tabIndex) {
  row.tabIndex = tabIndex;
  for (const node of row.querySelectorAll("a, button")) node.tabIndex = tabIndex;
}
