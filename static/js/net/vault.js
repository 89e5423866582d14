const NAME = "pneumatic";
const VERSION = 1;
const STORES = ["owner", "outbox", "drafts", "facts", "conversations", "pages"];
const PATIENCE = 2_000;

/** What stays when a login ends by itself: what this person wrote, and who they are. */
export const WRITTEN = ["owner", "outbox", "drafts"];

/**
 * The browser's database of this page, as far as the browser gives one: where it doesn't,
 * reading finds nothing, writing does nothing, and the page lives in its memory.
 */
export class Vault {
  #db;

  constructor(db) {
    this.#db = db;
    if (db) db.onversionchange = db.onclose = () => this.#close();
  }

  /** `factory()` gives `indexedDB`, or throws where even the name is forbidden. Never rejects. */
  static async open(factory, clock) {
    const opened = new Promise((resolve) => {
      clock.setTimeout(() => resolve(null), PATIENCE);
      try {
        const request = factory().open(NAME, VERSION);
        request.onupgradeneeded = () => STORES.forEach((store) => request.result.createObjectStore(store));
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => resolve(null);
      } catch {
        resolve(null);
      }
    });
    return new Vault(await opened);
  }

  /** Everything in these stores: `{store: Map(key → value)}`. Never rejects. */
  async read(stores = STORES) {
    const found = Object.fromEntries(stores.map((store) => [store, new Map()]));
    await this.#transaction(stores, "readonly", (transaction) => {
      for (const store of stores) {
        transaction.objectStore(store).openCursor().onsuccess = ({ target: { result: cursor } }) => {
          if (!cursor) return;
          found[store].set(cursor.key, cursor.value);
          cursor.continue();
        };
      }
    });
    return found;
  }

  /** Takes `[store, key, value]`, all or none; the value `undefined` deletes. Never rejects. */
  write(changes) {
    const stores = [...new Set(changes.map(([store]) => store))];
    if (stores.length === 0) return Promise.resolve();
    return this.#transaction(stores, "readwrite", (transaction) => {
      for (const [store, key, value] of changes) {
        if (value === undefined) transaction.objectStore(store).delete(key);
        else transaction.objectStore(store).put(value, key);
      }
    });
  }

  /** Deletes everything but what these stores hold. Never rejects. */
  erase({ but = [] } = {}) {
    const stores = STORES.filter((store) => !but.includes(store));
    return this.#transaction(stores, "readwrite", (transaction) => stores.forEach((store) => transaction.objectStore(store).clear()));
  }

  /** Resolves when it is over, well or not: what can't be kept is only missed after a reload. */
  #transaction(stores, mode, work) {
    return new Promise((resolve) => {
      if (!this.#db) return resolve();
      try {
        const transaction = this.#db.transaction(stores, mode);
        transaction.oncomplete = transaction.onabort = resolve;
        work(transaction);
      } catch {
        this.#close();
        resolve();
      }
    });
  }

  #close() {
    this.#db?.close();
    this.#db = null;
  }
}
