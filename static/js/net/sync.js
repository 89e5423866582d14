import { Alarm } from "../util/clock.js";
import { Signal } from "../util/signal.js";
import { Timeline } from "../model/timeline.js";
import { Backoff } from "./backoff.js";
import { CATCH_UP_PAGE } from "./api.js";

const POLL = 60_000;
const REFRESH_SPACING = 5_000;
const DEAF_AFTER = 3_000;

/**
 * Keeps the models equal to the server. After every opening of the socket, in this order:
 * the list of conversations, then what each loaded timeline missed, then the outbox. The
 * socket is open before the list is asked for, so nothing can fall between the two; what
 * comes twice is dropped by the timelines.
 */
export class Sync {
  /** Emits each live message that was new here. */
  arrived = new Signal();
  /** Emits the id of a conversation whose timeline changed. */
  changed = new Signal();

  #api;
  #socket;
  #clock;
  #courier;
  #roster;
  #people;
  #conversations;
  #isWatched;
  #backoff;
  #timelines = new Map();
  #running = new Map();
  #reloading = null;
  #following = null;
  #listedAt = -Infinity;
  #wanted = null;
  #heard = new Map();
  #suspects = [];
  #retryAlarm;
  #pollAlarm;
  #deafAlarm;

  /** `isWatched()` tells whether somebody can see the page; nothing is polled when not. */
  constructor({ api, socket, clock, courier, roster, people, conversations, isWatched, random = Math.random }) {
    this.#api = api;
    this.#socket = socket;
    this.#clock = clock;
    this.#courier = courier;
    this.#roster = roster;
    this.#people = people;
    this.#conversations = conversations;
    this.#isWatched = isWatched;
    this.#backoff = new Backoff(random);
    this.#retryAlarm = new Alarm(clock, () => this.reload());
    this.#pollAlarm = new Alarm(clock, () => this.#poll());
    this.#deafAlarm = new Alarm(clock, () => this.#checkHearing());
    socket.opened.listen(() => this.#opened());
    socket.closed.listen((code) => this.#courier.connectionEnded(code));
    socket.received.listen((frame) => this.#receive(frame));
  }

  start() {
    this.#socket.start();
    this.#pollAlarm.set(POLL);
  }

  timeline(id) {
    if (!this.#timelines.has(id)) this.#timelines.set(id, new Timeline());
    return this.#timelines.get(id);
  }

  /**
   * Makes `id` the conversation that is looked at and gets its latest page. Rejects with a
   * `Problem`; while it stays wanted, every reload tries again.
   */
  async open(id) {
    this.#wanted = id;
    if (!this.timeline(id).isLoaded) await this.#once(`open ${id}`, () => this.#loadLatest(id));
    if (this.#isBehind(id)) await this.#fill(id);
  }

  /** Nothing is looked at. */
  leave() {
    this.#wanted = null;
  }

  /** Gets the page before the first message that is here. */
  async older(id) {
    const timeline = this.timeline(id);
    if (!timeline.isLoaded || timeline.isComplete) return;
    await this.#once(`older ${id}`, async () => {
      timeline.prepend(await this.#api.messages(id, { before: timeline.floor }));
      this.changed.emit(id);
    });
  }

  /** Somebody looks again: asks for what may be new, unless that has just been done. */
  refresh() {
    if (!this.#socket.isOnline || this.#clock.now() - this.#listedAt < REFRESH_SPACING) return;
    this.reload();
    this.#roster.refresh();
  }

  /**
   * List, then holes. One runs at a time; a call while one runs gets a run that begins
   * after it, because the running one may have asked before the caller's reason arose.
   * Never rejects: what failed and may pass is tried again later.
   */
  reload() {
    if (this.#reloading) {
      this.#following ??= this.#reloading.then(() => {
        this.#following = null;
        return this.reload();
      });
      return this.#following;
    }
    this.#reloading = this.#reloadOnce().finally(() => {
      this.#reloading = null;
    });
    return this.#reloading;
  }

  async #opened() {
    this.#courier.hold();
    let isCurrent = true;
    const stop = this.#socket.changed.listen(() => {
      isCurrent = false;
    });
    this.#roster.start();
    await this.reload();
    stop();
    if (isCurrent) this.#courier.release();
  }

  async #reloadOnce() {
    this.#retryAlarm.clear();
    try {
      await this.#list();
      for (const [id, timeline] of this.#timelines) {
        if (timeline.isLoaded && this.#isBehind(id)) await this.#fill(id);
      }
      if (this.#wanted && !this.timeline(this.#wanted).isLoaded) await this.open(this.#wanted);
      this.#backoff.reset();
    } catch (problem) {
      this.#later(problem);
    }
  }

  async #list() {
    const mark = this.#conversations.mark();
    this.#listedAt = this.#clock.now();
    const list = await this.#api.conversations();
    this.#conversations.replaceAll(list, mark);
    this.#roster.meet(list.flatMap(({ members }) => members));
  }

  async #loadLatest(id) {
    const page = await this.#api.messages(id);
    this.timeline(id).open(page);
    this.#noticed(id, page);
  }

  #isBehind(id) {
    const timeline = this.timeline(id);
    return timeline.head < Math.max(timeline.highest, this.#conversations.get(id)?.last_seq ?? 0);
  }

  /** What nobody has opened is not collected: its latest page will bring it. */
  #isHeld(id) {
    return this.timeline(id).isLoaded || this.#running.has(`open ${id}`);
  }

  /** Fetches upwards from the head until nothing is missing or the server has no more. */
  #fill(id) {
    return this.#once(`fill ${id}`, async () => {
      const timeline = this.timeline(id);
      let head = -1;
      while (this.#isBehind(id) && timeline.head > head) {
        head = timeline.head;
        const page = await this.#api.messages(id, { after: head, limit: CATCH_UP_PAGE });
        timeline.addAll(page);
        this.#noticed(id, page);
      }
    });
  }

  /** Stored messages came from the server: the list, the outbox and the names follow. */
  #noticed(id, messages) {
    for (const message of messages) {
      this.#conversations.apply(message);
      if (message.sender_id === this.#people.me.id) this.#courier.acknowledged(message.message_id);
    }
    this.#roster.meet(messages.map((message) => message.sender_id));
    this.changed.emit(id);
  }

  #receive(frame) {
    if (frame.type === "error") this.#courier.refused(frame);
    else if (frame.type === "message" && frame.message) this.#receiveMessage(frame.message);
  }

  #receiveMessage(message) {
    const id = message.conversation_id;
    this.#heard.set(id, Math.max(this.#heard.get(id) ?? 0, message.seq));
    if (!this.#conversations.get(id)) this.reload();
    const isNew = this.#isHeld(id) && this.timeline(id).add(message);
    this.#noticed(id, [message]);
    if (isNew) this.arrived.emit(message);
    if (this.timeline(id).hasGap) this.#fill(id).catch((problem) => this.#later(problem));
  }

  /**
   * The list is asked for now and then. When it knows of messages that no live frame has
   * brought even a moment later, the connection is deaf and is replaced.
   */
  async #poll() {
    this.#pollAlarm.set(POLL);
    if (!this.#isWatched() || !this.#socket.isOnline) return;
    const before = new Map(this.#conversations.all.map(({ id, last_seq: seq }) => [id, seq]));
    this.#roster.refresh();
    await this.reload();
    this.#suspects = this.#conversations.all.filter(({ id, last_seq: seq }) => seq > before.get(id)).map(({ id, last_seq: seq }) => [id, seq]);
    if (this.#suspects.length > 0) this.#deafAlarm.set(DEAF_AFTER);
  }

  #checkHearing() {
    if (this.#suspects.some(([id, seq]) => (this.#heard.get(id) ?? 0) < seq)) this.#socket.restart();
  }

  #later(problem) {
    if (problem.passing) this.#retryAlarm.set(problem.retryAfter ?? this.#backoff.next());
  }

  /** Work of one name runs once at a time; whoever asks meanwhile shares it. */
  #once(name, work) {
    if (!this.#running.has(name)) {
      this.#running.set(
        name,
        work().finally(() => this.#running.delete(name)),
      );
    }
    return this.#running.get(name);
  }
}
