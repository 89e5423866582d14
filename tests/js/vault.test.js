import assert from "node:assert/strict";
import { test } from "node:test";
import { Vault, WRITTEN } from "../../static/js/net/vault.js";
import { FakeClock } from "./support/clock.js";

/** As much of IndexedDB as the vault uses; requests succeed one turn later. */
function database() {
  const stores = new Map();
  const later = (request, result) => {
    queueMicrotask(() => request.onsuccess?.({ target: { result } }));
    return request;
  };
  const cursorOver = (entries, request) => {
    const [first, ...rest] = entries;
    later(request, first && { key: first[0], value: first[1], continue: () => cursorOver(rest, request) });
    return request;
  };
  const storeOf = (name) => ({
    put: (value, key) => later({}, stores.get(name).set(key, structuredClone(value))),
    delete: (key) => later({}, stores.get(name).delete(key)),
    clear: () => later({}, stores.get(name).clear()),
    openCursor: () => cursorOver([...stores.get(name)], {}),
  });
  const db = {
    createObjectStore: (name) => stores.set(name, new Map()),
    transaction: () => {
      const transaction = { objectStore: storeOf };
      setImmediate(() => transaction.oncomplete());
      return transaction;
    },
    close: () => {},
  };
  const open = () => {
    const request = { result: db };
    queueMicrotask(() => {
      request.onupgradeneeded();
      request.onsuccess();
    });
    return request;
  };
  return { indexedDB: { open }, stores };
}

test("what is written is read, what is deleted is gone, and erasing may leave what a person wrote", async () => {
  const { indexedDB, stores } = database();
  const vault = await Vault.open(() => indexedDB, new FakeClock());
  await vault.write([["outbox", "m1", { content: "hello" }], ["outbox", "m2", {}], ["drafts", "c1", "dra"], ["facts", "me", { id: "ann" }]]);
  await vault.write([["outbox", "m2", undefined]]);
  await vault.write([]);
  const { outbox, drafts, facts, pages } = await vault.read();
  assert.deepEqual([[...outbox], [...drafts], [...facts], [...pages]], [[["m1", { content: "hello" }]], [["c1", "dra"]], [["me", { id: "ann" }]], []]);
  assert.deepEqual(Object.keys(await vault.read(["outbox"])), ["outbox"]);
  await vault.erase({ but: WRITTEN });
  assert.deepEqual([stores.get("facts").size, stores.get("outbox").size, stores.get("drafts").size], [0, 1, 1]);
  await vault.erase();
  assert.deepEqual([...stores.values()].map(({ size }) => size), [0, 0, 0, 0, 0, 0]);
});

const REFUSALS = {
  "its name is forbidden": () => {
    throw new Error("insecure");
  },
  "there is none": () => undefined,
  "it can't be opened": () => ({
    open: () => {
      const request = {};
      queueMicrotask(() => request.onerror());
      return request;
    },
  }),
  "it never answers": () => ({ open: () => ({}) }),
};

for (const [why, factory] of Object.entries(REFUSALS)) {
  test(`without a database, because ${why}, there is nothing to read and no harm in writing`, async () => {
    const clock = new FakeClock();
    const opening = Vault.open(factory, clock);
    await clock.pass(2_000);
    const vault = await opening;
    await vault.write([["facts", "me", { id: "ann" }]]);
    await vault.erase();
    assert.equal((await vault.read()).facts.size, 0);
  });
}

test("a database that fails later is done without", async () => {
  const { indexedDB } = database();
  const vault = await Vault.open(() => indexedDB, new FakeClock());
  await vault.write([["facts", "me", {}]]);
  const broken = await Vault.open(
    () => ({
      open: () => {
        const request = {
          result: {
            transaction: () => {
              throw new Error("gone");
            },
            close: () => {},
          },
        };
        queueMicrotask(() => request.onsuccess());
        return request;
      },
    }),
    new FakeClock(),
  );
  await broken.write([["facts", "me", {}]]);
  assert.equal((await broken.read()).facts.size, 0);
});
