import { Alarm } from "../util/clock.js";
import { Signal } from "../util/signal.js";

/** The server says when somebody stops; this is for the case that it can't. */
const LIFE = 8_000;

/** Who is writing, by conversation. */
export class Typing {
  changed = new Signal();
  #until = new Map();
  #clock;
  #alarm;

  constructor({ clock }) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.#expire());
  }

  /** The ids of those who write there, in the order in which they began. */
  in(conversationId) {
    return [...(this.#until.get(conversationId)?.keys() ?? [])];
  }

  /** Takes what the server says. */
  apply({ conversation_id: id, user_id: user, is_typing: isTyping }) {
    const people = this.#until.get(id) ?? new Map();
    if (isTyping) people.set(user, this.#clock.now() + LIFE);
    else people.delete(user);
    if (people.size > 0) this.#until.set(id, people);
    else this.#until.delete(id);
    this.#wait();
    this.changed.emit();
  }

  /** Whoever sends a message has finished writing it. */
  wrote(conversationId, userId) {
    if (this.#until.get(conversationId)?.has(userId)) this.apply({ conversation_id: conversationId, user_id: userId, is_typing: false });
  }

  clear() {
    this.#until.clear();
    this.#wait();
    this.changed.emit();
  }

  #expire() {
    const now = this.#clock.now();
    for (const [id, people] of this.#until) {
      for (const [user, until] of people) if (until <= now) people.delete(user);
      if (people.size === 0) this.#until.delete(id);
    }
    this.#wait();
    this.changed.emit();
  }

  #wait() {
    const times = [...this.#until.values()].flatMap((people) => [...people.values()]);
    if (times.length === 0) this.#alarm.clear();
    else this.#alarm.set(Math.min(...times) - this.#clock.now());
  }
}
