/**
 * The messages of one conversation that this tab has, in the order of `seq`, each once.
 * Frames and pages may come in any order and any number of times; the result depends only
 * on what has come. Knows where it has holes, and fetches nothing itself.
 */
export class Timeline {
  /** The lowest seq from which on everything is wanted; null until the first page came. */
  #floor = null;
  #messages = [];
  #byId = new Map();
  #byKey = new Map();
  #head = 0;

  /** The stored messages in order. The caller doesn't change them. */
  get messages() {
    return this.#messages;
  }

  get isLoaded() {
    return this.#floor !== null;
  }

  /** True when nothing older exists. */
  get isComplete() {
    return this.isLoaded && this.#floor <= 1;
  }

  get floor() {
    return this.#floor;
  }

  /** The highest seq up to which nothing is missing. */
  get head() {
    return this.#head;
  }

  /** The highest seq that has been seen, with or without a hole below it. */
  get highest() {
    return this.#messages.at(-1)?.seq ?? this.#head;
  }

  /** True when a message is here whose predecessor isn't. */
  get hasGap() {
    return this.isLoaded && this.highest > this.#head;
  }

  /**
   * Takes the latest page as the beginning. Live messages that came before it stay when
   * they are above it; what lies below its first one comes with the older pages.
   */
  open(page) {
    const first = page[0]?.seq ?? 1;
    this.#floor = first;
    for (const message of this.#messages.filter((one) => one.seq < first)) this.#forget(message);
    this.#messages = this.#messages.filter((one) => one.seq >= first);
    this.#head = first - 1;
    this.addAll(page);
  }

  /** Takes the page before the first message; an empty one says that nothing is older. */
  prepend(page) {
    const older = page.filter((message) => message.seq < this.#floor).sort((a, b) => a.seq - b.seq);
    this.#floor = older[0]?.seq ?? 1;
    const before = this.#messages.length;
    this.addAll(older);
    return this.#messages.length > before;
  }

  /** Takes messages from wherever; true when anything was new. */
  addAll(messages) {
    let isNew = false;
    for (const message of messages) isNew = this.add(message) || isNew;
    return isNew;
  }

  /** Takes one message; true when it was new or a later revision. */
  add(message) {
    const known = this.#byId.get(message.id) ?? this.#byKey.get(keyOf(message));
    if (known) return this.#revise(known, message);
    if (this.isLoaded && message.seq < this.#floor) return false;
    this.#messages.splice(this.#placeOf(message.seq), 0, message);
    this.#remember(message);
    this.#advance();
    return true;
  }

  /** Whether this sender's own id for a message is already among the stored ones. */
  has(senderId, messageId) {
    return this.#byKey.has(keyOf({ sender_id: senderId, message_id: messageId }));
  }

  #revise(known, message) {
    if (message.id !== known.id || !(message.rev > known.rev)) return false;
    this.#messages[this.#messages.indexOf(known)] = message;
    this.#remember(message);
    return true;
  }

  #remember(message) {
    this.#byId.set(message.id, message);
    this.#byKey.set(keyOf(message), message);
  }

  #forget(message) {
    this.#byId.delete(message.id);
    this.#byKey.delete(keyOf(message));
  }

  /** Nearly every message belongs at the end, so the search starts there. */
  #placeOf(seq) {
    let at = this.#messages.length;
    while (at > 0 && this.#messages[at - 1].seq > seq) at -= 1;
    return at;
  }

  #advance() {
    if (!this.isLoaded) return;
    let at = this.#messages.length;
    while (at > 0 && this.#messages[at - 1].seq > this.#head) at -= 1;
    while (this.#messages[at]?.seq === this.#head + 1) {
      this.#head += 1;
      at += 1;
    }
  }
}

function keyOf({ sender_id: sender, message_id: id }) {
  return `${sender} ${id}`;
}
