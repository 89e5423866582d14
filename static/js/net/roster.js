import { Alarm } from "../util/clock.js";

const MOST_PAGES = 10;
const SPACING = 5_000;
const SEARCH_DELAY = 250;

/**
 * Loads people into the model: all of them where they are few, and by search where the
 * server has more than a browser should hold.
 */
export class Roster {
  #api;
  #people;
  #clock;
  #loading = false;
  #pages = 0;
  #sought = new Set();
  #loadedAt = -Infinity;
  #again;
  #search;
  #query = "";

  constructor({ api, people, clock }) {
    this.#api = api;
    this.#people = people;
    this.#clock = clock;
    this.#again = new Alarm(clock, () => this.reload());
    this.#search = new Alarm(clock, () => this.#ask());
  }

  /** Loads everyone for the first time. */
  start() {
    if (!this.#people.isLoaded) this.reload();
  }

  /** Somebody may have signed up; worth asking only where everyone fits on one page. */
  refresh() {
    if (this.#pages <= 1) this.reload();
  }

  /**
   * These ids were met. The unknown among them are looked for, but each only once: guests
   * and people who are gone are listed nowhere.
   */
  meet(ids) {
    const unknown = ids.filter((id) => !this.#people.has(id) && !this.#sought.has(id));
    if (unknown.length === 0) return;
    for (const id of unknown) this.#sought.add(id);
    this.reload();
  }

  /** Calls close together become one. */
  reload() {
    const wait = this.#loadedAt + SPACING - this.#clock.now();
    if (this.#loading || wait > 0) this.#retryIn(Math.max(wait, 0) || SPACING);
    else this.#load();
  }

  /** Asks the server for a name, once the typing pauses and if it may know more than we do. */
  search(query) {
    this.#query = query.trim();
    const isKnown = this.#people.isComplete && this.#people.found(this.#query).length > 0;
    if (this.#query && !isKnown) this.#search.set(SEARCH_DELAY);
    else this.#search.clear();
  }

  async #load() {
    this.#loading = true;
    this.#again.clear();
    try {
      let cursor = null;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const { users, next_cursor: next } = await this.#api.users({ cursor });
        cursor = next ?? null;
        this.#pages = page + 1;
        this.#people.isComplete = cursor === null;
        this.#people.add(users);
        if (cursor === null) break;
      }
    } catch (problem) {
      if (problem.passing) this.#retryIn(problem.retryAfter ?? SPACING);
    } finally {
      this.#loading = false;
      this.#loadedAt = this.#clock.now();
    }
    // Who is alone waits for somebody to come, and shall see them at once.
    if (this.#people.found("").length === 0) this.#retryIn(SPACING);
  }

  async #ask() {
    try {
      const { users } = await this.#api.users({ query: this.#query });
      this.#people.add(users);
    } catch (problem) {
      if (problem.passing) this.#search.set(problem.retryAfter ?? SPACING);
    }
  }

  #retryIn(delay) {
    if (!this.#again.isSet) this.#again.set(delay);
  }
}
