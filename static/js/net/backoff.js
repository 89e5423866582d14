/**
 * How long to wait before the next try: a random time between half a second and a ceiling
 * that doubles with every failure, up to half a minute. The randomness is what keeps a
 * thousand browsers from returning in the same instant after a restart.
 */
export const SHORTEST = 500;
export const LONGEST = 30_000;
const FIRST_CEILING = 1_000;

export class Backoff {
  #random;
  #failures = 0;

  constructor(random = Math.random) {
    this.#random = random;
  }

  /** The next delay in milliseconds; each call counts as one more failure. */
  next() {
    const ceiling = Math.min(LONGEST, FIRST_CEILING * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    return Math.round(SHORTEST + this.#random() * (ceiling - SHORTEST));
  }

  /** After a success that lasted, the next failure starts small again. */
  reset() {
    this.#failures = 0;
  }
}
