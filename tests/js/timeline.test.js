import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline } from "../../static/js/model/timeline.js";
import { message } from "./support/server.js";
import { seeded, shuffled } from "./support/random.js";

const seqs = (timeline) => timeline.messages.map(({ seq }) => seq);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => message(from + at));

test("any order with any repeats gives the same list", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = seeded(seed);
    const all = range(1, 30);
    const repeats = all.filter(() => random() < 0.5);
    const timeline = new Timeline();
    timeline.open([]);
    for (const one of shuffled([...all, ...repeats], random)) timeline.add({ ...one });
    assert.deepEqual(seqs(timeline), all.map(({ seq }) => seq), `seed ${seed}`);
    assert.equal(timeline.head, 30, `seed ${seed}`);
    assert.equal(timeline.hasGap, false);
  }
});

test("live messages and pages may cross in any way", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const random = seeded(seed);
    const timeline = new Timeline();
    const steps = shuffled([() => timeline.open(range(11, 20)), ...range(15, 24).map((one) => () => timeline.add(one))], random);
    for (const step of steps) step();
    timeline.prepend(range(1, 10));
    timeline.addAll(range(21, 24));
    assert.deepEqual(seqs(timeline), range(1, 24).map(({ seq }) => seq), `seed ${seed}`);
    assert.equal(timeline.head, 24);
    assert.ok(timeline.isComplete);
  }
});

test("a message twice under one id or one (sender, message_id) is one message", () => {
  const timeline = new Timeline();
  timeline.open([message(1)]);
  assert.equal(timeline.add(message(1)), false);
  assert.equal(timeline.add({ ...message(1), id: "another-row" }), false);
  assert.equal(timeline.add({ ...message(2), message_id: "m1", sender_id: "cy" }), true, "another sender may use the same message_id");
  assert.deepEqual(seqs(timeline), [1, 2]);
  assert.ok(timeline.has("bob", "m1"));
  assert.ok(!timeline.has("bob", "m2"));
});

test("a later revision takes the place of the earlier one", () => {
  const timeline = new Timeline();
  timeline.open([message(1), message(2)]);
  assert.equal(timeline.add({ ...message(1), content: "edited", rev: 7 }), true);
  assert.equal(timeline.add({ ...message(1), content: "older", rev: 3 }), false);
  assert.equal(timeline.messages[0].content, "edited");
  assert.equal(timeline.messages.length, 2);
});

test("a hole is noticed, the head stays below it, and filling it moves the head on", () => {
  const timeline = new Timeline();
  timeline.open(range(5, 8));
  assert.equal(timeline.head, 8);
  timeline.add(message(11));
  assert.ok(timeline.hasGap);
  assert.equal(timeline.head, 8);
  assert.equal(timeline.highest, 11);
  timeline.add(message(9));
  assert.equal(timeline.head, 9);
  timeline.add(message(10));
  assert.equal(timeline.head, 11);
  assert.ok(!timeline.hasGap);
});

test("nothing is loaded before the first page, and an empty one is a loaded conversation", () => {
  const timeline = new Timeline();
  assert.ok(!timeline.isLoaded);
  timeline.add(message(7));
  assert.ok(!timeline.hasGap, "a hole can't be known before the first page");
  timeline.open([]);
  assert.ok(timeline.isLoaded && timeline.isComplete);
  assert.ok(timeline.hasGap);
});

test("older pages go before, until there are none", () => {
  const timeline = new Timeline();
  timeline.open(range(101, 150));
  assert.ok(!timeline.isComplete);
  assert.ok(timeline.prepend(range(51, 100)));
  assert.equal(timeline.floor, 51);
  assert.ok(timeline.prepend(range(1, 50)));
  assert.ok(timeline.isComplete);
  assert.deepEqual(seqs(timeline), range(1, 150).map(({ seq }) => seq));
  const short = new Timeline();
  short.open(range(3, 4));
  assert.equal(short.prepend([]), false);
  assert.ok(short.isComplete, "an empty page ends it");
});
