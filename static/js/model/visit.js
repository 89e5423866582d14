/**
 * One visit to a conversation, from opening it to leaving it: where its "new" line stands,
 * how many messages came out of sight, and what its loading is up to.
 */
export class Visit {
  /** The first seq after the "new" line, or null. */
  newFrom = null;
  /** Messages of others that arrived while the reader wasn't at the bottom. */
  below = 0;
  /** Why the latest page didn't come, or null. */
  problem = null;
  isLoadingOlder = false;
  #isLineSeen = false;

  /** `lastRead` and `lastSeq` of the conversation at the moment of opening it. */
  constructor(id, { lastRead, lastSeq }) {
    this.id = id;
    if (lastRead < lastSeq) this.newFrom = lastRead + 1;
  }

  /** Somebody else's message came; `isSeen` when it came before the reader's eyes. */
  arrived(seq, isSeen) {
    if (isSeen) return;
    this.below += 1;
    if (this.newFrom !== null && !this.#isLineSeen) return;
    this.newFrom = seq;
    this.#isLineSeen = false;
  }

  /** The reader is at the bottom: the line stays where it is until something newer needs it. */
  seen() {
    this.below = 0;
    this.#isLineSeen = true;
  }

  /** Who writes has caught up. */
  wrote() {
    this.below = 0;
    this.newFrom = null;
  }
}
