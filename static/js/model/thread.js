/**
 * How a timeline is laid out, as plain rows: day dividers, the "new" line, and messages
 * that know whether they start or end a group of one sender within five minutes.
 */
export const GROUP_SPAN = 5 * 60_000;

/** Lays out one conversation again and again; what never changes about a message is worked out once. */
export class Thread {
  #me;
  #dayOf;
  #known = new WeakMap();

  /** `me` is this person's id; `dayOf(date)` names a calendar day. */
  constructor({ me, dayOf }) {
    this.#me = me;
    this.#dayOf = dayOf;
  }

  /**
   * The rows for `stored` and `pending` messages, each in order. `newFrom` is the first seq
   * after the "new" line, or null; the line never stands above a stored message of one's own.
   * A row is `{kind: "day", key, date}`, `{kind: "new", key}` or
   * `{kind: "message", key, state, own, starts, ends, …}`.
   */
  rows({ stored, pending, newFrom }) {
    const messages = [...stored.map((message) => this.#shown(message)), ...pending.map((item) => this.#made({ ...item, sender_id: this.#me }, item.state))];
    const newAt = newFrom === null ? null : lineAt(messages, newFrom);
    const rows = [];
    const days = new Set();
    let day = null;
    let last = null;
    for (const message of messages) {
      if (message.day !== day) {
        day = message.day;
        rows.push({ kind: "day", key: unused(`day ${day}`, days), date: message.date });
        last = null;
      }
      if (newAt !== null && message.seq === newAt) {
        rows.push({ kind: "new", key: "new" });
        last = null;
      }
      message.starts = !last || !together(last, message);
      message.ends = true;
      if (last && !message.starts) last.ends = false;
      rows.push(message);
      last = message;
    }
    return rows;
  }

  #shown(message) {
    let row = this.#known.get(message);
    if (!row) this.#known.set(message, (row = this.#made(message, "stored")));
    return row;
  }

  #made(message, state) {
    const date = new Date(message.created_at);
    return {
      kind: "message",
      key: `${message.sender_id} ${message.message_id}`,
      state,
      own: message.sender_id === this.#me,
      ends: true,
      starts: true,
      seq: message.seq ?? null,
      messageId: message.message_id,
      senderId: message.sender_id,
      content: message.content,
      reason: message.reason ?? "",
      date,
      day: this.#dayOf(date),
    };
  }
}

/** Whoever wrote had read what came before, so the line moves below their last stored message. */
function lineAt(messages, newFrom) {
  return messages.reduce((at, { own, seq }) => (own && seq !== null && seq >= at ? seq + 1 : at), newFrom);
}

/** A waiting message of yesterday stands after the stored ones of today, so days may repeat. */
function unused(name, taken) {
  let key = name;
  while (taken.has(key)) key += "+";
  taken.add(key);
  return key;
}

function together(earlier, later) {
  return earlier.senderId === later.senderId && later.date - earlier.date < GROUP_SPAN;
}
