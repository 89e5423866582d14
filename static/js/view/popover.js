import { el } from "../util/dom.js";

const GAP = 4;
const EDGE = 8;

/**
 * A small box beside a button, above everything. It closes on Escape and gives the focus
 * back then; it also closes on a press elsewhere and when the focus goes on.
 */
export class Popover {
  #box;
  #anchor = null;

  constructor({ name, label }) {
    this.#box = el("div", { class: `popover ${name}`, popover: "manual", role: "dialog", "aria-label": label, tabindex: -1 });
    this.#box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    });
    this.#box.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.#isOurs(relatedTarget)) this.#hide();
    });
    document.addEventListener("pointerdown", ({ target }) => this.#isOurs(target) || this.#hide(), true);
    window.addEventListener("resize", () => this.isOpen && this.#place());
    document.body.append(this.#box);
  }

  get isOpen() {
    return this.#box.matches(":popover-open");
  }

  /** Opens beside `anchor` with these nodes, the focus on `first`. */
  open(anchor, nodes, first = this.#box) {
    this.#hide();
    this.#anchor = anchor;
    this.#box.replaceChildren(...nodes);
    this.#box.showPopover();
    anchor.setAttribute("aria-expanded", "true");
    this.#place();
    first.focus({ preventScroll: true });
  }

  close() {
    const anchor = this.#anchor;
    this.#hide();
    if (anchor?.isConnected) anchor.focus({ preventScroll: true });
  }

  #hide() {
    if (!this.isOpen) return;
    this.#box.hidePopover();
    this.#anchor.setAttribute("aria-expanded", "false");
    this.#anchor = null;
  }

  #isOurs(node) {
    return this.#box.contains(node) || Boolean(this.#anchor?.contains(node));
  }

  /** Above the button where there is room, else below; to its right, else to its left. */
  #place() {
    const anchor = this.#anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#box;
    const { clientWidth, clientHeight } = document.documentElement;
    const above = anchor.top - GAP - height;
    const top = above >= EDGE ? above : Math.min(anchor.bottom + GAP, clientHeight - EDGE - height);
    const left = anchor.left + width <= clientWidth - EDGE ? anchor.left : anchor.right - width;
    this.#box.style.top = `${Math.max(EDGE, top)}px`;
    this.#box.style.left = `${Math.max(EDGE, left)}px`;
  }
}
