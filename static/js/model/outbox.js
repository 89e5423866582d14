import { Signal } from "../util/signal.js";
import { uuid } from "../util/uuid.js";
import { transient } from "./refusal.js";

export const PATIENCE = 10_000;
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/** So many ids of messages that are gone are remembered, so that no late word brings them back. */
const REMEMBERED = 1_000;

/**
 * What this person has written and the server has not yet stored. Each message keeps its
 * `message_id` through every repetition, so that the server stores it once. Of each
 * conversation only the oldest waiting message is on its way at a time: a refusal that
 * passes (`busy`) can then never let a later message overtake an earlier one.
 *
 * An item is `{message_id, conversation_id, content, created_at, position, state, reason}`
 * with the state `pending` or `failed`. All tabs show the same items: `kept` and `gone` tell
 * what to store and to pass on, `adopt` and `drop` take what comes from there.
 */
export class Outbox {
  changed = new Signal();
  /** Emits an item that was made or changed here. */
  kept = new Signal();
  /** Emits the id of an item that is done with. */
  gone = new Signal();
  #items = [];
  #flights = new Map();
  #foreign = new Set();
  #done = new Set();
  #random;
  #newId;

  constructor({ random = Math.random, newId = uuid } = {}) {
    this.#random = random;
    this.#newId = newId;
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

  get(messageId) {
    return this.#find(messageId);
  }

  /** Takes a new message; it is pending from now on. */
  add(conversationId, content, now) {
    const item = {
      message_id: this.#newId(),
      conversation_id: conversationId,
      content,
      created_at: new Date(now).toISOString(),
      position: this.#end(now),
      state: "pending",
      reason: "",
    };
    this.#put(item);
    return item;
  }

  /**
   * Takes an item of another tab or of an earlier page, unless it is known to be done with.
   * A foreign one is shown here and delivered elsewhere.
   */
  adopt(item, { isForeign = false } = {}) {
    if (!isItem(item) || this.#done.has(item.message_id)) return;
    if (isForeign) this.#foreign.add(item.message_id);
    this.#insert(item);
    this.changed.emit();
  }

  /** Another tab is done with this item. */
  drop(messageId) {
    this.#remember(messageId);
    if (this.has(messageId)) this.#forget(messageId);
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
    this.#remember(messageId);
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
    this.#put({ ...item, state: "failed", reason });
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
  retry(messageId, now) {
    const item = this.#find(messageId);
    if (item?.state !== "failed") return;
    this.#foreign.delete(messageId);
    this.#put({ ...item, position: this.#end(now), state: "pending", reason: "" });
  }

  remove(messageId) {
    if (this.has(messageId)) this.#discard(messageId);
  }

  #find(messageId) {
    return this.#items.find((item) => item.message_id === messageId);
  }

  /** Behind everything that is here, in all tabs alike. */
  #end(now) {
    return Math.max(now, (this.#items.at(-1)?.position ?? 0) + 1);
  }

  #put(item) {
    this.#insert(item);
    this.kept.emit(item);
    this.changed.emit();
  }

  #insert(item) {
    this.#items = [...this.#items.filter((one) => one.message_id !== item.message_id), item].sort((a, b) => a.position - b.position);
  }

  #discard(messageId) {
    this.#remember(messageId);
    this.gone.emit(messageId);
    this.#forget(messageId);
  }

  #forget(messageId) {
    this.#items = this.#items.filter((item) => item.message_id !== messageId);
    this.#flights.delete(messageId);
    this.#foreign.delete(messageId);
    this.changed.emit();
  }

  #remember(messageId) {
    this.#done.add(messageId);
    if (this.#done.size > REMEMBERED) this.#done.delete(this.#done.values().next().value);
  }

  /** The oldest waiting message of each conversation. */
  #heads() {
    const heads = new Map();
    for (const item of this.#items) {
      if (item.state === "pending" && !heads.has(item.conversation_id)) heads.set(item.conversation_id, item);
    }
    return [...heads.values()].filter((item) => !this.#foreign.has(item.message_id));
  }

  #dueAt(item) {
    return this.#flights.get(item.message_id)?.dueAt ?? 0;
  }

  #flightOf(messageId) {
    if (!this.#flights.has(messageId)) this.#flights.set(messageId, { dueAt: 0, tries: 0, refusals: 0 });
    return this.#flights.get(messageId);
  }
}

/** Whether what a store or another tab gives has the right shape. */
function isItem(item) {
  const isText = (field) => typeof item?.[field] === "string";
  return ["message_id", "conversation_id", "content", "created_at"].every(isText) && typeof item.position === "number";
}
