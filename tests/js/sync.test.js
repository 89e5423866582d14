import assert from "node:assert/strict";
import { test } from "node:test";
import { settled } from "./support/clock.js";
import { asked, busy, FakeServer, message, resumes, upTo } from "./support/server.js";
import { online, reconnected, tab } from "./support/tab.js";

test("at first the list, then what it doesn't tell, then who is here", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 3 });
  server.add("c2", { count: 5 });
  const { conversations, send } = await online(server);
  assert.deepEqual(asked(server), ["list", "frame resume"]);
  const [{ epoch, cursors, reads_since: since }] = resumes(server);
  assert.deepEqual([epoch, cursors, typeof since], ["epoch-1", { c1: 4, c2: 6 }, "string"]);
  assert.ok(conversations.isLoaded);
  assert.equal(server.socket.sent.at(-1).type, "presence");
  send("c1", "and now something new");
  assert.equal(conversations.get("c1").last_seq, 4);
});

test("after a loss only what was missed is told, and then the outbox goes", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 3 });
  server.add("quiet", { count: 2 });
  const made = await online(server);
  await made.sync.open("c1");
  server.calls.length = 0;
  let mine;
  await reconnected(made, () => {
    mine = made.send("c1", "while away");
    for (let more = 0; more < 150; more += 1) server.say("c1");
    server.say("quiet");
  });
  assert.deepEqual(asked(server), ["frame resume", `frame ${mine}`]);
  assert.deepEqual(resumes(server)[1].cursors, { c1: 4, quiet: 3 });
  assert.deepEqual(made.seqs("c1"), upTo(154));
  assert.equal(made.conversations.unread("quiet"), 3);
  assert.deepEqual(made.conversations.get("quiet").last_message, server.conversations.get("quiet").messages[2]);
});

test("what is written while the catch-up runs waits for its end", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 1 });
  const made = await online(server);
  server.isSlow = true;
  await reconnected(made);
  server.socket.reach(Infinity);
  const id = made.send("c1", "too soon");
  assert.deepEqual(server.socket.sent.map(({ type }) => type), ["resume"]);
  server.socket.arrive(Infinity);
  server.socket.arrive(Infinity);
  server.socket.reach(Infinity);
  assert.deepEqual(server.socket.sent.map((frame) => frame.ref ?? frame.type), ["resume 2", id, "presence"]);
});

test("what was stored just before the loss is recognised and not sent again", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 1 });
  const made = await online(server);
  await made.sync.open("c1");
  server.isSlow = true;
  made.send("c1", "stored, but the ack is lost");
  server.socket.arrive(Infinity);
  server.isSlow = false;
  await reconnected(made);
  assert.deepEqual(server.socket.sent.filter(({ type }) => type === "message"), []);
  assert.deepEqual(made.outbox.items, []);
  assert.deepEqual(made.seqs("c1"), [1, 2]);
});

test("a hole in a live conversation is asked about, and what came meanwhile waits", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 4 });
  const made = await online(server);
  await made.sync.open("c1");
  const arrived = [];
  made.sync.arrived.listen(({ seq }) => arrived.push(seq));
  server.isSlow = true;
  server.say("c1");
  server.socket.toClient.length = 0;
  server.say("c1");
  server.socket.reach(1);
  server.say("c1");
  server.socket.reach(1);
  assert.deepEqual(made.seqs("c1"), upTo(4));
  server.isSlow = false;
  server.socket.arrive(Infinity);
  server.socket.arrive(Infinity);
  server.socket.reach(Infinity);
  assert.deepEqual(made.seqs("c1"), upTo(7));
  assert.deepEqual(arrived, [5, 6, 7]);
  assert.equal(resumes(server).length, 2);
});

test("an answer that breaks off has told what it has told", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 1 });
  server.add("c2", { count: 1 });
  const made = await online(server);
  server.isSlow = true;
  await reconnected(made, () => {
    for (let more = 0; more < 4; more += 1) server.say("c1");
    server.say("c2");
  });
  server.socket.reach(Infinity);
  server.socket.arrive(1);
  server.socket.arrive(2);
  server.socket.reach(Infinity);
  await reconnected(made);
  server.socket.reach(Infinity);
  assert.deepEqual(resumes(server)[2].cursors, { c1: 4, c2: 2 });
});

test("a catch-up that is refused is asked for again on the same connection", async () => {
  const server = new FakeServer();
  server.add("c1");
  const made = await online(server);
  server.isDeaf = true;
  await reconnected(made);
  const id = made.send("c1", "patience");
  server.socket.receive({ type: "error", ref: "resume 2", code: "busy", reason: "Busy." });
  server.isDeaf = false;
  await made.clock.pass(500);
  assert.deepEqual(server.socket.sent.map((frame) => frame.ref ?? frame.type), ["resume 2", "resume 3", id, "presence"]);
});

test("conversations come, change and go as they do", async () => {
  const server = new FakeServer();
  const { conversations, sync, seqs } = await online(server);
  server.add("c1", { members: ["ann", "bob", "cy"] });
  server.say("c1");
  server.rename("c1", "Train");
  assert.deepEqual([conversations.get("c1").title, conversations.unread("c1")], ["Train", 1]);
  await sync.open("c1");
  server.remove("c1");
  assert.equal(conversations.get("c1"), undefined);
  assert.ok(!sync.timeline("c1").isLoaded);
  server.say("c1");
  server.admit("c1");
  assert.deepEqual(seqs("c1"), [1, 2], "back in it, by asking: the frame had no cursor to stand on");
  assert.equal(conversations.unread("c1"), 0);
  assert.equal(resumes(server).length, 2);
});

test("what goes on while one is away is told as well: names, members, marks, leaving", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 5 });
  server.add("left", { count: 2, members: ["ann", "bob", "cy"] });
  const made = await online(server);
  await reconnected(made, () => {
    server.rename("c1", "Plans");
    server.read("c1", "bob", 4);
    server.remove("left");
    server.add("new", { count: 60 });
  });
  const { conversations, seqs } = made;
  assert.equal(conversations.get("c1").title, "Plans");
  assert.deepEqual(conversations.readersOf("c1", 4), ["bob"]);
  assert.equal(conversations.get("left"), undefined);
  assert.deepEqual(seqs("new"), upTo(60).slice(10));
});

test("another database: everything starts afresh", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 9 });
  const made = await online(server);
  await made.sync.open("c1");
  await reconnected(made, () => server.restore("epoch-2", 4));
  assert.equal(made.conversations.get("c1").last_seq, 4);
  await settled();
  assert.deepEqual(made.seqs("c1"), upTo(4));
  server.say("c1");
  assert.deepEqual(made.seqs("c1"), upTo(5));
});

test("a head below a cursor: what the server says instead counts", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 9 });
  server.add("c2", { count: 1 });
  const made = await online(server);
  await made.sync.open("c1");
  await reconnected(made, () => server.restore("epoch-1", 4));
  assert.deepEqual(made.seqs("c1"), upTo(4));
  assert.equal(made.conversations.get("c1").last_message.seq, 4);
  assert.deepEqual(made.seqs("c2"), [1]);
});

test("a list that fails costs only more frames", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 70 });
  server.fail("list", busy(7_000));
  const { conversations, seqs } = await online(server);
  assert.ok(conversations.isLoaded);
  assert.deepEqual(resumes(server)[0].cursors, {});
  assert.deepEqual(seqs("c1"), upTo(70).slice(20));
});

test("no more than five hundred cursors go into a frame", async () => {
  const server = new FakeServer();
  for (let at = 0; at < 520; at += 1) server.add(`c${at}`);
  const made = await online(server);
  assert.equal(Object.keys(resumes(server)[0].cursors).length, 500);
  assert.equal(made.conversations.all.length, 520);
  server.say("c519");
  assert.equal(made.conversations.unread("c519"), 1);
});

test("after a long absence the list tells first, and far-off timelines are opened anew", async () => {
  const server = new FakeServer();
  server.add("far", { count: 10 });
  server.add("near", { count: 10 });
  const made = await online(server);
  for (const id of ["far", "near"]) await made.sync.open(id);
  made.socket.stop();
  server.socket.isOpen = false;
  await made.clock.pass(400_000);
  for (let more = 0; more < 300; more += 1) server.say("far");
  server.say("near");
  server.calls.length = 0;
  made.socket.start();
  await settled();
  server.socket.open();
  await settled();
  assert.deepEqual(resumes(server).at(-1).cursors, { far: 311, near: 11 });
  assert.deepEqual(made.seqs("near"), upTo(11));
  assert.ok(!made.sync.timeline("far").isLoaded);
  await made.sync.open("far");
  assert.deepEqual(made.seqs("far"), upTo(310).slice(260));
});

test("somebody unknown is asked for by name, once", async () => {
  const server = new FakeServer();
  server.add("c1", { members: ["ann", "bob", "guest", "gone"] });
  server.users = [{ id: "bob", username: "bob", full_name: null }];
  server.fail("user", busy());
  const { clock, people } = await online(server);
  server.users.push({ id: "guest", username: "guest-1", full_name: "Gil" });
  for (let more = 0; more < 5; more += 1) {
    server.say("c1", { sender: "guest" });
    await clock.pass(6_000);
  }
  assert.equal(people.nameOf("guest"), "Gil");
  assert.deepEqual(server.names().filter((name) => name.startsWith("user ")), ["user guest", "user guest", "user gone"]);
});

test("a first page that fails comes after the next catch-up", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 3 });
  const made = await online(server);
  server.fail("messages", busy());
  await assert.rejects(made.sync.open("c1"), /Busy/);
  await reconnected(made);
  assert.deepEqual(made.seqs("c1"), [1, 2, 3]);
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

test("the most recent conversations are fetched one by one while nothing else happens", async () => {
  const server = new FakeServer();
  for (const id of ["c1", "c2", "c3"]) server.add(id, { count: 2 });
  const { clock, sync } = await online(server);
  const loaded = () => ["c1", "c2", "c3"].filter((id) => sync.timeline(id).isLoaded).length;
  await clock.pass(5_000);
  assert.equal(loaded(), 1);
  await clock.pass(60_000);
  assert.equal(loaded(), 3);
});

test("presence and typing end with the connection; a message ends the typing of its sender", async () => {
  const server = new FakeServer();
  server.add("c1");
  const made = await online(server);
  const { presence, typing } = made;
  server.socket.receive({ type: "presence", users: [{ user_id: "bob", online: true, last_seen: null }] });
  server.socket.receive({ type: "typing", conversation_id: "c1", user_id: "bob", is_typing: true });
  assert.deepEqual([presence.isOnline("bob"), typing.in("c1")], [true, ["bob"]]);
  server.say("c1");
  assert.deepEqual(typing.in("c1"), []);
  server.socket.receive({ type: "typing", conversation_id: "c1", user_id: "bob", is_typing: true });
  server.socket.end(1006);
  assert.deepEqual([presence.isOnline("bob"), typing.in("c1")], [false, []]);
});

test("of whom one looks at, and of whom one has just met, it is asked whether they are here", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 1 });
  const made = await online(server);
  const questions = () => server.socket.sent.filter(({ type, user_ids: ids }) => type === "presence" && ids).map(({ user_ids: ids }) => ids);
  assert.deepEqual(questions(), []);
  await made.sync.open("c1");
  assert.deepEqual(questions(), [["bob"]]);
  server.add("c2", { members: ["ann", "bob", "cid"] });
  assert.deepEqual(questions().at(-1), ["bob", "cid"]);
  await reconnected(made);
  assert.deepEqual(questions(), [["bob"]], "again on each connection");
  made.sync.leave();
  await reconnected(made);
  assert.deepEqual(questions(), []);
});

test("who finds themselves logged in as somebody else is told", async () => {
  const server = new FakeServer();
  const made = tab(server);
  let strangers = 0;
  made.sync.stranger.listen(() => (strangers += 1));
  await made.begin();
  server.socket.receive({ ...server.ready(), user: { id: "bob", username: "bob", full_name: null } });
  assert.equal(strangers, 1);
  assert.deepEqual(resumes(server), []);
});

test("who is alone soon sees a newcomer; who isn't, every minute", async () => {
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
  await clock.pass(60_000);
  assert.equal(server.names().filter((name) => name === "users").length, 1);
});

test("messages that come twice or late are known", async () => {
  const server = new FakeServer();
  server.add("c1", { count: 3 });
  const made = await online(server);
  await made.sync.open("c1");
  const arrived = [];
  made.sync.arrived.listen(({ seq }) => arrived.push(seq));
  server.say("c1");
  for (const seq of [4, 2, 4]) server.socket.receive({ type: "message", message: message(seq, { rev: seq + 1 }) });
  assert.deepEqual([arrived, made.seqs("c1")], [[4], upTo(4)]);
  assert.equal(resumes(server).length, 1);
});
