import { Signal } from "../util/signal.js";
import { uuid } from "../util/uuid.js";
import { transient } from "./refusal.js";

export const PATIENCE = 10_000;
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/**
 * What this person has written and the server has not yet stored. Each message keeps its
 * `message_id` through every repetition, so that the server stores it once. Of each
 * conversation only the oldest waiting message is on its way at a time: a refusal that
 * passes (`busy`) can then never let a later message overtake an earlier one.
 *
 * An item is `{message_id, conversation_id, content, created_at, state, reason}` with the
 * state `pending` or `failed`. Items live in `storage` (a sessionStorage) and so survive a
 * reload; it holds text only, never a token.
 */
export class Outbox {
  changed = new Signal();
  #items = [];
  #flights = new Map();
  #storage;
  #name;
  #random;
  #newId;

  constructor({ storage, userId, random = Math.random, newId = uuid }) {
    this.#storage = storage;
    this.#name = `pneumatic.outbox.${userId}`;
    this.#random = random;
    this.#newId = newId;
    this.#items = restored(storage, this.#name);
  }

  get items() {
    return this.#items;
  }

  get waiting() {
    return this.#items.filter((item) => item.state === "pending").length;
  }

  of(conversationId) {
    return this.#items.filter((item) => item.conversation_id === conversationId);
  }

  has(messageId) {
    return this.#find(messageId) !== undefined;
  }

  /** Takes a new message; it is pending from now on. */
  add(conversationId, content, now) {
    const item = {
      message_id: this.#newId(),
      conversation_id: conversationId,
      content,
      created_at: new Date(now).toISOString(),
      state: "pending",
      reason: "",
    };
    this.#items.push(item);
    this.#save();
    return item;
  }

  /** The messages to be written now: those never sent on this connection, or not answered in time. */
  due(now) {
    return this.#heads().filter((item) => this.#dueAt(item) <= now);
  }

  /** When `due` will have something, or null while nothing waits. */
  dueAt() {
    const times = this.#heads().map((item) => this.#dueAt(item));
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** Notes that a frame was written; gives how often it was on this connection without an answer. */
  sent(messageId, now) {
    const flight = this.#flightOf(messageId);
    flight.dueAt = now + PATIENCE;
    flight.tries += 1;
    return flight.tries;
  }

  /** The server has stored this message; true when it was one of these. */
  acknowledge(messageId) {
    if (!this.has(messageId)) return false;
    this.#discard(messageId);
    return true;
  }

  /**
   * The server refused a message. One that may pass is tried again later, with growing
   * delays; any other is final and shown as failed.
   */
  refuse(messageId, { code, reason, wait = 0 }, now) {
    const item = this.#find(messageId);
    if (!item || item.state !== "pending") return;
    const flight = this.#flightOf(messageId);
    if (transient(code)) {
      const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(flight.refusals, 8));
      flight.refusals += 1;
      flight.tries = 0;
      flight.dueAt = now + Math.max(wait, ceiling / 2 + this.#random() * (ceiling / 2));
      return;
    }
    this.#flights.delete(messageId);
    item.state = "failed";
    item.reason = reason;
    this.#save();
  }

  /** The connection is gone: whatever was on its way counts as not sent. */
  disconnected() {
    this.#flights.clear();
  }

  /** The messages that were on their way when something went wrong with the frame itself. */
  inFlight() {
    return this.#items.filter((item) => this.#flights.get(item.message_id)?.tries > 0);
  }

  /** Sends a failed message again, as the last of its conversation and under its old id. */
  retry(messageId) {
    const item = this.#find(messageId);
    if (item?.state !== "failed") return;
    this.#items = this.#items.filter((one) => one !== item);
    this.#items.push({ ...item, state: "pending", reason: "" });
    this.#save();
  }

  remove(messageId) {
    if (this.has(messageId)) this.#discard(messageId);
  }

  /** Forgets everything, here and in storage: after a log-out nothing stays behind. */
  clear() {
    this.#items = [];
    this.#flights.clear();
    this.#save();
  }

  #find(messageId) {
    return this.#items.find((item) => item.message_id === messageId);
  }

  #discard(messageId) {
    this.#items = this.#items.filter((item) => item.message_id !== messageId);
    this.#flights.delete(messageId);
    this.#save();
  }

  /** The oldest waiting message of each conversation. */
  #heads() {
    const heads = new Map();
    for (const item of this.#items) {
      if (item.state === "pending" && !heads.has(item.conversation_id)) heads.set(item.conversation_id, item);
    }
    return [...heads.values()];
  }

  #dueAt(item) {
    return this.#flights.get(item.message_id)?.dueAt ?? 0;
  }

  #flightOf(messageId) {
    if (!this.#flights.has(messageId)) this.#flights.set(messageId, { dueAt: 0, tries: 0, refusals: 0 });
    return this.#flights.get(messageId);
  }

  /** Storage may be full or forbidden; then messages only don't survive a reload. */
  #save() {
    try {
      if (this.#items.length === 0) this.#storage.removeItem(this.#name);
      else this.#storage.setItem(this.#name, JSON.stringify(this.#items));
    } catch (refusal) {
      console.warn("outbox not kept for a reload", refusal);
    }
    this.changed.emit();
  }
}

/** What an earlier page left, as far as it has the right shape. */
function restored(storage, name) {
  try {
    const items = JSON.parse(storage.getItem(name) ?? "[]");
    return items.filter((item) => item && [item.message_id, item.conversation_id, item.content, item.created_at].every((field) => typeof field === "string"));
  } catch {
    return [];
  }
}
