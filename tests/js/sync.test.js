import assert from "node:assert/strict";
import { test } from "node:test";
import { settled } from "./support/clock.js";
import { busy, FakeServer, message } from "./support/server.js";
import { online, tab } from "./support/tab.js";

const upTo = (count) => Array.from({ length: count }, (_, at) => at + 1);

test("first the socket, then the list, then what was missed, then the outbox", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 3 });
  server.add("c2", { count: 5 });
  server.add("quiet", { count: 2 });
  const { clock, sync, send, seqs } = await online(server);
  for (const id of ["c1", "c2", "quiet"]) await sync.open(id);
  server.socket.end(1006);
  const mine = [send("c1", "while away"), send("c1", "and another")];
  for (let more = 0; more < 450; more += 1) server.store("c1");
  server.store("c2");
  server.calls.length = 0;
  await clock.pass(600);
  assert.deepEqual(server.names(), ["socket"], "nothing is asked before the socket is open");
  server.socket.open();
  await settled();
  assert.deepEqual(server.names(), [
    "socket",
    "list",
    "messages c1 after=3",
    "messages c1 after=203",
    "messages c1 after=403",
    "messages c2 after=5",
    `frame ${mine[0]}`,
  ]);
  assert.deepEqual(seqs("c1"), upTo(453));
  assert.deepEqual(seqs("c2"), upTo(6));
});

test("what is written while the catch-up runs waits for its end", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 1 });
  const { clock, sync, send } = await online(server);
  await sync.open("c1");
  server.socket.end(1006);
  server.store("c1");
  await clock.pass(600);
  server.calls.length = 0;
  server.socket.open();
  const id = send("c1", "too soon");
  assert.deepEqual(server.socket.sent, []);
  await settled();
  assert.deepEqual(server.names(), ["list", "messages c1 after=1", `frame ${id}`]);
});

test("what was stored just before the loss is recognised and not sent again", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 1 });
  const { clock, sync, outbox, send, seqs } = await online(server);
  await sync.open("c1");
  const id = send("c1", "stored, but the echo is lost");
  server.store("c1", { sender: "ann", id });
  server.socket.end(1006);
  await clock.pass(600);
  server.socket.open();
  await settled();
  assert.deepEqual(server.socket.sent, []);
  assert.deepEqual(outbox.items, []);
  assert.deepEqual(seqs("c1"), [1, 2]);
});

test("a hole in a live conversation is filled, and nothing comes twice", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 4 });
  const { sync, seqs } = await online(server);
  await sync.open("c1");
  server.store("c1");
  server.store("c1");
  server.calls.length = 0;
  server.deliver("c1");
  server.deliver("c1");
  assert.equal(sync.timeline("c1").head, 4);
  await settled();
  assert.deepEqual(seqs("c1"), upTo(8));
  assert.equal(sync.timeline("c1").head, 8);
  assert.deepEqual(server.names(), ["messages c1 after=4"]);
});

test("live messages that cross the catch-up are not doubled and not lost", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 2 });
  const { clock, sync, seqs } = await online(server);
  const arrived = [];
  sync.arrived.listen(({ seq }) => arrived.push(seq));
  await sync.open("c1");
  server.socket.end(1012);
  for (let more = 0; more < 5; more += 1) server.store("c1");
  await clock.pass(600);
  server.socket.open();
  server.deliver("c1");
  server.deliver("c1");
  server.socket.receive({ type: "message", message: message(9) });
  await settled();
  assert.deepEqual(seqs("c1"), upTo(9));
  assert.deepEqual(arrived, [8, 9]);
});

test("a message of an unknown conversation or person brings the list and the names", async () => {
  const server = new FakeServer();
  server.add("c1");
  const { clock, conversations, people } = await online(server);
  await clock.pass(10_000);
  server.add("new", { members: ["ann", "cy"] });
  server.users.push({ id: "cy", username: "cy", full_name: null });
  server.deliver("new", { sender: "cy" });
  await clock.pass(0);
  assert.equal(conversations.unread("new"), 1);
  assert.equal(people.nameOf("cy"), "cy");
});

test("somebody who is listed nowhere is looked for once", async () => {
  const server = new FakeServer();
  server.add("c1", { members: ["ann", "guest"] });
  const { clock } = await online(server);
  await clock.pass(10_000);
  server.calls.length = 0;
  for (let more = 0; more < 5; more += 1) {
    server.deliver("c1", { sender: "guest" });
    await clock.pass(6_000);
  }
  assert.deepEqual(server.names(), []);
});

test("a list that fails is asked for again, and the outbox doesn't wait for it", async () => {
  const server = new FakeServer();
  server.add("c1");
  server.fail("list", busy(7_000));
  const made = tab(server);
  const id = made.send("c1", "hello");
  made.sync.start();
  await settled();
  server.socket.open();
  await settled();
  assert.ok(!made.conversations.isLoaded);
  assert.deepEqual(server.socket.sent.map((frame) => frame.message_id), [id]);
  await made.clock.pass(6_999);
  assert.ok(!made.conversations.isLoaded);
  await made.clock.pass(1);
  assert.ok(made.conversations.isLoaded);
});

test("a first page that fails comes with the next reload", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 3 });
  const { sync, seqs } = await online(server);
  server.fail("messages", busy());
  await assert.rejects(sync.open("c1"), /Busy/);
  await sync.reload();
  assert.deepEqual(seqs("c1"), [1, 2, 3]);
});

test("older pages", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 120 });
  const { sync, seqs } = await online(server);
  await sync.open("c1");
  assert.equal(seqs("c1")[0], 71);
  await Promise.all([sync.older("c1"), sync.older("c1")]);
  assert.equal(seqs("c1")[0], 21, "asking twice at once is asking once");
  await sync.older("c1");
  server.calls.length = 0;
  await sync.older("c1");
  assert.deepEqual(seqs("c1"), upTo(120));
  assert.deepEqual(server.names(), []);
});

test("every minute the list is asked for, and a socket that heard nothing of its news is replaced", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 1 });
  const { clock, sync, seqs } = await online(server);
  await sync.open("c1");
  await clock.pass(59_000);
  server.deliver("c1");
  await clock.pass(10_000);
  assert.equal(server.sockets.length, 1);
  server.store("c1");
  await clock.pass(60_000);
  assert.deepEqual(seqs("c1"), [1, 2, 3]);
  assert.equal(server.sockets.length, 2);
});

test("looking again asks for the list, but not at every glance", async () => {
  const server = new FakeServer();
  const { clock, sync } = await online(server);
  server.calls.length = 0;
  sync.refresh();
  assert.deepEqual(server.names(), []);
  await clock.pass(5_000);
  sync.refresh();
  sync.refresh();
  await settled();
  assert.equal(server.names().filter((name) => name === "list").length, 1);
});

test("who is alone soon sees a newcomer; who isn't asks no more often than before", async () => {
  const server = new FakeServer();
  const bob = server.users.pop();
  const { clock, people } = await online(server);
  assert.deepEqual(people.found(""), []);
  server.users.push(bob);
  await clock.pass(5_000);
  assert.deepEqual(people.found("").map(({ id }) => id), ["bob"]);
  server.calls.length = 0;
  await clock.pass(20_000);
  assert.ok(!server.names().includes("users"), `${server.names()}`);
});
