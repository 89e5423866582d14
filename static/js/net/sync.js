import { Alarm } from "../util/clock.js";
import { Signal } from "../util/signal.js";
import { Backoff } from "./backoff.js";
import { conversationOf, Intake, revOf } from "./intake.js";
import { Pages } from "./pages.js";

/** After so long without a connection the list tells more in one answer than a catch-up in many frames. */
const LONG_AWAY = 300_000;
/** A conversation that moved further than this is not caught up with but opened anew. */
const FAR = 200;
/** Most people in one question, by the protocol. */
const MOST_ASKED = 500;

/**
 * Keeps the models equal to the server, as docs/API.md says under "Staying exact": after
 * every opening of the socket, and whenever a live frame leaves a hole, it asks for what was
 * missed, and keeps what is live until that has come. A page's first connection, and one
 * after a long absence, asks for the list of conversations before.
 */
export class Sync {
  /** Emits `(message, isNews)` for each message that came; what a page's first catch-up brings is no news. */
  arrived;
  /** Emits the id of a conversation whose timeline changed. */
  changed;
  /** Emitted when the server knows this login as somebody else's than the models' person. */
  stranger = new Signal();

  #api;
  #socket;
  #clock;
  #courier;
  #reader;
  #roster;
  #cursors;
  #timelines;
  #models;
  #intake;
  #pages;
  #backoff;
  #again;
  /** Counts connections, so that an answer for an earlier one is recognised. */
  #connection = 0;
  #resumes = 0;
  #isLive = false;
  #openId = null;
  #isNew = true;
  #isReset = false;
  #lostAt = -Infinity;
  #readsSince;
  /** What is live and waits: those before `#before` came before the last `resume` was sent. */
  #kept = [];
  #before = 0;
  #sent = {};
  #fresh = new Map();
  #marks = [];

  /** `models`: people, conversations, outbox, presence, typing; for `mayGoAhead` see net/pages.js. */
  constructor({ api, socket, clock, courier, reader, roster, cursors, timelines, models, mayGoAhead, random = Math.random }) {
    this.#api = api;
    this.#socket = socket;
    this.#clock = clock;
    this.#courier = courier;
    this.#reader = reader;
    this.#roster = roster;
    this.#cursors = cursors;
    this.#timelines = timelines;
    this.#models = models;
    this.#intake = new Intake({ models, timelines, courier, roster, isHeld: (id) => this.#pages.isHeld(id) });
    const { conversations } = models;
    this.#pages = new Pages({ api, clock, timelines, conversations, onpage: (id, page) => this.#intake.noticed(id, page), mayGoAhead });
    this.arrived = this.#intake.arrived;
    this.changed = this.#intake.changed;
    this.#backoff = new Backoff(random);
    this.#again = new Alarm(clock, () => this.#resume());
    socket.opened.listen((ready) => this.#opened(ready));
    socket.closed.listen((code) => this.#lost(code));
    socket.received.listen((frame) => this.#receive(frame));
  }

  start() {
    this.#socket.start();
  }

  timeline(id) {
    return this.#timelines.of(id);
  }

  /** Makes `id` the conversation that is looked at; rejects with a `Problem`, and tries again after each catch-up. */
  open(id) {
    this.#openId = id;
    this.#askWhoIsHere();
    return this.#pages.open(id);
  }

  /** Nothing is looked at. */
  leave() {
    this.#openId = null;
    this.#pages.leave();
  }

  /** Gets the page before the first message that is here. */
  older(id) {
    return this.#pages.older(id);
  }

  async #opened({ user, epoch, time }) {
    const { people } = this.#models;
    if (user.id !== people.me.id) return this.stranger.emit();
    this.#connection += 1;
    const connection = this.#connection;
    this.#isLive = false;
    this.#kept = [];
    this.#again.clear();
    this.#courier.hold();
    people.put(user);
    if (this.#cursors.epoch !== null && this.#cursors.epoch !== epoch) this.#startAfresh();
    this.#cursors.epoch = epoch;
    this.#roster.start();
    if (this.#isNew || this.#isReset || this.#clock.now() - this.#lostAt > LONG_AWAY) await this.#list(connection, time);
    if (connection === this.#connection) this.#resume();
  }

  #lost(code) {
    if (this.#isLive) this.#lostAt = this.#clock.now();
    this.#connection += 1;
    this.#isLive = false;
    this.#again.clear();
    this.#pages.pause();
    this.#courier.connectionEnded(code);
    this.#models.presence.clear();
    this.#models.typing.clear();
  }

  /** Where the list doesn't come, the catch-up tells all that it would have told. */
  async #list(connection, time) {
    const list = await this.#api.conversations().catch(() => null);
    if (!list || connection !== this.#connection) return;
    if (this.#isReset) this.#forgetAll();
    this.#intake.list(list);
    for (const { id, rev } of list) this.#learn(id, rev);
    this.#readsSince = time;
  }

  /** The list knows this conversation up to `rev`: good enough where no messages are here, or too few. */
  #learn(id, rev) {
    const isNear = this.#cursors.has(id) && rev - this.#cursors.get(id) <= FAR;
    if (isNear && this.#timelines.of(id).isLoaded) return;
    if (rev > this.#cursors.get(id)) this.#intake.unload(id);
    this.#cursors.advance(id, rev);
  }

  #resume() {
    this.#isLive = false;
    this.#resumes += 1;
    this.#before = this.#kept.length;
    this.#fresh.clear();
    this.#marks = [];
    this.#sent = this.#cursors.of(this.#models.conversations.sorted().map(({ id }) => id));
    const frame = { type: "resume", ref: this.#ref, epoch: this.#cursors.epoch, cursors: this.#sent };
    if (this.#readsSince) frame.reads_since = this.#readsSince;
    this.#socket.send(frame);
  }

  get #ref() {
    return `resume ${this.#resumes}`;
  }

  #receive(frame) {
    const { presence, typing } = this.#models;
    if (frame.type === "presence") presence.apply(frame.users);
    else if (frame.type === "typing") typing.apply(frame);
    else if (frame.type === "error") this.#refused(frame);
    else if (frame.type === "reset") this.#reset(frame);
    else if (frame.type === "resumed") this.#resumed(frame);
    else if (frame.resumed) this.#told(frame);
    else if (frame.type === "ack" && frame.duplicate) this.#intake.repeated(frame);
    else if (conversationOf(frame)) this.#live(frame);
  }

  #refused(frame) {
    if (frame.ref === this.#ref) this.#again.set(this.#backoff.next());
    else if (!this.#reader.refused(frame)) this.#courier.refused(frame);
  }

  /** The database isn't the one that was known: nothing that is here counts any more. */
  #reset({ epoch }) {
    this.#startAfresh();
    this.#cursors.epoch = epoch;
    this.#sent = {};
  }

  #startAfresh() {
    this.#isReset = true;
    this.#cursors.clear();
    this.#readsSince = undefined;
  }

  #forgetAll() {
    this.#timelines.clear();
    this.#models.conversations.keepOnly(new Set());
    this.#isReset = false;
  }

  /** A frame of a catch-up: of a conversation with a cursor it counts at once, of others when all is told. */
  #told(frame) {
    const id = conversationOf(frame);
    if (frame.type === "read") this.#marks.push(frame);
    else if (frame.type === "conversation_removed") this.#forget(id);
    else if (id in this.#sent) {
      const rev = revOf(frame);
      if (rev <= this.#cursors.get(id)) return;
      this.#cursors.advance(id, rev);
      this.#intake.apply(frame, !this.#isNew);
    } else if (frame.type === "conversation") this.#fresh.set(id, { conversation: frame.conversation, messages: [] });
    else if (frame.type === "message") this.#fresh.get(id)?.messages.push(frame.message);
  }

  #resumed({ ref, heads, reads, time }) {
    if (ref !== this.#ref) return;
    const { people, conversations } = this.#models;
    if (this.#isReset) this.#forgetAll();
    this.#intake.begin([...this.#fresh.values()]);
    this.#intake.keepOnly(new Set(Object.keys(heads)));
    this.#cursors.replace(heads);
    for (const mark of this.#marks) this.#intake.apply(mark);
    for (const [id, seq] of Object.entries(reads)) conversations.read(id, people.me.id, seq);
    this.#reader.caughtUp(reads);
    this.#readsSince = time;
    this.#backoff.reset();
    this.#isLive = true;
    const kept = this.#kept.filter((frame, at) => at >= this.#before || conversationOf(frame) in heads);
    this.#kept = [];
    for (const frame of kept) this.#live(frame);
    if (this.#isLive) this.#settle();
  }

  /** Everything is known and nothing waits. */
  #settle() {
    this.#isNew = false;
    this.#courier.release();
    this.#socket.send({ type: "presence" });
    this.#askWhoIsHere();
    this.#pages.caughtUp();
  }

  #live(frame) {
    if (!this.#isLive) return this.#kept.push(frame);
    if (frame.type === "read") return this.#intake.apply(frame);
    const [id, rev] = [conversationOf(frame), revOf(frame)];
    const cursor = this.#cursors.get(id);
    if (rev <= cursor) return this.#known(frame);
    if (rev > cursor + 1 || !this.#intake.canApply(frame)) {
      this.#kept.push(frame);
      return this.#resume();
    }
    this.#cursors.advance(id, rev);
    if (frame.type === "conversation_removed") return this.#forget(id);
    const known = new Set(this.#models.conversations.get(id)?.members);
    this.#intake.apply(frame, true);
    if (frame.type === "conversation") this.#ask(frame.conversation.members.filter((member) => !known.has(member)));
  }

  /** Of whom one looks at it is told when they were last here as well. */
  #askWhoIsHere() {
    if (this.#isLive) this.#ask(this.#models.conversations.get(this.#openId)?.members ?? []);
  }

  /** Of people with whom nothing was shared before nobody has said whether they are here. */
  #ask(userIds) {
    const { me } = this.#models.people;
    const others = userIds.filter((id) => id !== me.id).slice(0, MOST_ASKED);
    if (others.length > 0) this.#socket.send({ type: "presence", user_ids: others });
  }

  #known(frame) {
    if (frame.type === "ack") this.#courier.acknowledged(frame.message_id);
  }

  #forget(id) {
    this.#cursors.forget(id);
    this.#intake.remove(id);
  }
}
