import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../static/js/net/backoff.js";
import { Problem } from "../../static/js/net/problem.js";
import { Socket } from "../../static/js/net/socket.js";
import { FakeAuth } from "./support/auth.js";
import { FakeClock, settled } from "./support/clock.js";
import { busy, FakeServer } from "./support/server.js";

async function connected() {
  const server = new FakeServer();
  const clock = new FakeClock();
  const auth = new FakeAuth();
  const socket = new Socket({ auth, ticket: () => auth.ticket(), clock, backoff: new Backoff(() => 0.5), WebSocket: server.WebSocket, base: "ws://chat.test" });
  socket.start();
  await settled();
  server.socket.open();
  return { server, clock, auth, socket };
}

test("it connects with a ticket and hands frames through", async () => {
  const { server, socket } = await connected();
  assert.equal(server.socket.address, "ws://chat.test/ws?ticket=ticket-0");
  assert.deepEqual(server.socket.protocols, ["pneumatic.v2"]);
  assert.equal(socket.state, "online");
  const frames = [];
  socket.received.listen((frame) => frames.push(frame));
  server.socket.receive({ type: "message" });
  server.socket.onmessage({ data: "not json" });
  assert.deepEqual(frames, [{ type: "message" }]);
  assert.ok(socket.send({ a: 1 }));
  assert.deepEqual(server.socket.sent, [{ a: 1 }]);
});

for (const code of [1000, 1001, 1006, 1011, 1012, 4408, 4503, 4999]) {
  test(`after ${code} it comes back with a growing delay`, async () => {
    const { server, clock, socket } = await connected();
    server.socket.end(code);
    assert.equal(socket.state, "offline");
    assert.equal(socket.send({}), false);
    assert.equal(socket.retryAt - clock.now(), 750);
    await clock.pass(749);
    assert.equal(server.sockets.length, 1);
    await clock.pass(1);
    assert.equal(server.sockets.length, 2);
    assert.equal(socket.state, "connecting");
    server.socket.end(1006);
    assert.equal(socket.retryAt - clock.now(), 1250);
  });
}

test("after flooding it stays away for ten seconds at least", async () => {
  const { server, clock } = await connected();
  server.socket.end(4429);
  await clock.pass(10_000);
  assert.equal(server.sockets.length, 1);
  await clock.pass(1_000);
  assert.equal(server.sockets.length, 2);
});

test("not authenticated: one new token and one more try, then the login is over", async () => {
  const { server, auth, clock, socket } = await connected();
  server.socket.end(1008);
  await settled();
  assert.equal(auth.refreshes, 1);
  assert.equal(server.socket.address, "ws://chat.test/ws?ticket=ticket-1");
  server.socket.open();
  server.socket.end(1008);
  assert.equal(auth.ended, 1);
  await clock.pass(120_000);
  assert.equal(server.sockets.length, 2);
  assert.equal(socket.state, "offline");
});

test("a connection that lasted earns a new try after 1008", async () => {
  const { server, auth, clock } = await connected();
  server.socket.end(1008);
  await settled();
  server.socket.open();
  await clock.pass(6_000);
  server.socket.end(1008);
  await settled();
  assert.equal(auth.ended, 0);
  assert.equal(auth.refreshes, 2);
});

test("4401 ends the login at once", async () => {
  const { server, auth, clock } = await connected();
  server.socket.end(4401);
  assert.equal(auth.ended, 1);
  await clock.pass(60_000);
  assert.equal(server.sockets.length, 1);
  assert.equal(clock.pending, 0);
});

test("only a connection that lasts makes the delays small again", async () => {
  const { server, clock, socket } = await connected();
  server.socket.end(1011);
  await clock.pass(750);
  server.socket.open();
  server.socket.end(1011);
  assert.equal(socket.retryAt - clock.now(), 1250, "it opened and died");
  await clock.pass(1_250);
  server.socket.open();
  await clock.pass(5_000);
  server.socket.end(1011);
  assert.equal(socket.retryAt - clock.now(), 750);
});

test("now tries at once, and only while it waits", async () => {
  const { server, clock, socket } = await connected();
  socket.now();
  await settled();
  assert.equal(server.sockets.length, 1);
  server.socket.end(1006);
  socket.now();
  await settled();
  assert.equal(server.sockets.length, 2);
  await clock.pass(14_000);
  assert.equal(server.sockets.length, 2, "the waiting try was replaced");
});

test("a try that hangs is given up", async () => {
  const { server, clock, socket } = await connected();
  server.socket.end(1006);
  await clock.pass(750);
  const hanging = server.socket;
  await clock.pass(15_000);
  assert.equal(socket.state, "offline");
  assert.ok(hanging.isClosed);
  hanging.open();
  assert.equal(socket.state, "offline", "a forgotten connection has no say");
});

test("without an answer for the ticket it waits like for the socket", async () => {
  const { server, auth, clock, socket } = await connected();
  auth.failures.push(busy(), busy(20_000));
  server.socket.end(1006);
  await clock.pass(750);
  assert.equal(socket.state, "offline");
  await clock.pass(1_250);
  assert.ok(socket.retryAt - clock.now() > 20_000, "the server asked for twenty seconds");
  await clock.pass(23_000);
  assert.equal(server.sockets.length, 2);
});

test("a ticket that is refused for good ends the login", async () => {
  const { server, auth, clock } = await connected();
  auth.failures.push(new Problem({ status: 401, detail: "Could not validate credentials" }));
  server.socket.end(1006);
  await clock.pass(750);
  assert.equal(auth.ended, 1);
  assert.equal(server.sockets.length, 1);
});

test("restart replaces a live connection, and stop leaves nothing running", async () => {
  const { server, clock, socket } = await connected();
  const first = server.socket;
  socket.restart();
  await settled();
  assert.ok(first.isClosed);
  assert.equal(server.sockets.length, 2);
  server.socket.open();
  socket.stop();
  assert.ok(server.socket.isClosed);
  assert.equal(clock.pending, 0);
});

test("it is online when the server says that it is ready, and not before", async () => {
  const { server, clock, socket } = await connected();
  server.isSlow = true;
  socket.restart();
  await settled();
  const opened = [];
  socket.opened.listen((ready) => opened.push(ready.type));
  server.socket.open();
  assert.deepEqual([socket.state, socket.send({}), opened], ["connecting", false, []]);
  server.socket.reach(1);
  assert.deepEqual([socket.state, opened], ["online", ["ready"]]);
  await clock.pass(15_000);
  assert.equal(socket.state, "online");
});

test("after a silence it asks, and a connection that gives no answer is given up", async () => {
  const { server, clock, socket } = await connected();
  const codes = [];
  socket.closed.listen((code) => codes.push(code));
  const pings = () => server.socket.sent.filter(({ type }) => type === "ping").length;
  await clock.pass(24_999);
  assert.equal(pings(), 0);
  await clock.pass(1);
  assert.equal(pings(), 1);
  await clock.pass(25_000);
  assert.equal(pings(), 2, "the first one was answered");
  server.isDeaf = true;
  await clock.pass(25_000);
  assert.equal(socket.state, "online");
  await clock.pass(9_999);
  assert.deepEqual(codes, []);
  await clock.pass(1);
  assert.deepEqual([codes, socket.state], [[1006], "offline"]);
  await clock.pass(1_000);
  assert.equal(server.sockets.length, 2);
});

test("a page that has slept makes a new connection at once", async () => {
  const { server, clock, socket } = await connected();
  clock.sleep(121_000);
  socket.revive();
  await settled();
  assert.deepEqual([server.sockets.length, server.sockets[0].isClosed, socket.state], [2, true, "connecting"]);
  server.socket.end(1006);
  socket.revive();
  await settled();
  assert.equal(server.sockets.length, 3, "nor does it wait for the next try");
});

test("who comes back asks at once, and not twice", async () => {
  const { server, clock, socket } = await connected();
  server.isDeaf = true;
  socket.revive();
  socket.revive();
  assert.deepEqual(server.socket.sent, [{ type: "ping" }]);
  await clock.pass(10_000);
  assert.equal(socket.state, "offline");
  socket.probe();
  assert.equal(server.sockets.length, 1);
});
