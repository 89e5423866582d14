import { Alarm } from "../util/clock.js";
import { words } from "../util/words.js";
import { FRAME_TOO_BIG } from "./close_codes.js";

const TRIES_BEFORE_DOUBT = 3;

/**
 * Carries the outbox over the socket. It stands still from the loss of a connection until
 * `release`, which comes when the new connection has caught up; so what was stored just
 * before the loss is recognised and not written again.
 */
export class Courier {
  #socket;
  #outbox;
  #clock;
  #isReleased = false;
  #alarm;

  constructor({ socket, outbox, clock }) {
    this.#socket = socket;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.deliver());
  }

  /** A new connection is up and must catch up first. */
  hold() {
    this.#isReleased = false;
    this.#outbox.disconnected();
    this.#alarm.clear();
  }

  release() {
    this.#isReleased = true;
    this.deliver();
  }

  /**
   * Writes what is due. A connection that leaves a message unanswered time after time is
   * taken for dead and replaced.
   */
  deliver() {
    this.#alarm.clear();
    if (!this.#isReleased || !this.#socket.isOnline) return;
    const now = this.#clock.now();
    for (const item of this.#outbox.due(now)) {
      if (this.#outbox.sent(item.message_id, now) > TRIES_BEFORE_DOUBT) {
        this.#socket.restart();
        return;
      }
      this.#socket.send(frameOf(item));
    }
    const next = this.#outbox.dueAt();
    if (next !== null) this.#alarm.set(next - now);
  }

  /** The server has stored this message of mine; the next one of its conversation may go. */
  acknowledged(messageId) {
    if (this.#outbox.acknowledge(messageId)) this.deliver();
  }

  /** The server answered a frame with an error. One that names no message is answered by time. */
  refused({ message_id: messageId, code, reason }) {
    if (!messageId) return;
    this.#outbox.refuse(messageId, { code, reason: reason ?? "" }, this.#clock.now());
    this.deliver();
  }

  /** After "frame too big" the same frame would only end the next connection as well. */
  connectionEnded(code) {
    if (code === FRAME_TOO_BIG) {
      for (const { message_id: id } of this.#outbox.inFlight()) {
        this.#outbox.refuse(id, { code: "too_big", reason: words.frameTooBig }, this.#clock.now());
      }
    }
    this.hold();
  }
}

function frameOf({ message_id, conversation_id, content }) {
  return { type: "message", message_id, conversation_id, content };
}
