import assert from "node:assert/strict";
import { test } from "node:test";
import { channels, FakeLocks, FakeVault } from "./support/browser.js";
import { FakeClock, settled } from "./support/clock.js";
import { FakeServer } from "./support/server.js";
import { online, reconnected, tab } from "./support/tab.js";

const sentOf = (socket) => socket.sent.filter(({ type }) => type === "message");
const idsOf = (socket) => sentOf(socket).map((frame) => frame.message_id);

test("messages go one after the other, in order, each after the answer to the one before", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { sync, outbox, send } = await online(server);
  await sync.open("c1");
  server.isSlow = true;
  const mine = ["one", "two", "three"].map((text) => send("c1", text));
  for (const [at, id] of mine.entries()) {
    assert.equal(sentOf(server.socket).length, at + 1);
    assert.deepEqual(sentOf(server.socket)[at], { type: "message", ref: id, message_id: id, conversation_id: "c1", content: ["one", "two", "three"][at] });
    server.socket.arrive(Infinity);
    server.socket.reach(Infinity);
  }
  assert.deepEqual(outbox.items, []);
  assert.deepEqual(sync.timeline("c1").messages, server.conversations.get("c1").messages, "the acks were enough to show them as they are stored");
});

test("a closed tab's messages are sent by the next one", async () => {
  const server = new FakeServer();
  server.add("c1");
  const vault = new FakeVault();
  const id = tab(server, { vault }).send("c1", "left behind");
  await online(server, { vault });
  assert.deepEqual(idsOf(server.socket), [id]);
  assert.equal(vault.size("outbox"), 0);
});

test("an unanswered message is repeated after ten seconds, and a deaf connection replaced", async () => {
  const server = new FakeServer();
  server.add("c1");
  const made = await online(server);
  const { clock, send } = made;
  server.isDeaf = true;
  const id = send("c1", "anybody?");
  await clock.pass(9_999);
  assert.deepEqual(idsOf(server.socket), [id]);
  server.socket.receive({ type: "pong" });
  await clock.pass(1);
  assert.deepEqual(idsOf(server.socket), [id, id]);
  server.socket.receive({ type: "pong" });
  await clock.pass(20_000);
  assert.equal(server.sockets.length, 2);
  server.isDeaf = false;
  server.socket.open();
  await settled();
  assert.deepEqual(idsOf(server.socket), [id]);
});

test("the answer to a repeat shows the message where it belongs", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 2 });
  const made = await online(server);
  await made.sync.open("c1");
  server.isSlow = true;
  const id = made.send("c1", "stored, but the ack is lost");
  server.socket.arrive(Infinity);
  await made.clock.pass(10_000);
  const [, again] = sentOf(server.socket);
  assert.equal(again.message_id, id);
  server.socket.toClient.length = 0;
  server.socket.arrive(Infinity);
  server.socket.reach(Infinity);
  assert.deepEqual(made.seqs("c1"), [1, 2, 3]);
  assert.deepEqual(made.outbox.items, []);
  server.say("c1");
  server.isSlow = false;
  server.socket.reach(Infinity);
  await settled();
  assert.deepEqual(made.seqs("c1"), [1, 2, 3, 4], "the hole that it left was closed by asking");
});

test("refusals: final ones fail the message, passing ones are tried again", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { clock, outbox, send } = await online(server);
  server.isDeaf = true;
  const first = send("c1", "one");
  const second = send("c1", "two");
  server.socket.receive({ type: "error", code: "busy", reason: "Busy.", ref: first });
  await clock.pass(2_000);
  assert.deepEqual(idsOf(server.socket), [first, first]);
  server.socket.receive({ type: "error", code: "not_a_member", reason: "You are not a member.", ref: first });
  assert.deepEqual([outbox.items[0].state, outbox.items[0].reason], ["failed", "You are not a member."]);
  assert.equal(idsOf(server.socket).at(-1), second);
  server.socket.receive({ type: "error", code: "invalid", reason: "Nothing to do with us." });
  assert.equal(outbox.items[1].state, "pending");
});

test("a frame that is too big for the server is not sent again", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { clock, outbox, send } = await online(server);
  server.isDeaf = true;
  send("c1", "huge");
  server.socket.end(1009);
  await clock.pass(600);
  server.isDeaf = false;
  server.socket.open();
  await settled();
  assert.equal(outbox.items[0].state, "failed");
  assert.deepEqual(sentOf(server.socket), []);
});

test("reading is told once for many messages, with the highest", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 9 });
  const { clock, conversations, reader } = await online(server);
  for (const seq of [3, 5, 4, 7]) reader.seen("c1", seq);
  assert.equal(conversations.unread("c1"), 2, "the badge doesn't wait");
  await clock.pass(1_000);
  const told = () => server.socket.sent.filter(({ type }) => type === "read").map(({ conversation_id, seq }) => [conversation_id, seq]);
  assert.deepEqual(told(), [["c1", 7]]);
  reader.seen("c1", 7);
  await clock.pass(10_000);
  assert.equal(told().length, 1);
  server.socket.receive({ type: "error", ref: "read c1", code: "busy", reason: "Busy." });
  await clock.pass(5_000);
  assert.equal(told().length, 2);
  server.socket.receive({ type: "error", ref: "read c1", code: "not_a_member", reason: "No." });
  await clock.pass(60_000);
  assert.equal(told().length, 2);
});

test("what was read without a connection is told after it is back, also by the next page", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 9 });
  server.add("c2", { count: 5 });
  const vault = new FakeVault();
  const made = await online(server, { vault });
  await reconnected(made, () => made.reader.seen("c1", 6));
  await made.clock.pass(1_000);
  assert.equal(server.conversations.get("c1").reads.ann, 6);
  server.socket.end(1006);
  made.reader.seen("c2", 4);
  made.save();
  made.socket.stop();
  const next = await online(server, { vault });
  await next.clock.pass(1_000);
  assert.equal(server.conversations.get("c2").reads.ann, 4);
});

test("writing is told while it goes on, and its end once", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { clock, typist } = await online(server);
  const told = () => server.socket.sent.filter(({ type }) => type === "typing").map((frame) => frame.is_typing);
  for (let key = 0; key < 12; key += 1) {
    typist.typed("c1");
    await clock.pass(500);
  }
  assert.deepEqual(told(), [true, true]);
  await clock.pass(4_999);
  assert.deepEqual(told(), [true, true, false]);
  await clock.pass(60_000);
  typist.typed("c1");
  typist.stop();
  typist.stop();
  assert.deepEqual(told(), [true, true, false, true, false]);
});

test("who begins and stops all the time says no more than the server hears", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { typist } = await online(server);
  for (let word = 0; word < 50; word += 1) {
    typist.typed("c1");
    typist.stop();
  }
  const told = server.socket.sent.filter(({ type }) => type === "typing");
  assert.equal(told.length, 10);
  assert.equal(told.at(-1).is_typing, false);
});

/** Two tabs of one browser that are connected, the first of which has the turn. */
async function two({ locks = new FakeLocks(), server = new FakeServer() } = {}) {
  server.add("c1");
  const shared = { vault: new FakeVault(), clock: new FakeClock(), locks, Channel: channels() };
  const first = await online(server, shared);
  const second = await online(server, shared);
  return { server, shared, first, second, sockets: server.sockets };
}

test("of two tabs one delivers what both have written, and both show it once", async () => {
  const { first, second, sockets } = await two();
  for (const { sync } of [first, second]) await sync.open("c1");
  const mine = [first.send("c1", "from the first"), second.send("c1", "from the second")];
  await settled();
  assert.deepEqual(sockets.map(idsOf), [mine, []]);
  for (const { outbox, seqs } of [first, second]) assert.deepEqual([outbox.items, seqs("c1")], [[], [1, 2]]);
});

test("a tab that can't deliver gives its turn away, and one that sleeps loses it", async () => {
  const { server, shared, first, second, sockets } = await two();
  sockets[0].end(4429);
  const id = second.send("c1", "over here");
  assert.deepEqual(idsOf(sockets[1]), []);
  await shared.clock.pass(1_500);
  assert.deepEqual(idsOf(sockets[1]), [id]);
  assert.deepEqual([first.turn.isMine, second.turn.isMine], [false, true]);
  await shared.clock.pass(12_000);
  server.socket.open();
  await settled();
  second.turn.wanted.emit = () => {};
  sockets[1].end(4429);
  first.send("c1", "is anybody awake?");
  await shared.clock.pass(9_000);
  assert.deepEqual([first.turn.isMine, second.turn.isMine], [true, false]);
  assert.deepEqual(server.conversations.get("c1").messages.map(({ content }) => content), ["over here", "is anybody awake?"]);
});

test("a tab that has the turn and must wait keeps it", async () => {
  const { server, shared, first, second, sockets } = await two();
  server.isDeaf = true;
  const id = second.send("c1", "too much");
  await settled();
  sockets[0].receive({ type: "error", ref: id, code: "rate_limited", reason: "Later." });
  for (let second = 0; second < 20; second += 1) {
    await shared.clock.pass(500);
    for (const socket of sockets) socket.receive({ type: "pong" });
  }
  assert.ok(first.turn.isMine);
  assert.deepEqual(idsOf(sockets[1]), []);
});

test("without locks each tab delivers its own", async () => {
  const { first, second, sockets } = await two({ locks: null });
  const mine = [first.send("c1", "from the first"), second.send("c1", "from the second")];
  await settled();
  assert.deepEqual(sockets.map(idsOf), [[mine[0]], [mine[1]]]);
  for (const { outbox } of [first, second]) assert.deepEqual(outbox.items, []);
});

test("drafts and read marks are the same in all tabs, and drafts outlive them", async () => {
  const server = new FakeServer();
  const { shared, first, second } = await two({ server });
  server.say("c1");
  const changed = [];
  second.drafts.changed.listen((id) => changed.push(id));
  first.drafts.set("c1", "I wanted to s");
  first.drafts.set("c1", "I wanted to say");
  first.reader.seen("c1", 1);
  await shared.clock.pass(300);
  assert.deepEqual([second.drafts.get("c1"), changed], ["I wanted to say", ["c1"]]);
  assert.equal(second.conversations.unread("c1"), 0);
  const next = await online(server, shared);
  assert.equal(next.drafts.get("c1"), "I wanted to say");
  first.drafts.set("c1", "");
  await shared.clock.pass(300);
  assert.deepEqual([second.drafts.get("c1"), shared.vault.size("drafts")], ["", 0]);
});
