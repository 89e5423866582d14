import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadMarker } from "../../static/js/net/read_marker.js";
import { settled } from "./support/clock.js";
import { FakeStorage } from "./support/storage.js";
import { busy, FakeServer } from "./support/server.js";
import { online, tab } from "./support/tab.js";

test("messages go one after the other, in order, each after the answer to the one before", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { sync, outbox, send, echo } = await online(server);
  await sync.open("c1");
  const mine = ["one", "two", "three"].map((text) => send("c1", text));
  for (const [at, id] of mine.entries()) {
    assert.equal(server.socket.sent.length, at + 1);
    assert.deepEqual(server.socket.sent[at], { type: "message", message_id: id, conversation_id: "c1", content: ["one", "two", "three"][at] });
    echo(server.socket.sent[at]);
  }
  assert.deepEqual(outbox.items, []);
  assert.deepEqual(sync.timeline("c1").messages.map(({ content }) => content), ["one", "two", "three"]);
});

test("a reload sends what the earlier page left", async () => {
  const server = new FakeServer();
  server.add("c1");
  const storage = new FakeStorage();
  const before = tab(server, storage);
  const id = before.send("c1", "left behind");
  await online(server, storage);
  assert.deepEqual(server.socket.sent.map((frame) => frame.message_id), [id]);
});

test("an unanswered message is repeated after ten seconds, and a deaf connection replaced", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { clock, send } = await online(server);
  const id = send("c1", "anybody?");
  await clock.pass(9_999);
  assert.equal(server.socket.sent.length, 1);
  await clock.pass(1);
  assert.deepEqual(server.socket.sent.map((frame) => frame.message_id), [id, id]);
  await clock.pass(20_000);
  assert.equal(server.sockets.length, 2);
  server.socket.open();
  await settled();
  assert.deepEqual(server.socket.sent.map((frame) => frame.message_id), [id]);
});

test("refusals: final ones fail the message, passing ones are tried again", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { clock, outbox, send } = await online(server);
  const first = send("c1", "one");
  const second = send("c1", "two");
  server.socket.receive({ type: "error", code: "busy", reason: "Busy.", message_id: first });
  await clock.pass(2_000);
  assert.deepEqual(server.socket.sent.map((frame) => frame.message_id), [first, first]);
  server.socket.receive({ type: "error", code: "not_a_member", reason: "You are not a member.", message_id: first });
  assert.equal(outbox.items[0].state, "failed");
  assert.equal(server.socket.sent.at(-1).message_id, second);
  server.socket.receive({ type: "error", code: "invalid", reason: "Nothing to do with us." });
  assert.equal(outbox.items[1].state, "pending");
});

test("a frame that is too big for the server is not sent again", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { clock, outbox, send } = await online(server);
  send("c1", "huge");
  server.socket.end(1009);
  await clock.pass(600);
  server.socket.open();
  await settled();
  assert.equal(outbox.items[0].state, "failed");
  assert.deepEqual(server.socket.sent, []);
});

test("reading is told once for many messages, with the highest, and again when it failed", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 9 });
  const { clock, conversations } = await online(server);
  const reader = new ReadMarker({ api: server.api, conversations, clock });
  server.calls.length = 0;
  for (const seq of [3, 5, 4, 7]) reader.seen("c1", seq);
  assert.equal(conversations.unread("c1"), 2, "the badge doesn't wait");
  server.fail("read", busy());
  await clock.pass(1_000);
  assert.deepEqual(server.names(), ["read c1 7"]);
  await clock.pass(5_000);
  assert.deepEqual(server.names(), ["read c1 7", "read c1 7"]);
  reader.seen("c1", 7);
  await clock.pass(10_000);
  assert.equal(server.names().length, 2);
});
