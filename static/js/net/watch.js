/** Whether this person looks at the page, in whichever tab. */
export class Watch {
  #neighbours;
  #isWatched;
  #elsewhere = new Set();
  #id;

  /** `id` names this tab; `isWatched()` tells whether somebody looks at it. */
  constructor({ neighbours, id, isWatched }) {
    this.#neighbours = neighbours;
    this.#id = id;
    this.#isWatched = isWatched;
    neighbours.listen("watch", ({ tab, isWatched: is }) => (is ? this.#elsewhere.add(tab) : this.#elsewhere.delete(tab)));
    neighbours.listen("who watches", () => this.tell());
    neighbours.tell("who watches");
    this.tell();
  }

  /** To be called when somebody has come to look, or has gone. */
  tell(isWatched = this.#isWatched()) {
    this.#neighbours.tell("watch", { tab: this.#id, isWatched });
  }

  get isAnywhere() {
    return this.#isWatched() || this.#elsewhere.size > 0;
  }
}
