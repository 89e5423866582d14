import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff, LONGEST, SHORTEST } from "../../static/js/net/backoff.js";
import { seeded } from "./support/random.js";

test("delays lie between half a second and a doubling ceiling of at most half a minute", () => {
  const highest = new Backoff(() => 0.999999999);
  assert.deepEqual(Array.from({ length: 8 }, () => highest.next()), [1000, 2000, 4000, 8000, 16000, LONGEST, LONGEST, LONGEST]);
  const lowest = new Backoff(() => 0);
  assert.deepEqual(Array.from({ length: 8 }, () => lowest.next()), Array(8).fill(SHORTEST));
});

test("a thousand browsers spread over the whole span", () => {
  const random = seeded(7);
  const third = Array.from({ length: 1000 }, () => {
    const backoff = new Backoff(random);
    backoff.next();
    backoff.next();
    return backoff.next();
  });
  const quarters = [0, 0, 0, 0];
  for (const delay of third) quarters[Math.min(3, Math.floor(((delay - SHORTEST) / (4000 - SHORTEST)) * 4))] += 1;
  assert.ok(quarters.every((count) => count > 180), String(quarters));
});

test("it begins again after a success and never overflows", () => {
  const backoff = new Backoff(() => 1);
  for (let failure = 0; failure < 5000; failure += 1) assert.ok(backoff.next() <= LONGEST);
  backoff.reset();
  assert.equal(backoff.next(), 1000);
});
