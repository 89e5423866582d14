/** What the tabs of one browser share, in memory: a database, locks and a channel. */
export class FakeVault {
  stores = new Map();

  async read(stores = ["owner", "outbox", "drafts", "facts", "conversations", "pages"]) {
    return structuredClone(Object.fromEntries(stores.map((store) => [store, this.stores.get(store) ?? new Map()])));
  }

  async write(changes) {
    for (const [store, key, value] of structuredClone(changes)) {
      if (!this.stores.has(store)) this.stores.set(store, new Map());
      if (value === undefined) this.stores.get(store).delete(key);
      else this.stores.get(store).set(key, value);
    }
  }

  size(store) {
    return this.stores.get(store)?.size ?? 0;
  }
}

/** `navigator.locks`, as far as tabs take turns with it. */
export class FakeLocks {
  #held = new Map();
  #queues = new Map();

  request(name, options, work) {
    return new Promise((resolve, reject) => {
      const one = { work, resolve, reject };
      if (options.steal && this.#held.has(name)) {
        this.#held.get(name).reject(new Error("stolen"));
        this.#held.delete(name);
        this.#queues.set(name, [one, ...(this.#queues.get(name) ?? [])]);
      } else this.#queues.set(name, [...(this.#queues.get(name) ?? []), one]);
      queueMicrotask(() => this.#next(name));
    });
  }

  async #next(name) {
    const queue = this.#queues.get(name) ?? [];
    if (this.#held.has(name) || queue.length === 0) return;
    const one = queue.shift();
    this.#held.set(name, one);
    await one.work();
    if (this.#held.get(name) !== one) return;
    this.#held.delete(name);
    one.resolve();
    this.#next(name);
  }
}

/** A `BroadcastChannel` class of its own; `close` makes a tab deaf and dumb. */
export function channels() {
  const open = new Set();
  return class {
    constructor() {
      open.add(this);
    }

    postMessage(data) {
      if (!open.has(this)) return;
      const copy = structuredClone(data);
      for (const other of open) if (other !== this) queueMicrotask(() => open.has(other) && other.onmessage?.({ data: copy }));
    }

    close() {
      open.delete(this);
    }
  };
}
