import { Alarm } from "../util/clock.js";

const DELAY = 1_000;
const RETRY = 5_000;

/**
 * Tells the server what has been read. The badge goes at once; the server hears the
 * highest number of each conversation after a pause, so that a lively conversation costs
 * one call a second and not one per message.
 */
export class ReadMarker {
  #api;
  #conversations;
  #waiting = new Map();
  #alarm;

  constructor({ api, conversations, clock }) {
    this.#api = api;
    this.#conversations = conversations;
    this.#alarm = new Alarm(clock, () => this.flush());
  }

  /** The person has seen everything up to `seq`. */
  seen(conversationId, seq) {
    if (!this.#conversations.markRead(conversationId, seq)) return;
    this.#waiting.set(conversationId, seq);
    if (!this.#alarm.isSet) this.#alarm.set(DELAY);
  }

  /** Sends what waits now, for instance because the page is being hidden. */
  async flush() {
    this.#alarm.clear();
    const marks = [...this.#waiting];
    this.#waiting.clear();
    for (const [id, seq] of marks) {
      try {
        await this.#api.read(id, seq);
      } catch (problem) {
        if (problem.passing) this.#keep(id, seq, problem.retryAfter ?? RETRY);
      }
    }
  }

  /** A mark that didn't get through waits on, unless a later one has taken its place. */
  #keep(id, seq, delay) {
    this.#waiting.set(id, Math.max(seq, this.#waiting.get(id) ?? 0));
    if (!this.#alarm.isSet) this.#alarm.set(delay);
  }
}
