/** The most that one `resume` may carry. */
export const MOST_CURSORS = 500;

/** Up to which `rev` everything is known here, by conversation. */
export class Cursors {
  /** Of which database; null until a server has told. */
  epoch = null;
  #revs = new Map();

  /** The last known `rev`, or 0. */
  get(id) {
    return this.#revs.get(id) ?? 0;
  }

  has(id) {
    return this.#revs.has(id);
  }

  /** Never backwards. */
  advance(id, rev) {
    this.#revs.set(id, Math.max(rev, this.get(id)));
  }

  /** Takes what the server says that it has told, and forgets all others. */
  replace(heads) {
    this.#revs = new Map(Object.entries(heads));
  }

  forget(id) {
    this.#revs.delete(id);
  }

  clear() {
    this.#revs.clear();
  }

  /** The cursors of these conversations, as many as a frame may carry: `{id: rev}`. */
  of(ids) {
    const known = ids.filter((id) => this.#revs.has(id)).slice(0, MOST_CURSORS);
    return Object.fromEntries(known.map((id) => [id, this.get(id)]));
  }
}
