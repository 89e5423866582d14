import { Alarm } from "../util/clock.js";

const RENEWAL = 5_000;
const STILL = 5_000;
const A_MINUTE = 60_000;
/** The server hears ten signs of typing a minute from one person. */
const MOST = 10;

/**
 * Tells the others that this person writes: when they begin, again while they go on, and
 * when they stop. It keeps to what the server allows, with something left for stopping.
 */
export class Typist {
  #socket;
  #clock;
  #place = null;
  #told = -Infinity;
  #left = MOST;
  #countedAt;
  #still;

  constructor({ socket, clock }) {
    this.#socket = socket;
    this.#clock = clock;
    this.#countedAt = clock.now();
    this.#still = new Alarm(clock, () => this.stop());
  }

  /** A key was pressed in this conversation. */
  typed(conversationId) {
    if (this.#place !== conversationId) this.stop();
    this.#place = conversationId;
    this.#still.set(STILL);
    const now = this.#clock.now();
    if (now - this.#told < RENEWAL || !this.#say(true, 2)) return;
    this.#told = now;
  }

  /** Nothing is being written any more: it was sent, given up, or left. */
  stop() {
    this.#still.clear();
    if (this.#told > -Infinity) this.#say(false, 1);
    this.#place = null;
    this.#told = -Infinity;
  }

  #say(isTyping, least) {
    const now = this.#clock.now();
    this.#left = Math.min(MOST, this.#left + ((now - this.#countedAt) * MOST) / A_MINUTE);
    this.#countedAt = now;
    if (this.#left < least || !this.#socket.send({ type: "typing", conversation_id: this.#place, is_typing: isTyping })) return false;
    this.#left -= 1;
    return true;
  }
}
