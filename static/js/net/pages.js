import { Alarm } from "../util/clock.js";

const SPACING = 5_000;

/** The most recent conversations, which can be read without a connection. */
export const AT_HAND = 50;

/**
 * Gets pages of messages over REST: the latest when a conversation is opened, earlier ones
 * when the reader comes near them, and, one by one while nothing else is to do, those of the
 * most recent conversations.
 */
export class Pages {
  #api;
  #timelines;
  #conversations;
  #onpage;
  #running = new Map();
  #wanted = null;
  #mayGoAhead;
  #ahead;

  /** `onpage(conversationId, messages)` after each page; `mayGoAhead()` is true in one of several tabs. */
  constructor({ api, clock, timelines, conversations, onpage, mayGoAhead }) {
    this.#api = api;
    this.#timelines = timelines;
    this.#conversations = conversations;
    this.#onpage = onpage;
    this.#mayGoAhead = mayGoAhead;
    this.#ahead = new Alarm(clock, () => this.#fetchAhead());
  }

  /** Makes `id` the conversation that is looked at and gets its latest page; rejects with a `Problem`. */
  async open(id) {
    this.#wanted = id;
    await this.#latest(id);
  }

  leave() {
    this.#wanted = null;
  }

  async older(id) {
    const timeline = this.#timelines.of(id);
    if (!timeline.isLoaded || timeline.isComplete) return;
    await this.#once(`older ${id}`, timeline, async () => {
      const page = await this.#api.messages(id, { before: timeline.floor });
      timeline.prepend(page);
      this.#onpage(id, page);
    });
  }

  /** Whether live messages of this conversation are to be collected: its latest page is here or on its way. */
  isHeld(id) {
    const timeline = this.#timelines.of(id);
    return timeline.isLoaded || this.#running.get(`latest ${id}`)?.timeline === timeline;
  }

  /** Everything that was missed has come: gets the page that is looked at, if it isn't here, then others. */
  caughtUp() {
    if (this.#wanted && this.#conversations.get(this.#wanted)) this.#latest(this.#wanted).catch(() => {});
    this.#ahead.set(SPACING);
  }

  /** The connection is lost: nothing is fetched ahead. */
  pause() {
    this.#ahead.clear();
  }

  async #fetchAhead() {
    const next = this.#conversations.sorted().slice(0, AT_HAND).find(({ id, last_seq: seq }) => seq > 0 && !this.isHeld(id));
    if (!next || !this.#mayGoAhead()) return;
    try {
      await this.#latest(next.id);
      this.#ahead.set(SPACING);
    } catch {
      this.#ahead.clear();
    }
  }

  async #latest(id) {
    const timeline = this.#timelines.of(id);
    if (timeline.isLoaded) return;
    await this.#once(`latest ${id}`, timeline, async () => {
      const page = await this.#api.messages(id);
      if (!this.#timelines.isCurrent(id, timeline)) return;
      timeline.open(page);
      this.#onpage(id, page);
    });
  }

  /** Work of one name on one timeline runs once at a time; whoever asks meanwhile shares it. */
  #once(name, timeline, work) {
    const running = this.#running.get(name);
    if (running?.timeline === timeline) return running.promise;
    const promise = work().finally(() => {
      if (this.#running.get(name)?.promise === promise) this.#running.delete(name);
    });
    this.#running.set(name, { timeline, promise });
    return promise;
  }
}
