import { Alarm } from "../util/clock.js";
import { words } from "../util/words.js";
import { FRAME_TOO_BIG } from "./close_codes.js";

const TRIES_BEFORE_DOUBT = 3;
const PATIENCE = 1_000;

/**
 * Carries the outbox over the socket. It stands still from the loss of a connection until
 * `release`, which comes when the new connection has caught up; so what was stored just
 * before the loss is recognised and not written again. Of several tabs one delivers, that
 * which holds the turn (see net/turn.js); one that can't deliver gives it away.
 */
export class Courier {
  #socket;
  #outbox;
  #turn;
  #clock;
  #isReleased = false;
  #alarm;
  #patience;

  constructor({ socket, outbox, turn, clock }) {
    this.#socket = socket;
    this.#outbox = outbox;
    this.#turn = turn;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.deliver());
    this.#patience = new Alarm(clock, () => this.#insist());
    outbox.changed.listen(() => this.deliver());
    turn.changed.listen(() => this.deliver());
    turn.wanted.listen(() => this.#answer());
  }

  /** A new connection is up and must catch up first. */
  hold() {
    this.#isReleased = false;
    this.#outbox.disconnected();
    this.#alarm.clear();
    this.#patience.clear();
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
    if (!this.#canDeliver) return;
    if (!this.#turn.isMine) return this.#wait();
    this.#patience.clear();
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
    this.#outbox.acknowledge(messageId);
  }

  /** The server answered a message with an error; true when it was one of these. */
  refused({ ref, code, reason }) {
    if (!this.#outbox.has(ref)) return false;
    this.#outbox.refuse(ref, { code, reason: reason ?? "" }, this.#clock.now());
    this.deliver();
    return true;
  }

  /** After "frame too big" the same frame would only end the next connection as well. */
  connectionEnded(code) {
    const flying = code === FRAME_TOO_BIG ? this.#outbox.inFlight() : [];
    this.hold();
    for (const { message_id: id } of flying) this.#outbox.refuse(id, { code: "too_big", reason: words.frameTooBig }, this.#clock.now());
  }

  get #canDeliver() {
    return this.#isReleased && this.#socket.isOnline;
  }

  /** Whose turn it is gets a moment, and then is asked for it. */
  #wait() {
    if (this.#outbox.waiting === 0) this.#patience.clear();
    else if (!this.#patience.isSet) this.#patience.set(PATIENCE);
  }

  #insist() {
    this.#turn.want();
    this.deliver();
  }

  #answer() {
    if (this.#canDeliver) this.#turn.keep();
    else this.#turn.giveAway();
  }
}

function frameOf({ message_id, conversation_id, content }) {
  return { type: "message", ref: message_id, message_id, conversation_id, content };
}
