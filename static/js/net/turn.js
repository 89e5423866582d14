import { Signal } from "../util/signal.js";

const LOCK = "pneumatic-outbox";
const MOST_ASKED = 8;

/**
 * Which tab delivers what all of them have written. The browser's lock passes to another
 * tab when one is closed; a tab that can't deliver gives it away when another asks, and from
 * one that doesn't answer at all, because it sleeps, it is taken. Without locks every tab
 * delivers its own messages.
 */
export class Turn {
  /** Emitted when the turn has come. */
  changed = new Signal();
  /** Emitted when another tab asks this one for its turn: `keep` or `giveAway` is the answer. */
  wanted = new Signal();
  isMine;
  #locks;
  #neighbours;
  #asked = 0;
  #release = null;

  /** `locks` is `navigator.locks` where it exists, else undefined. */
  constructor({ locks, neighbours }) {
    this.#locks = locks;
    this.#neighbours = neighbours;
    this.isMine = !locks;
    neighbours.listen("turn wanted", () => this.isMine && this.#locks && this.wanted.emit());
    neighbours.listen("turn kept", () => {
      this.#asked = 0;
    });
  }

  /** Without locks tabs can't take turns, and what another tab has written is its own business. */
  get isShared() {
    return Boolean(this.#locks);
  }

  start() {
    this.#locks && this.#queue({});
  }

  /** Asks whoever has it. */
  want() {
    this.#asked += 1;
    if (this.#asked < MOST_ASKED) this.#neighbours.tell("turn wanted");
    else this.#queue({ steal: true });
  }

  keep() {
    this.#neighbours.tell("turn kept");
  }

  /** The next tab in the queue gets it, and this one is the last. */
  giveAway() {
    this.isMine = false;
    this.#release?.();
    this.#queue({});
  }

  #queue(options) {
    this.#asked = 0;
    const held = () =>
      new Promise((resolve) => {
        this.#release = resolve;
        this.isMine = true;
        this.changed.emit();
      });
    this.#locks.request(LOCK, options, held).catch(() => {
      this.isMine = false;
      this.#queue({});
    });
  }
}
