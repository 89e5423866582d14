import { Problem } from "../../../static/js/net/problem.js";

/** A message as the server gives it. */
export function message(seq, { conversation = "c1", sender = "bob", id = `m${seq}`, content = `text ${seq}`, rev = seq } = {}) {
  const created_at = new Date(Date.UTC(2026, 0, 1, 12, 0, seq)).toISOString();
  return { id: `${conversation}-row-${seq}`, message_id: id, sender_id: sender, conversation_id: conversation, content, created_at, seq, rev };
}

/**
 * The server as the client sees it: conversations, an `Api` over them, and the sockets
 * that were opened. `calls` is everything that was asked, in order.
 */
export class FakeServer {
  calls = [];
  sockets = [];
  users = [{ id: "bob", username: "bob", full_name: null }];
  conversations = new Map();
  #failures = [];

  add(id, { members = ["ann", "bob"], count = 0, read = 0 } = {}) {
    const messages = Array.from({ length: count }, (_, at) => message(at + 1, { conversation: id }));
    this.conversations.set(id, { id, title: null, direct: true, members, read, messages, created_at: "2026-01-01T00:00:00Z" });
  }

  /** Stores a message without telling any socket: what happens while a client is away. */
  store(id, options = {}) {
    const { messages } = this.conversations.get(id);
    const stored = message(messages.length + 1, { conversation: id, ...options });
    messages.push(stored);
    return stored;
  }

  /** Stores a message and tells the open socket. */
  deliver(id, options) {
    const stored = this.store(id, options);
    this.socket.receive({ type: "message", message: stored });
    return stored;
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

  api = {
    users: async () => this.#answer(["users"], () => ({ users: this.users, next_cursor: null })),
    conversations: async () => this.#answer(["list"], () => [...this.conversations.values()].map((one) => this.#view(one))),
    messages: async (id, { before, after, limit = 50 } = {}) =>
      this.#answer(["messages", id, ...(after === undefined ? [] : [`after=${after}`]), ...(before === undefined ? [] : [`before=${before}`])], () => {
        const { messages } = this.conversations.get(id);
        if (after !== undefined) return messages.filter(({ seq }) => seq > after).slice(0, limit);
        return messages.filter(({ seq }) => before === undefined || seq < before).slice(-limit);
      }),
    read: async (id, seq) => this.#answer(["read", id, seq], () => ({ conversation_id: id, last_read_seq: seq })),
  };

  /** The class that stands in for `WebSocket`. */
  get WebSocket() {
    const server = this;
    return class {
      sent = [];
      isClosed = false;
      constructor(address) {
        this.address = address;
        server.sockets.push(this);
        server.calls.push(["socket"]);
      }
      send(text) {
        const frame = JSON.parse(text);
        this.sent.push(frame);
        server.calls.push(["frame", frame.message_id]);
      }
      close() {
        this.isClosed = true;
      }
      open() {
        this.onopen?.({});
      }
      receive(frame) {
        this.onmessage?.({ data: JSON.stringify(frame) });
      }
      end(code) {
        this.onclose?.({ code });
      }
    };
  }

  async #answer(call, result) {
    this.calls.push(call);
    const at = this.#failures.findIndex(({ name }) => name === call[0]);
    if (at >= 0) throw this.#failures.splice(at, 1)[0].problem;
    return structuredClone(result());
  }

  #view({ messages, read, ...rest }) {
    const last = messages.at(-1) ?? null;
    return { ...rest, last_seq: messages.length, rev: messages.length, last_read_seq: read, last_message_at: last?.created_at ?? null, last_message: last };
  }
}

export const busy = (retryAfter = null) => new Problem({ status: 503, code: "unavailable", detail: "Busy.", retryAfter });
