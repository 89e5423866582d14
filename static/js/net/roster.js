import { Alarm } from "../util/clock.js";

const MOST_PAGES = 10;
const SPACING = 5_000;
const SEARCH_DELAY = 250;
const POLL = 60_000;

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
  /** Who was met and isn't known, and who of them was asked for. */
  #sought = new Set();
  #asked = new Set();
  #loadedAt = -Infinity;
  #again;
  #search;
  #poll;
  #query = "";
  #isWatched;
  #isLoaded = false;
  #isMeeting = false;

  /** `isWatched()` tells whether somebody can see the page; newcomers are looked for only then. */
  constructor({ api, people, clock, isWatched }) {
    this.#api = api;
    this.#people = people;
    this.#clock = clock;
    this.#isWatched = isWatched;
    this.#again = new Alarm(clock, () => this.reload());
    this.#search = new Alarm(clock, () => this.#ask());
    this.#poll = new Alarm(clock, () => {
      this.#poll.set(POLL);
      if (this.#isWatched()) this.refresh();
    });
  }

  /** Loads everyone, once for a page, and newcomers now and then. */
  start() {
    if (this.#poll.isSet) return;
    this.#poll.set(POLL);
    this.reload();
  }

  /** Somebody may have signed up; worth asking only where everyone fits on one page. */
  refresh() {
    if (this.#pages <= 1) this.reload();
  }

  /**
   * These ids were met. Who isn't among everyone, as a guest is not, is asked for by name,
   * each only once: whoever is gone is found nowhere.
   */
  meet(ids) {
    for (const id of ids) if (!this.#people.has(id)) this.#sought.add(id);
    if (this.#isLoaded && !this.#isMeeting) this.#look();
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
    this.#isLoaded = true;
    this.meet([]);
    // Who is alone waits for somebody to come, and shall see them at once.
    if (this.#people.found("").length === 0) this.#retryIn(SPACING);
  }

  /** One after the other, so that a large group of strangers is no storm of calls. */
  async #look() {
    this.#isMeeting = true;
    for (const id of this.#sought) {
      if (this.#people.has(id) || this.#asked.has(id)) continue;
      this.#asked.add(id);
      try {
        this.#people.put(await this.#api.user(id));
      } catch (problem) {
        if (problem.passing) {
          this.#asked.delete(id);
          break;
        }
      }
    }
    this.#isMeeting = false;
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
