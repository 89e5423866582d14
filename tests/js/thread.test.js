import assert from "node:assert/strict";
import { test } from "node:test";
import { Thread } from "../../static/js/model/thread.js";
import { Timeline } from "../../static/js/model/timeline.js";
import { Visit } from "../../static/js/model/visit.js";

const dayOf = (date) => date.toISOString().slice(0, 10);
const at = (time, seq, sender) => ({ seq, sender_id: sender, message_id: `m${seq}`, content: "x", created_at: `2026-03-0${time}Z` });
const layout = (options) => new Thread({ me: "ann", dayOf }).rows({ pending: [], newFrom: null, ...options });

test("days are divided and groups span five minutes of one sender", () => {
  const stored = [at("1T10:00:00", 1, "bob"), at("1T10:04:59", 2, "bob"), at("1T10:09:59", 3, "bob"), at("1T10:10:00", 4, "cy"), at("2T10:10:01", 5, "cy")];
  const rows = layout({ stored });
  assert.deepEqual(rows.map((row) => row.kind), ["day", "message", "message", "message", "message", "day", "message"]);
  assert.deepEqual(rows.filter((row) => row.kind === "message").map(({ starts, ends }) => [starts, ends]), [[true, false], [false, true], [true, true], [true, true], [true, true]]);
});

test("the new line stands before its message and parts a group", () => {
  const rows = layout({ stored: [at("1T10:00:00", 1, "bob"), at("1T10:00:01", 2, "bob")], newFrom: 2 });
  assert.deepEqual(rows.map((row) => row.kind), ["day", "message", "new", "message"]);
  assert.ok(rows[3].starts);
});

test("the new line moves below one's own stored messages", () => {
  const kinds = (stored) => layout({ stored, newFrom: 1 }).map((row) => row.seq ?? row.kind);
  const [bob, ann] = ["bob", "ann"].map((sender) => (seq) => at(`1T10:00:0${seq}`, seq, sender));
  assert.deepEqual(kinds([bob(1), ann(2), bob(3)]), ["day", 1, 2, "new", 3]);
  assert.deepEqual(kinds([ann(1), ann(2)]), ["day", 1, 2]);
});

test("what waits stands after all that is stored, and keeps its key when it is stored", () => {
  const item = { message_id: "mine", conversation_id: "c1", content: "hello", created_at: "2026-02-28T10:00:00Z", state: "pending", reason: "" };
  const before = layout({ stored: [at("1T10:00:00", 1, "bob")], pending: [item] });
  assert.deepEqual(before.filter((row) => row.kind === "message").map((row) => [row.seq, row.state, row.own]), [[1, "stored", false], [null, "pending", true]]);
  const timeline = new Timeline();
  timeline.open([at("1T10:00:00", 1, "bob")].map((one) => ({ ...one, id: "a" })));
  timeline.add({ ...item, id: "b", sender_id: "ann", seq: 2 });
  const after = layout({ stored: timeline.messages, pending: [item].filter((one) => !timeline.has("ann", one.message_id)) });
  const last = after.at(-1);
  assert.deepEqual([last.seq, last.state], [2, "stored"]);
  assert.equal(last.key, before.at(-1).key);
  assert.equal(after.filter((row) => row.kind === "message").length, 2);
});

test("rows follow what comes and goes around messages that were laid out before", () => {
  const thread = new Thread({ me: "ann", dayOf });
  const [one, two] = [at("1T10:00:00", 1, "bob"), at("1T10:00:01", 2, "bob")];
  const shape = (options) => thread.rows({ pending: [], newFrom: null, ...options }).map((row) => [row.seq ?? row.kind, row.starts, row.ends]);
  const alone = [["day", undefined, undefined], [1, true, true]];
  assert.deepEqual(shape({ stored: [one] }), alone);
  assert.deepEqual(shape({ stored: [one, two] }).slice(1), [[1, true, false], [2, false, true]]);
  assert.deepEqual(shape({ stored: [one, two], newFrom: 2 }).slice(1), [[1, true, true], ["new", undefined, undefined], [2, true, true]]);
  assert.deepEqual(shape({ stored: [one] }), alone);
});

test("ten thousand messages are laid out again in no time", () => {
  const stored = Array.from({ length: 10_000 }, (_, index) => at("1T10:00:00", index + 1, index % 7 ? "bob" : "ann"));
  const thread = new Thread({ me: "ann", dayOf });
  thread.rows({ stored, pending: [], newFrom: null });
  const started = process.cpuUsage();
  for (let round = 0; round < 10; round += 1) assert.equal(thread.rows({ stored, pending: [], newFrom: 9_000 }).length, 10_002);
  assert.ok(process.cpuUsage(started).user < 1_000_000);
});

test("every row has a key of its own, even when a waiting message is older than the stored ones", () => {
  const item = (id, created_at) => ({ message_id: id, content: "x", created_at, state: "pending" });
  const rows = layout({ stored: [at("1T10:00:00", 1, "bob"), at("2T10:00:00", 2, "bob")], pending: [item("a", "2026-03-01T11:00:00Z"), item("b", "2026-03-02T11:00:00Z")] });
  assert.equal(new Set(rows.map((row) => row.key)).size, rows.length);
});

test("the new line of a visit stays until it was seen and something newer came", () => {
  const visit = new Visit("c1", { lastRead: 4, lastSeq: 9 });
  assert.equal(visit.newFrom, 5);
  visit.arrived(10, false);
  assert.deepEqual([visit.newFrom, visit.below], [5, 1]);
  visit.seen();
  assert.deepEqual([visit.newFrom, visit.below], [5, 0]);
  visit.arrived(11, true);
  assert.deepEqual([visit.newFrom, visit.below], [5, 0]);
  visit.arrived(12, false);
  visit.arrived(13, false);
  assert.deepEqual([visit.newFrom, visit.below], [12, 2]);
  visit.wrote();
  assert.deepEqual([visit.newFrom, visit.below], [null, 0]);
  assert.equal(new Visit("c1", { lastRead: 9, lastSeq: 9 }).newFrom, null);
});
