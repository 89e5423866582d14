import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, PATIENCE } from "../../static/js/model/outbox.js";

function outbox(name = "id") {
  let next = 0;
  return new Outbox({ random: () => 0.5, newId: () => `${name}-${(next += 1)}` });
}

const ids = (items) => items.map((item) => item.message_id);

test("of each conversation one message is on its way, in the order of writing", () => {
  const box = outbox();
  box.add("c1", "one", 0);
  box.add("c1", "two", 0);
  box.add("c2", "three", 0);
  assert.deepEqual(ids(box.due(0)), ["id-1", "id-3"]);
  for (const item of box.due(0)) box.sent(item.message_id, 0);
  assert.deepEqual(box.due(1), []);
  assert.ok(box.acknowledge("id-1"));
  assert.deepEqual(ids(box.due(1)), ["id-2"]);
  assert.equal(box.acknowledge("id-1"), false);
  assert.equal(box.acknowledge("somebody-else's"), false);
});

test("what isn't answered in ten seconds goes again under the same id", () => {
  const box = outbox();
  box.add("c1", "one", 0);
  assert.equal(box.sent("id-1", 0), 1);
  assert.deepEqual(box.due(PATIENCE - 1), []);
  assert.equal(box.dueAt(), PATIENCE);
  assert.deepEqual(ids(box.due(PATIENCE)), ["id-1"]);
  assert.equal(box.sent("id-1", PATIENCE), 2);
});

test("after a loss of the connection everything goes again from the first on", () => {
  const box = outbox();
  for (const text of ["one", "two", "three"]) box.add("c1", text, 0);
  box.sent("id-1", 0);
  assert.deepEqual(ids(box.inFlight()), ["id-1"]);
  box.disconnected();
  assert.deepEqual(box.inFlight(), []);
  const order = [];
  while (box.waiting > 0) {
    const [item] = box.due(1);
    order.push(item.content);
    box.sent(item.message_id, 1);
    box.acknowledge(item.message_id);
  }
  assert.deepEqual(order, ["one", "two", "three"]);
});

test("a final refusal fails the message in place and lets the next one go", () => {
  for (const code of ["not_a_member", "unknown_conversation", "invalid", "some_new_code"]) {
    const box = outbox();
    box.add("c1", "one", 0);
    box.add("c1", "two", 0);
    box.sent("id-1", 0);
    box.refuse("id-1", { code, reason: "Because." }, 0);
    assert.deepEqual(box.of("c1").map(({ state, reason }) => [state, reason]), [["failed", "Because."], ["pending", ""]], code);
    assert.deepEqual(ids(box.due(0)), ["id-2"]);
    assert.equal(box.waiting, 1);
    assert.equal(box.dueAt(), 0);
  }
});

test("a refusal that passes holds the conversation back, longer each time", () => {
  const box = outbox();
  box.add("c1", "one", 0);
  box.add("c1", "two", 0);
  const waits = [];
  let now = 0;
  for (let round = 0; round < 8; round += 1) {
    box.sent("id-1", now);
    box.refuse("id-1", { code: round % 2 ? "busy" : "unavailable", reason: "" }, now);
    assert.deepEqual(box.due(now), [], "the second must not overtake the first");
    waits.push(box.dueAt() - now);
    now = box.dueAt();
    assert.deepEqual(ids(box.due(now)), ["id-1"]);
  }
  assert.deepEqual(waits.slice(0, 4), [750, 1500, 3000, 6000]);
  assert.ok(waits.every((wait) => wait <= 30_000));
});

test("a failed message is sent again under its old id, or deleted", () => {
  const box = outbox();
  box.add("c1", "one", 0);
  box.add("c1", "two", 0);
  box.refuse("id-1", { code: "invalid", reason: "No." }, 0);
  box.retry("id-1", 0);
  assert.deepEqual(box.of("c1").map(({ message_id, state }) => [message_id, state]), [["id-2", "pending"], ["id-1", "pending"]]);
  box.refuse("id-1", { code: "invalid", reason: "No." }, 0);
  box.remove("id-1");
  assert.ok(!box.has("id-1"));
});

test("what is kept and what is gone is told, and taken by another tab in the same order", () => {
  const [box, other] = [outbox(), outbox()];
  box.kept.listen((item) => other.adopt(structuredClone(item)));
  box.gone.listen((id) => other.drop(id));
  box.add("c1", "one", 5);
  box.add("c1", "two", 5);
  box.add("c1", "three", 5);
  box.refuse("id-1", { code: "invalid", reason: "No." }, 5);
  assert.deepEqual(other.items, box.items);
  box.retry("id-1", 6);
  box.acknowledge("id-2");
  assert.deepEqual(other.items.map(({ content }) => content), ["three", "one"]);
  assert.deepEqual(other.items, box.items);
  assert.deepEqual(ids(other.due(9)), ["id-3"], "it can be delivered from there as well");
});

test("nothing comes back once it is done with, and nothing strange is taken", () => {
  const box = outbox();
  const item = { ...box.add("c1", "one", 0) };
  box.acknowledge("id-1");
  box.adopt(item);
  box.acknowledge("theirs");
  box.adopt({ ...item, message_id: "theirs" });
  for (const strange of [null, {}, { ...item, message_id: 7 }, { ...item, message_id: "x", position: "first" }]) box.adopt(strange);
  assert.deepEqual(box.items, []);
});

test("what another tab delivers is shown and not sent, and holds nothing of this one up elsewhere", () => {
  const [box, other] = [outbox(), outbox("other")];
  other.adopt(box.add("c1", "mine alone", 0), { isForeign: true });
  other.add("c2", "another", 0);
  assert.equal(other.waiting, 2);
  assert.deepEqual(other.due(1).map(({ content }) => content), ["another"]);
});

test("a change is told", () => {
  const box = outbox();
  let changes = 0;
  box.changed.listen(() => (changes += 1));
  box.add("c1", "one", 0);
  box.refuse("id-1", { code: "invalid", reason: "" }, 0);
  box.retry("id-1", 0);
  box.acknowledge("id-1");
  assert.equal(changes, 4);
});
