import { Problem } from "../../../static/js/net/problem.js";
import { socketClass } from "./wire.js";

/** A message as the server gives it. */
export function message(seq, { conversation = "c1", sender = "bob", id = `m${seq}`, content = `text ${seq}`, rev = seq } = {}) {
  const created_at = new Date(Date.UTC(2026, 0, 1, 12, 0, seq)).toISOString();
  return { id: `${conversation}-row-${seq}`, message_id: id, sender_id: sender, conversation_id: conversation, content, created_at, seq, rev };
}

/**
 * The server as Ann's browser sees it, in the dialect pneumatic.v2: conversations, an `Api`
 * over them, and the sockets that were opened. `calls` is everything that was asked, in
 * order. What happens is told to every open socket at once; `isSlow` lets frames wait in
 * both directions until a test moves them (see support/wire.js).
 */
export class FakeServer {
  calls = [];
  sockets = [];
  users = [{ id: "bob", username: "bob", full_name: null }];
  conversations = new Map();
  epoch = "epoch-1";
  isSlow = false;
  isDown = false;
  /** How long answers are on their way. */
  lag = async () => {};
  #failures = [];
  #seen = new Map();
  WebSocket = socketClass(this);

  add(id, { members = ["ann", "bob"], count = 0, read = 0, title = null } = {}) {
    const one = { id, title, direct: members.length === 2, members, owners: [members[0]], reads: read > 0 ? { ann: read } : {}, rev: 1, meta: 1, messages: [], created_at: "2026-01-01T00:00:00Z" };
    this.conversations.set(id, one);
    for (let at = 0; at < count; at += 1) this.#store(one);
    this.#tell(one.members, () => ({ type: "conversation", conversation: this.#state(one) }));
    return one;
  }

  /** Somebody writes; every open socket of a member hears it. */
  say(id, options = {}) {
    const one = this.conversations.get(id);
    const stored = this.#store(one, options);
    this.#tell(one.members, () => ({ type: "message", message: stored }), options.but);
    return stored;
  }

  rename(id, title) {
    const one = this.conversations.get(id);
    this.#change(one, () => (one.title = title));
  }

  remove(id, user = "ann") {
    const one = this.conversations.get(id);
    this.#change(one, () => (one.members = one.members.filter((member) => member !== user)));
    if (user === "ann") this.#tell(["ann"], () => ({ type: "conversation_removed", conversation_id: id, rev: one.rev }));
  }

  admit(id, user = "ann") {
    const one = this.conversations.get(id);
    if (one.members.includes(user)) return;
    one.reads[user] = one.messages.length;
    this.#change(one, () => (one.members = [...one.members, user]));
  }

  read(id, user, seq) {
    const one = this.conversations.get(id);
    const mark = Math.min(seq, one.messages.length);
    if (mark <= (one.reads[user] ?? 0)) return;
    one.reads[user] = mark;
    this.#tell(one.members, () => ({ type: "read", conversation_id: id, user_id: user, seq: mark }));
  }

  /** A backup takes the place of the database: all conversations lose what came after `keep` messages. */
  restore(epoch, keep) {
    this.epoch = epoch;
    for (const one of this.conversations.values()) {
      one.messages.length = Math.min(one.messages.length, keep);
      one.rev = Math.max(one.meta, one.messages.at(-1)?.rev ?? 0);
      for (const [user, seq] of Object.entries(one.reads)) one.reads[user] = Math.min(seq, one.messages.length);
    }
    for (const [key, stored] of this.#seen) if (!this.conversations.get(stored.conversation_id).messages.includes(stored)) this.#seen.delete(key);
  }

  /** The next call of this name is answered by a problem. */
  fail(name, problem) {
    this.#failures.push({ name, problem });
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** The names of the calls, without page sizes. */
  names() {
    return this.calls.map(([name, ...rest]) => [name, ...rest].join(" "));
  }

  /** Ann's conversations as the list has them. */
  list() {
    return [...this.conversations.values()].filter(({ members }) => members.includes("ann")).map((one) => this.#view(one));
  }

  api = {
    ticket: async () => this.#answer(["ticket"], () => "ticket"),
    users: async () => this.#answer(["users"], () => ({ users: this.users, next_cursor: null })),
    user: async (id) => this.#answer(["user", id], () => this.users.find((user) => user.id === id) ?? refuse(404, "unknown_user")),
    conversations: async () => this.#answer(["list"], () => this.list()),
    messages: async (id, { before, limit = 50 } = {}) =>
      this.#answer(["messages", id, ...(before === undefined ? [] : [`before=${before}`])], () => {
        const one = this.conversations.get(id);
        if (!one.members.includes("ann")) refuse(403, "not_a_member");
        return one.messages.filter(({ seq }) => before === undefined || seq < before).slice(-limit);
      }),
  };

  /** What a frame of Ann's socket leads to. */
  hear(socket, frame) {
    const answer = (said) => socket.tell(frame.ref === undefined ? said : { ...said, ref: frame.ref });
    if (frame.type === "ping") answer({ type: "pong", time: this.#now() });
    else if (frame.type === "presence") answer({ type: "presence", users: [] });
    else if (frame.type === "read") {
      this.read(frame.conversation_id, "ann", frame.seq);
      answer({ type: "read", conversation_id: frame.conversation_id, user_id: "ann", seq: this.conversations.get(frame.conversation_id)?.reads.ann ?? 0 });
    } else if (frame.type === "message") this.#post(socket, frame, answer);
    else if (frame.type === "resume") socket.tellSlowly(this.#resume(frame));
  }

  ready() {
    return { type: "ready", session_id: "s", user: { id: "ann", username: "ann", full_name: null }, epoch: this.epoch, time: this.#now() };
  }

  #post(socket, { message_id: id, conversation_id: place, content }, answer) {
    const one = this.conversations.get(place);
    if (!one?.members.includes("ann")) return answer({ type: "error", code: "not_a_member", reason: "You are not a member." });
    const known = this.#seen.get(`ann ${id}`);
    const stored = known ?? this.#store(one, { sender: "ann", id, content });
    answer({ type: "ack", ...stored, message_id: id, duplicate: Boolean(known) });
    if (!known) this.#tell(one.members, () => ({ type: "message", message: stored }), socket);
  }

  #resume({ ref, epoch, cursors, reads_since: since }) {
    const frames = [];
    const answer = (said) => frames.push({ ...said, ref });
    const tell = (said) => frames.push({ ...said, resumed: true });
    const mine = [...this.conversations.values()].filter(({ members }) => members.includes("ann"));
    const isAhead = mine.some(({ id, rev }) => cursors[id] > rev);
    if (isAhead || (epoch && epoch !== this.epoch)) {
      answer({ type: "reset", epoch: this.epoch });
      cursors = {};
    }
    for (const one of mine) {
      const state = () => ({ type: "conversation", conversation: { ...this.#state(one), rev: one.meta } });
      if (one.id in cursors) {
        const changes = one.messages.filter(({ rev }) => rev > cursors[one.id]).map((changed) => ({ rev: changed.rev, frame: { type: "message", message: changed } }));
        if (one.meta > cursors[one.id]) changes.push({ rev: one.meta, frame: state() });
        for (const { frame } of changes.sort((a, b) => a.rev - b.rev)) tell(frame);
      } else {
        tell(state());
        for (const stored of one.messages.slice(-50)) tell({ type: "message", message: stored });
      }
    }
    const heads = Object.fromEntries(mine.map(({ id, rev }) => [id, rev]));
    for (const id of Object.keys(cursors)) if (!(id in heads)) tell({ type: "conversation_removed", conversation_id: id });
    for (const one of mine) {
      for (const [user, seq] of Object.entries(one.reads)) if (user !== "ann") tell({ type: "read", conversation_id: one.id, user_id: user, seq });
    }
    if (since !== undefined && typeof since !== "string") throw new Error("reads_since is a time");
    answer({ type: "resumed", epoch: this.epoch, heads, reads: Object.fromEntries(mine.map(({ id, reads }) => [id, reads.ann ?? 0])), time: this.#now() });
    return frames;
  }

  #store(one, { sender = "bob", id, content } = {}) {
    const seq = one.messages.length + 1;
    one.rev += 1;
    const stored = message(seq, { conversation: one.id, sender, rev: one.rev, ...(id && { id }), ...(content && { content }) });
    one.messages.push(stored);
    this.#seen.set(`${sender} ${stored.message_id}`, stored);
    one.reads[sender] = seq;
    return stored;
  }

  #change(one, change) {
    change();
    one.rev += 1;
    one.meta = one.rev;
    this.#tell(one.members, () => ({ type: "conversation", conversation: this.#state(one) }));
  }

  #tell(members, frame, but) {
    if (!members.includes("ann")) return;
    for (const socket of this.sockets) if (socket.isOpen && socket !== but) socket.tell(frame());
  }

  async #answer(call, result) {
    this.calls.push(call);
    const at = this.#failures.findIndex(({ name }) => name === call[0]);
    if (at >= 0) throw this.#failures.splice(at, 1)[0].problem;
    if (this.isDown) throw busy();
    const found = structuredClone(result());
    await this.lag();
    return found;
  }

  #state({ messages, meta, ...rest }) {
    return { ...structuredClone(rest), last_seq: messages.length, last_message_at: messages.at(-1)?.created_at ?? null };
  }

  #view(one) {
    return { ...this.#state(one), last_read_seq: one.reads.ann ?? 0, last_message: one.messages.at(-1) ?? null };
  }

  #now() {
    return new Date(this.calls.length).toISOString();
  }
}

function refuse(status, code) {
  throw new Problem({ status, code, detail: code });
}

export const busy = (retryAfter = null) => new Problem({ status: 503, code: "unavailable", detail: "Busy.", retryAfter });

/** The seqs of so many messages. */
export const upTo = (count) => Array.from({ length: count }, (_, at) => at + 1);

/** The frames by which sockets asked for what they had missed. */
export const resumes = (server) => server.sockets.flatMap(({ sent }) => sent.filter(({ type }) => type === "resume"));

/** What was asked by REST and over the socket, without what is only nice to know. */
export const asked = (server) => server.names().filter((name) => !/^(?:ticket|users|socket|frame presence)/.test(name));
