import { Alarm } from "../util/clock.js";
import { transient } from "../model/refusal.js";

const DELAY = 1_000;
const RETRY = 5_000;
const REF = "read ";

/**
 * Tells the server what has been read. The badge goes at once; the server hears the highest
 * number of each conversation after a pause, so that a lively conversation costs one frame a
 * second and not one per message. What couldn't be told is told after the next catch-up.
 */
export class ReadMarker {
  #socket;
  #conversations;
  #neighbours;
  #waiting = new Set();
  #alarm;

  constructor({ socket, conversations, neighbours, clock }) {
    this.#socket = socket;
    this.#conversations = conversations;
    this.#neighbours = neighbours;
    neighbours.listen("read", ({ id, seq }) => conversations.markRead(id, seq));
    this.#alarm = new Alarm(clock, () => this.flush());
  }

  /** The person has seen everything up to `seq`. */
  seen(conversationId, seq) {
    if (!this.#conversations.markRead(conversationId, seq)) return;
    this.#neighbours.tell("read", { id: conversationId, seq });
    this.#tell(conversationId, DELAY);
  }

  /** Sends what waits now, for instance because the page is being hidden. */
  flush() {
    this.#alarm.clear();
    for (const id of this.#waiting) {
      const seq = this.#conversations.readUpTo(id);
      if (this.#socket.send({ type: "read", ref: REF + id, conversation_id: id, seq })) this.#waiting.delete(id);
    }
  }

  /** Where the server's marks stand (`{conversationId: seq}`): what it doesn't know is told again. */
  caughtUp(reads) {
    for (const [id, seq] of Object.entries(reads)) if (this.#conversations.readUpTo(id) > seq) this.#tell(id, DELAY);
  }

  /** The server answered with an error; true when it was about one of these. */
  refused({ ref, code }) {
    if (typeof ref !== "string" || !ref.startsWith(REF)) return false;
    if (transient(code)) this.#tell(ref.slice(REF.length), RETRY);
    return true;
  }

  #tell(id, delay) {
    if (!this.#conversations.get(id)) return;
    this.#waiting.add(id);
    if (!this.#alarm.isSet) this.#alarm.set(delay);
  }
}
