/**
 * Which of many rows stand in the page: a stretch of bounded length that the reader moves
 * by scrolling. It stays with the messages that it showed, whatever is put before, between
 * or after them.
 */
export class RowWindow {
  #most;
  #step;
  #rows = [];
  #from = 0;
  #to = 0;

  /** At most `most` rows at a time; a move brings `step` of them. */
  constructor({ most, step }) {
    this.#most = most;
    this.#step = step;
  }

  get shown() {
    return this.#rows.slice(this.#from, this.#to);
  }

  get hasEarlier() {
    return this.#from > 0;
  }

  get hasLater() {
    return this.#to < this.#rows.length;
  }

  /** Nothing is shown until rows come. */
  clear() {
    this.#rows = [];
    this.#from = this.#to = 0;
  }

  /** Takes the rows as they are now. `isAtEnd` when the reader follows the last one. */
  take(rows, isAtEnd) {
    const place = this.#placeIn(rows);
    const wasLast = !this.hasLater;
    const length = this.#to - this.#from;
    this.#rows = rows;
    if (place < 0) return this.toEnd();
    this.#from = place;
    this.#to = wasLast ? rows.length : Math.min(rows.length, place + length);
    if (isAtEnd && wasLast) this.#from = Math.max(this.#from, this.#to - this.#most);
    else this.#to = Math.min(this.#to, this.#from + this.#most);
    return undefined;
  }

  toStart() {
    this.#set(0, this.#step);
  }

  toEnd() {
    this.#set(this.#rows.length - this.#step, this.#rows.length);
  }

  /** Shows the row with this key and what is around it; false when there is none. */
  reveal(key) {
    const at = this.#rows.findIndex((row) => row.key === key);
    if (at < 0) return false;
    if (at < this.#from || at >= this.#to) this.#set(at - this.#step, at + this.#step);
    return true;
  }

  earlier() {
    this.#from = Math.max(0, this.#from - this.#step);
    this.#to = Math.min(this.#to, this.#from + this.#most);
  }

  later() {
    this.#to = Math.min(this.#rows.length, this.#to + this.#step);
    this.#from = Math.max(this.#from, this.#to - this.#most);
  }

  #set(from, to) {
    this.#from = Math.max(0, from);
    this.#to = Math.min(this.#rows.length, to);
  }

  /**
   * Where the first message that was shown stands now, with the dividers before it, or -1.
   * Dividers don't count: a day's moves up when more of that day comes before it.
   */
  #placeIn(rows) {
    const more = rows.length - this.#rows.length;
    for (let at = this.#from; at < this.#to; at += 1) {
      const { kind, key } = this.#rows[at];
      if (kind !== "message") continue;
      let place = [at, at + more].find((guess) => rows[guess]?.key === key) ?? rows.findIndex((row) => row.key === key);
      if (place < 0) continue;
      while (place > 0 && rows[place - 1].kind !== "message") place -= 1;
      return place;
    }
    return -1;
  }
}
