import { Signal } from "../util/signal.js";

/** Who is here, as far as this person may know. */
export class Presence {
  changed = new Signal();
  #online = new Set();
  #seen = new Map();

  isOnline(userId) {
    return this.#online.has(userId);
  }

  /** When somebody was here last; null while they are, or when nobody knows. */
  lastSeen(userId) {
    return this.isOnline(userId) ? null : (this.#seen.get(userId) ?? null);
  }

  /** Takes `{user_id, online, last_seen}` of people who came, went, or were asked about. */
  apply(users) {
    for (const { user_id: id, online, last_seen: seen } of users) {
      if (online) this.#online.add(id);
      else this.#online.delete(id);
      if (seen) this.#seen.set(id, new Date(seen));
    }
    this.changed.emit();
  }

  /** Without a connection nobody is known to be here. */
  clear() {
    if (this.#online.size === 0) return;
    this.#online.clear();
    this.changed.emit();
  }
}
