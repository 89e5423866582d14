/**
 * Time as a value that is handed down: whoever waits takes a clock, and tests give one
 * that they move by hand.
 */
export const systemClock = {
  now: () => Date.now(),
  setTimeout: (callback, delay) => globalThis.setTimeout(callback, delay),
  clearTimeout: (handle) => globalThis.clearTimeout(handle),
};

/**
 * A timer that can be set again: at most one call is outstanding, and setting it anew
 * replaces the one before.
 */
export class Alarm {
  #clock;
  #ring;
  #handle = null;

  constructor(clock, ring) {
    this.#clock = clock;
    this.#ring = ring;
  }

  get isSet() {
    return this.#handle !== null;
  }

  set(delay) {
    this.clear();
    this.#handle = this.#clock.setTimeout(() => {
      this.#handle = null;
      this.#ring();
    }, Math.max(0, delay));
  }

  clear() {
    if (this.#handle === null) return;
    this.#clock.clearTimeout(this.#handle);
    this.#handle = null;
  }
}
