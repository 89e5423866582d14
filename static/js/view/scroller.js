const NEAR_BOTTOM = 48;
const NEAR_TOP = 600;

/**
 * Keeps a scrolling box where its reader is: at the bottom while they are at the bottom,
 * and otherwise on the message they look at, whatever is put above or below it.
 */
export class Scroller {
  #box;
  #rows;
  #onmove;
  #isPinned = true;
  #size = "";

  /** `rows` is the element whose children are the messages; `onmove()` after every scroll. */
  constructor(box, rows, onmove) {
    this.#box = box;
    this.#rows = rows;
    this.#onmove = onmove;
    box.addEventListener("scroll", () => this.#moved(), { passive: true });
    const resizes = new ResizeObserver(() => {
      if (this.#isPinned) this.#fall();
    });
    resizes.observe(box);
    resizes.observe(rows);
  }

  /** True while the latest message is in view. */
  get isPinned() {
    return this.#isPinned;
  }

  /** True when the reader will soon need what comes before. */
  get isNearTop() {
    return this.#box.scrollTop < NEAR_TOP;
  }

  toBottom() {
    this.#isPinned = true;
    this.#fall();
  }

  /** Runs a change of the content without moving what is being read. */
  keep(change) {
    const anchor = this.#isPinned ? null : this.#firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (this.#isPinned) this.#fall();
    else if (anchor?.isConnected) this.#box.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  #fall() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  /**
   * A scroll event that comes with another size is the browser's doing, not the reader's:
   * it is told before the observer is, and must not count as leaving the bottom.
   */
  #moved() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    const size = `${scrollHeight} ${clientHeight}`;
    if (this.#isPinned && size !== this.#size) this.#fall();
    else this.#isPinned = scrollHeight - scrollTop - clientHeight <= NEAR_BOTTOM;
    this.#size = size;
    this.#onmove();
  }

  /** Rows are in order from top to bottom, so halving finds the first one in view. */
  #firstVisible() {
    const top = this.#box.getBoundingClientRect().top;
    const { children } = this.#rows;
    let low = 0;
    let high = children.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    return children[low] ?? null;
  }
}
