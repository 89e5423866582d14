import { Signal } from "../util/signal.js";
import { folded, initials } from "../util/text.js";
import { words } from "../util/words.js";

/**
 * The conversations of this person as the list shows them: who is in them, how far they
 * go, how far everybody has read. Rows of the server, frames and one's own deeds may cross
 * on the way, so heads and read marks only ever move forward, and of title, members and
 * owners the row with the higher `rev` counts.
 */
export class Conversations {
  changed = new Signal();
  #byId = new Map();
  #loaded = false;
  #me;

  /** `me` is the id of this person, who has read whatever came before their own messages. */
  constructor(me) {
    this.#me = me;
  }

  /** True once the server has told of all of them, or a snapshot has. */
  get isLoaded() {
    return this.#loaded;
  }

  get all() {
    return [...this.#byId.values()];
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** Takes all that there are; what isn't among them is gone. */
  replaceAll(list) {
    this.keepOnly(new Set(list.map(({ id }) => id)));
    this.putAll(list);
  }

  /** Takes some; the others stay. */
  putAll(list) {
    for (const conversation of list) this.#merge(conversation);
    this.#loaded = true;
    this.changed.emit();
  }

  /** Takes one conversation that was made or changed. */
  put(conversation) {
    this.#merge(conversation);
    this.changed.emit();
  }

  /** This person isn't in it any more. */
  remove(id) {
    if (this.#byId.delete(id)) this.changed.emit();
  }

  /** Forgets all others. */
  keepOnly(ids) {
    for (const id of [...this.#byId.keys()]) if (!ids.has(id)) this.#byId.delete(id);
    this.changed.emit();
  }

  /** Takes a message that has been stored; false when its conversation is unknown here. */
  apply(message) {
    const conversation = this.#byId.get(message.conversation_id);
    if (!conversation) return false;
    if (message.seq >= conversation.last_seq && later(conversation.last_message, message) === message) {
      conversation.last_seq = message.seq;
      conversation.last_message = message;
      conversation.last_message_at = message.created_at;
      this.changed.emit();
    }
    this.read(conversation.id, message.sender_id, message.seq);
    return true;
  }

  /** Somebody has read up to `seq`; true when that was news. */
  read(id, userId, seq) {
    const conversation = this.#byId.get(id);
    if (!conversation || seq <= (conversation.reads[userId] ?? 0)) return false;
    conversation.reads[userId] = seq;
    if (userId === this.#me) conversation.last_read_seq = Math.max(conversation.last_read_seq, seq);
    this.changed.emit();
    return true;
  }

  /** I have seen everything up to `seq`; true when that is news for the server. */
  markRead(id, seq) {
    return seq > this.readUpTo(id) && this.read(id, this.#me, seq);
  }

  /** The seq up to which this person has read, by looking or by writing. */
  readUpTo(id) {
    return this.#byId.get(id)?.last_read_seq ?? 0;
  }

  /** The ids of the other members who have read up to `seq` or further. */
  readersOf(id, seq) {
    const { members = [], reads = {} } = this.#byId.get(id) ?? {};
    return members.filter((member) => member !== this.#me && reads[member] >= seq);
  }

  /** Whether I may change who is in it and what it is called. */
  isOwner(id) {
    return this.#byId.get(id)?.owners.includes(this.#me) ?? false;
  }

  unread(id) {
    return Math.max(0, (this.#byId.get(id)?.last_seq ?? 0) - this.readUpTo(id));
  }

  /** Of all but those that shall be quiet. */
  unreadTotal(isQuiet = () => false) {
    return this.all.reduce((sum, { id }) => sum + (isQuiet(id) ? 0 : this.unread(id)), 0);
  }

  /** Most recently active first; equal times keep one order, so that nothing flickers. */
  sorted() {
    return this.all.sort((a, b) => activity(b) - activity(a) || (a.id < b.id ? -1 : 1));
  }

  #merge(row) {
    const known = this.#byId.get(row.id);
    const merged = { ...BLANK, ...known, ...(known?.rev > row.rev ? { last_seq: row.last_seq } : row) };
    merged.rev = Math.max(known?.rev ?? 0, row.rev ?? 0);
    merged.reads = greatest(known?.reads, row.reads);
    merged.last_read_seq = Math.max(known?.last_read_seq ?? 0, row.last_read_seq ?? 0, merged.reads[this.#me] ?? 0);
    if (merged.last_read_seq > 0) merged.reads[this.#me] = merged.last_read_seq;
    if (known?.last_seq > merged.last_seq) merged.last_message_at = known.last_message_at;
    merged.last_seq = Math.max(known?.last_seq ?? 0, row.last_seq ?? 0);
    merged.last_message = later(known?.last_message, row.last_message);
    this.#byId.set(row.id, merged);
  }
}

const BLANK = { title: null, direct: false, members: [], owners: [], reads: {}, last_seq: 0, rev: 0, last_read_seq: 0, last_message: null, last_message_at: null };

/** Of two messages that may be missing, the one that was said or changed last. */
function later(known, other) {
  if (!known || !other) return known ?? other ?? null;
  return other.seq > known.seq || (other.seq === known.seq && other.rev > known.rev) ? other : known;
}

function greatest(some = {}, others = {}) {
  const all = { ...some };
  for (const [id, seq] of Object.entries(others)) all[id] = Math.max(seq, all[id] ?? 0);
  return all;
}

function activity({ last_message_at: last, created_at: created }) {
  return Date.parse(last ?? created) || 0;
}

/** The person at the other end of a 1-on-1, or null for a group. */
export function partnerIn(conversation, me) {
  if (!conversation.direct) return null;
  return conversation.members.find((id) => id !== me) ?? me;
}

/** What a conversation is called: the other person, the title, or who is in it. */
export function titleOf(conversation, people, me) {
  const partner = partnerIn(conversation, me);
  if (partner) return people.nameOf(partner);
  if (conversation.title) return conversation.title;
  const names = conversation.members.filter((id) => id !== me).map((id) => people.nameOf(id));
  return names.slice(0, 4).join(", ") || words.untitled;
}

/** `{id, letters}` of the avatar that stands for a conversation. */
export function faceOf(conversation, people, me) {
  return { id: partnerIn(conversation, me) ?? conversation.id, letters: initials(titleOf(conversation, people, me)) };
}

/**
 * The conversations that answer to a search, in their order: first those whose title does,
 * then those with a member whose name does.
 */
export function found(conversations, people, me, query) {
  const wanted = folded(query.trim());
  if (wanted === "") return conversations;
  const byTitle = conversations.filter((one) => folded(titleOf(one, people, me)).includes(wanted));
  const byMember = conversations.filter((one) => one.members.some((id) => id !== me && people.matches(id, wanted)));
  return [...new Set([...byTitle, ...byMember])];
}
