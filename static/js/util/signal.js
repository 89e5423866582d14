/**
 * One kind of event with its listeners. Models and the net layer use it instead of
 * DOM events, so that they run in Node as they run in a page.
 */
export class Signal {
  #listeners = new Set();

  /** Calls `listener` on every emit; the returned function ends that. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(...values) {
    for (const listener of [...this.#listeners]) listener(...values);
  }
}
