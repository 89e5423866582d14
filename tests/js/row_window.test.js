import assert from "node:assert/strict";
import { test } from "node:test";
import { RowWindow } from "../../static/js/model/row_window.js";
import { seeded } from "./support/random.js";

const message = (number) => ({ kind: "message", key: `m${number}` });
const rowsFrom = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
const keys = (window) => window.shown.map((row) => row.key);
const made = (rows) => {
  const window = new RowWindow({ most: 30, step: 10 });
  window.take(rows, true);
  return window;
};

test("it begins at the end, and moves by steps within its bound", () => {
  const window = made(rowsFrom(1, 100));
  assert.deepEqual([keys(window)[0], keys(window).at(-1), window.hasEarlier, window.hasLater], ["m91", "m100", true, false]);
  for (let move = 0; move < 4; move += 1) window.earlier();
  assert.deepEqual([keys(window)[0], keys(window).at(-1)], ["m51", "m80"]);
  assert.ok(window.hasLater);
  window.later();
  assert.deepEqual([keys(window)[0], keys(window).at(-1)], ["m61", "m90"]);
  window.toStart();
  assert.deepEqual([keys(window)[0], window.hasEarlier, window.hasLater], ["m1", false, true]);
  window.toEnd();
  assert.deepEqual([keys(window)[0], keys(window).at(-1), window.hasLater], ["m91", "m100", false]);
});

test("at the end it follows what comes, and stays bounded", () => {
  const window = made(rowsFrom(1, 5));
  window.take(rowsFrom(1, 80), true);
  assert.deepEqual([keys(window).length, keys(window).at(-1)], [30, "m80"]);
});

test("who reads further up stays there, whatever comes before or after", () => {
  const window = made(rowsFrom(101, 200));
  window.earlier();
  const place = keys(window);
  window.take(rowsFrom(51, 200), false);
  assert.deepEqual(keys(window), place);
  window.take(rowsFrom(51, 205), false);
  assert.deepEqual(keys(window), [...place, "m201", "m202", "m203", "m204", "m205"]);
  window.take(rowsFrom(51, 300), false);
  assert.deepEqual([keys(window)[0], keys(window).length, window.hasLater], [place[0], 30, true]);
});

test("a divider that moves away takes nobody with it", () => {
  const day = { kind: "day", key: "day" };
  const window = made([day, ...rowsFrom(51, 59)]);
  window.take([day, ...rowsFrom(1, 59)], false);
  assert.deepEqual(keys(window), rowsFrom(51, 59).map((row) => row.key));
});

test("rows that vanish don't take the place with them; when all do, it is the end", () => {
  const window = made(rowsFrom(1, 40));
  window.take(rowsFrom(1, 40).filter(({ key }) => key !== "m31" && key !== "m35"), false);
  assert.deepEqual(keys(window), ["m32", "m33", "m34", "m36", "m37", "m38", "m39", "m40"]);
  window.take(rowsFrom(500, 600), false);
  assert.deepEqual([keys(window).length, keys(window).at(-1)], [10, "m600"]);
  window.take([], false);
  assert.deepEqual([keys(window), window.hasEarlier, window.hasLater], [[], false, false]);
});

test("a row can be looked up", () => {
  const window = made(rowsFrom(1, 100));
  assert.equal(window.reveal("nowhere"), false);
  const before = keys(window);
  assert.ok(window.reveal("m95"));
  assert.deepEqual(keys(window), before, "what is shown stays");
  assert.ok(window.reveal("m40"));
  assert.deepEqual([keys(window)[0], keys(window).at(-1)], ["m30", "m49"]);
});

test("whatever happens: a stretch without holes, never too long, never empty while there are rows", () => {
  const random = seeded(7);
  const pick = (most) => Math.floor(random() * most);
  const window = new RowWindow({ most: 30, step: 10 });
  let [first, last] = [1_000, 1_000];
  let rows = rowsFrom(first, last);
  window.take(rows, true);
  for (let step = 0; step < 3_000; step += 1) {
    const before = keys(window);
    const isAtEnd = random() < 0.3 && !window.hasLater;
    const act = pick(6);
    if (act === 0) last += pick(40);
    if (act === 1) first -= pick(60);
    if (act < 2) window.take((rows = rowsFrom(first, last)), isAtEnd);
    if (act < 2 && !isAtEnd) assert.equal(keys(window)[0], before[0]);
    if (act === 2) window.earlier();
    if (act === 3) window.later();
    if (act === 4 && random() < 0.1) window.toEnd();
    if (act === 5 && random() < 0.1) window.reveal(`m${first + pick(last - first)}`);
    const shown = keys(window);
    assert.ok(shown.length > 0 && shown.length <= 30);
    const at = rows.findIndex(({ key }) => key === shown[0]);
    assert.deepEqual(shown, rows.slice(at, at + shown.length).map(({ key }) => key));
    assert.deepEqual([window.hasEarlier, window.hasLater], [at > 0, at + shown.length < rows.length]);
  }
});
