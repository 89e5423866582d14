import assert from "node:assert/strict";
import { test } from "node:test";
import { Neighbours } from "../../static/js/net/neighbours.js";
import { Watch } from "../../static/js/net/watch.js";
import { channels } from "./support/browser.js";
import { settled } from "./support/clock.js";

test("every tab knows whether this person looks at one of them", async () => {
  const Channel = channels();
  const looks = { first: true, second: false };
  const watchOf = (id) => new Watch({ neighbours: new Neighbours(Channel), id, isWatched: () => looks[id] });
  const first = watchOf("first");
  const second = watchOf("second");
  await settled();
  assert.deepEqual([first.isAnywhere, second.isAnywhere], [true, true]);
  looks.first = false;
  first.tell();
  await settled();
  assert.deepEqual([first.isAnywhere, second.isAnywhere], [false, false]);
  looks.second = true;
  second.tell();
  await settled();
  assert.ok(first.isAnywhere);
  second.tell(false);
  await settled();
  assert.ok(!first.isAnywhere, "it is being closed");
});

test("where there is no channel, a tab is alone", () => {
  const watch = new Watch({ neighbours: new Neighbours(undefined), id: "only", isWatched: () => false });
  assert.equal(watch.isAnywhere, false);
});
