const NEAR_BOTTOM = 48;
const NEAR_END = 1_000;

/**
 * Keeps a scrolling box where its reader is: at the bottom while they are at the bottom,
 * and otherwise on the message they look at, whatever is put above or below it, and when
 * the box gets another width.
 */
export class Scroller {
  #box;
  #rows;
  #onmove;
  #isLast;
  #isPinned = true;
  #size = "";
  #anchor = null;
  /** Where this put the box last: as long as it stands there, the reader hasn't moved. */
  #own = null;

  /**
   * `rows` is the element whose children are the rows; those with a message id are held on to.
   * `isLast()` tells whether the last row in the page is the last of all, `onmove()` comes
   * after every scroll.
   */
  constructor(box, rows, { isLast, onmove }) {
    this.#box = box;
    this.#rows = rows;
    this.#isLast = isLast;
    this.#onmove = onmove;
    box.addEventListener("scroll", () => this.#moved(), { passive: true });
    const resizes = new ResizeObserver(() => (this.#isPinned ? this.#fall() : this.#return()));
    resizes.observe(box);
    resizes.observe(rows);
  }

  /** True while the latest message is in view. */
  get isPinned() {
    return this.#isPinned;
  }

  /** True when the reader will soon need what comes before the first row. */
  get isNearTop() {
    return this.#box.scrollTop < NEAR_END;
  }

  /** True when the reader will soon need what comes after the last row. */
  get isNearBottom() {
    return this.#left() < NEAR_END;
  }

  /** The row that is read and how far below the upper edge it stands; null at the bottom. */
  get place() {
    return this.#isPinned ? null : this.#anchor;
  }

  toBottom() {
    this.#isPinned = true;
    this.#fall();
  }

  /** Puts a row that far below the upper edge, or as near to that as it goes. */
  to(node, top) {
    this.#anchor = { node, top };
    this.#isPinned = false;
    this.#return();
    this.#note();
  }

  /** Runs a change of the content without moving what is being read. */
  keep(change) {
    if (!this.#isPinned) this.#hold();
    change();
    if (this.#isPinned) this.#fall();
    else this.#return();
  }

  /** Whether any of a row can be seen. */
  isInView(node) {
    const { top, bottom } = this.#box.getBoundingClientRect();
    const row = node.getBoundingClientRect();
    return row.bottom > top && row.top < bottom;
  }

  /** The first message in view. */
  first() {
    const { children } = this.#rows;
    const top = this.#box.getBoundingClientRect().top;
    let low = 0;
    let high = children.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    let node = children[low] ?? null;
    while (node && !node.dataset.messageId) node = node.nextElementSibling;
    return node;
  }

  #left() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight;
  }

  #fall() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #return() {
    if (!this.#anchor?.node.isConnected || this.#box.clientHeight === 0) return;
    const by = this.#offsetOf(this.#anchor.node) - this.#anchor.top;
    if (Math.abs(by) >= 1) this.#box.scrollTop += by;
    this.#own = this.#box.scrollTop;
  }

  /** Measures anew only where the reader has moved: measured after each change, small errors would add up. */
  #hold() {
    if (!this.#anchor?.node.isConnected || this.#box.scrollTop !== this.#own) this.#anchor = this.#measured();
  }

  #measured() {
    const node = this.first();
    return node && { node, top: this.#offsetOf(node) };
  }

  #offsetOf(node) {
    return node.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
  }

  #note() {
    this.#isPinned = this.#left() <= NEAR_BOTTOM && this.#isLast();
    if (!this.#isPinned) this.#hold();
  }

  /**
   * A scroll event that comes with another size is the browser's doing, not the reader's:
   * it is told before the observer is, and must not count as leaving the bottom.
   */
  #moved() {
    const { scrollHeight, clientHeight, clientWidth } = this.#box;
    if (clientHeight === 0) return;
    const size = `${scrollHeight} ${clientHeight} ${clientWidth}`;
    if (this.#isPinned && size !== this.#size) this.#fall();
    else this.#note();
    this.#size = size;
    this.#onmove();
  }
}
