/**
 * How a timeline is laid out, as plain rows: day dividers, the "new" line, and messages
 * that know whether they start or end a group of one sender within five minutes.
 */
export const GROUP_SPAN = 5 * 60_000;

/**
 * `stored` and `pending` in order; `newFrom` is the first seq after the "new" line, or
 * null, and the line never stands above a stored message of one's own. `dayOf(date)` names a calendar day. A row is `{kind: "day", key, date}`,
 * `{kind: "new", key}` or `{kind: "message", key, state, own, starts, ends, …}`.
 */
export function rowsOf({ stored, pending, me, newFrom, dayOf }) {
  const messages = [
    ...stored.map((message) => shown(message, me, "stored")),
    ...pending.map((item) => shown({ ...item, sender_id: me }, me, item.state)),
  ];
  const newAt = newFrom === null ? null : lineAt(messages, newFrom);
  const rows = [];
  const days = new Set();
  let day = null;
  let last = null;
  for (const message of messages) {
    const today = dayOf(message.date);
    if (today !== day) {
      rows.push({ kind: "day", key: unused(`day ${today}`, days), date: message.date });
      day = today;
      last = null;
    }
    if (newAt !== null && message.seq === newAt) {
      rows.push({ kind: "new", key: "new" });
      last = null;
    }
    message.starts = !last || !together(last, message);
    if (last && !message.starts) last.ends = false;
    rows.push(message);
    last = message;
  }
  return rows;
}

function shown(message, me, state) {
  return {
    kind: "message",
    key: `${message.sender_id} ${message.message_id}`,
    state,
    own: message.sender_id === me,
    ends: true,
    starts: true,
    seq: message.seq ?? null,
    messageId: message.message_id,
    senderId: message.sender_id,
    content: message.content,
    reason: message.reason ?? "",
    date: new Date(message.created_at),
  };
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
