import { Signal } from "../util/signal.js";
import { folded, initials } from "../util/text.js";
import { words } from "../util/words.js";

/**
 * The conversations of this person as the list shows them: who is in them, how far they
 * go, how far they were read. Lists of the server and live messages may cross on the way,
 * so heads and read marks only ever move forward.
 */
export class Conversations {
  changed = new Signal();
  #byId = new Map();
  #touched = new Map();
  #moment = 0;
  #loaded = false;
  #me;

  /** `me` is the id of this person, who has read whatever came before their own messages. */
  constructor(me) {
    this.#me = me;
  }

  /** True once the server's list has come for the first time. */
  get isLoaded() {
    return this.#loaded;
  }

  get all() {
    return [...this.#byId.values()];
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** A mark to be taken before asking for the list, and given back with the answer. */
  mark() {
    return this.#moment;
  }

  /**
   * Takes the server's list, asked for at `mark`. What is missing in it is gone, except for
   * conversations that came to be here after the question.
   */
  replaceAll(list, mark) {
    const listed = new Set(list.map((conversation) => conversation.id));
    for (const id of [...this.#byId.keys()]) {
      if (!listed.has(id) && !(this.#touched.get(id) > mark)) this.#byId.delete(id);
    }
    for (const conversation of list) this.#merge(conversation);
    this.#loaded = true;
    this.changed.emit();
  }

  /** Takes one conversation that was just made or opened. */
  put(conversation) {
    this.#touch(conversation.id);
    this.#merge(conversation);
    this.changed.emit();
  }

  /** Takes a message that has been stored; false when its conversation is unknown here. */
  apply(message) {
    const conversation = this.#byId.get(message.conversation_id);
    if (!conversation) return false;
    const isNewer = message.seq > conversation.last_seq || (message.seq === conversation.last_seq && !conversation.last_message);
    const isOwn = message.sender_id === this.#me && message.seq > conversation.last_own_seq;
    if (!isNewer && !isOwn) return true;
    this.#touch(conversation.id);
    if (isNewer) {
      conversation.last_seq = message.seq;
      conversation.last_message = message;
      conversation.last_message_at = message.created_at;
    }
    if (isOwn) conversation.last_own_seq = message.seq;
    this.changed.emit();
    return true;
  }

  /** Everything up to `seq` has been seen; true when that is news for the server. */
  markRead(id, seq) {
    const conversation = this.#byId.get(id);
    if (!conversation || seq <= conversation.last_read_seq) return false;
    conversation.last_read_seq = seq;
    this.changed.emit();
    return true;
  }

  /** The seq up to which this person has read, by looking or by writing. */
  readUpTo(id) {
    const conversation = this.#byId.get(id);
    return conversation ? Math.max(conversation.last_read_seq, conversation.last_own_seq) : 0;
  }

  unread(id) {
    return Math.max(0, (this.#byId.get(id)?.last_seq ?? 0) - this.readUpTo(id));
  }

  unreadTotal() {
    return this.all.reduce((sum, { id }) => sum + this.unread(id), 0);
  }

  /** Most recently active first; equal times keep one order, so that nothing flickers. */
  sorted() {
    return this.all.sort((a, b) => activity(b) - activity(a) || (a.id < b.id ? -1 : 1));
  }

  #merge(conversation) {
    const known = this.#byId.get(conversation.id);
    const merged = { last_seq: 0, last_read_seq: 0, last_message: null, last_message_at: null, last_own_seq: 0, ...conversation };
    if (merged.last_message?.sender_id === this.#me) merged.last_own_seq = merged.last_message.seq;
    if (known) {
      merged.last_read_seq = Math.max(known.last_read_seq, merged.last_read_seq);
      merged.last_own_seq = Math.max(known.last_own_seq, merged.last_own_seq);
      if (known.last_seq > merged.last_seq) {
        const { last_seq, last_message, last_message_at } = known;
        Object.assign(merged, { last_seq, last_message, last_message_at });
      }
    }
    this.#byId.set(conversation.id, merged);
  }

  #touch(id) {
    this.#moment += 1;
    this.#touched.set(id, this.#moment);
  }
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
