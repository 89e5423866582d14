import { Alarm } from "../util/clock.js";
import { PAGE } from "./api.js";
import { AT_HAND } from "./pages.js";

const PAUSE = 2_000;
const MOST_PEOPLE = 2_000;

/**
 * A copy of what this page knows, in the browser: the next page opens from it, without the
 * server if need be, and then asks only for what has changed. Each record has the cursor up
 * to which it is exact, so that records of different moments and tabs go together.
 */
export class Snapshot {
  #vault;
  #models;
  #cursors;
  #timelines;
  #alarm;
  #isOver = false;
  /** What is stored, by store and key: a mark of its content. */
  #stored = new Map();

  constructor({ vault, clock, models, cursors, timelines }) {
    this.#vault = vault;
    this.#models = models;
    this.#cursors = cursors;
    this.#timelines = timelines;
    this.#alarm = new Alarm(clock, () => this.save());
  }

  /** Takes what an earlier page has left; see `Vault.read`. */
  restore({ facts, conversations, pages }) {
    for (const id of conversations.keys()) this.#stored.set(`conversations ${id}`, "");
    for (const id of pages.keys()) this.#stored.set(`pages ${id}`, "");
    const epoch = facts.get("epoch");
    if (!epoch) return;
    this.#cursors.epoch = epoch;
    this.#models.people.add(facts.get("people") ?? []);
    const rows = [...conversations.values()].filter((record) => record.epoch === epoch);
    for (const { row, cursor } of rows) {
      const page = pages.get(row.id);
      const isUsable = page?.epoch === epoch;
      if (isUsable) this.#timelines.restart(row.id, page.messages);
      this.#cursors.advance(row.id, isUsable ? Math.min(cursor, page.cursor) : cursor);
    }
    this.#models.conversations.putAll(rows.map(({ row }) => row));
  }

  /** Saves now and then what has changed. */
  start(...signals) {
    for (const signal of signals) {
      signal.listen(() => {
        if (!this.#alarm.isSet) this.#alarm.set(PAUSE);
      });
    }
  }

  save() {
    this.#alarm.clear();
    const { epoch } = this.#cursors;
    if (this.#isOver || !epoch) return;
    const { people, conversations } = this.#models;
    const changes = [];
    const wanted = new Set();
    const keep = (store, key, mark, value) => {
      const name = `${store} ${key}`;
      wanted.add(name);
      if (this.#stored.get(name) === mark) return;
      this.#stored.set(name, mark);
      changes.push([store, key, value()]);
    };
    keep("facts", "epoch", epoch, () => epoch);
    keep("facts", "me", JSON.stringify(people.me), () => people.me);
    const known = people.all.slice(0, MOST_PEOPLE);
    keep("facts", "people", JSON.stringify(known), () => known);
    conversations.sorted().forEach((row, at) => {
      if (!this.#cursors.has(row.id)) return;
      const cursor = this.#cursors.get(row.id);
      keep("conversations", row.id, JSON.stringify([epoch, cursor, row]), () => ({ epoch, cursor, row }));
      if (at < AT_HAND) this.#keepPage(keep, row.id, cursor, epoch);
    });
    for (const name of [...this.#stored.keys()].filter((one) => !wanted.has(one))) {
      this.#stored.delete(name);
      const [store, key] = name.split(" ");
      changes.push([store, key, undefined]);
    }
    return this.#vault.write(changes);
  }

  /** Nothing is kept any more: the login is over. */
  end() {
    this.#isOver = true;
    this.#alarm.clear();
  }

  /** What another page has stored stays, where this one hasn't opened the conversation. */
  #keepPage(keep, id, cursor, epoch) {
    const timeline = this.#timelines.of(id);
    if (timeline.hasGap || !timeline.isLoaded) {
      const name = `pages ${id}`;
      if (this.#stored.has(name)) keep("pages", id, this.#stored.get(name));
      return;
    }
    keep("pages", id, `${epoch} ${cursor} ${timeline.messages.length}`, () => ({ epoch, cursor, messages: timeline.messages.slice(-PAGE) }));
  }
}
