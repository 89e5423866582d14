import assert from "node:assert/strict";
import { test } from "node:test";
import { channels, FakeLocks, FakeVault } from "./support/browser.js";
import { FakeClock, settled } from "./support/clock.js";
import { seeded } from "./support/random.js";
import { FakeServer } from "./support/server.js";
import { tab } from "./support/tab.js";

const STEPS = 120;
const SEEDS = Number(process.env.CHAOS_SEEDS ?? 40);

/**
 * Two tabs of one browser live through everything a network can do: frames crawl, connections
 * are cut with what is on its way, calls fail, tabs are reloaded, conversations come, go and
 * change. Then all calms down, and everything has to be as the server has it.
 */
class Chaos {
  server = new FakeServer();
  clock = new FakeClock();
  vault = new FakeVault();
  locks;
  Channel = channels();
  tabs = [];
  written = [];
  removed = new Set();
  places = [];

  constructor(seed, { hasLocks }) {
    this.random = seeded(seed);
    if (hasLocks) this.locks = new FakeLocks();
    this.server.isSlow = true;
    this.server.lag = () => new Promise((resolve) => this.clock.setTimeout(resolve, this.#upTo(2_500)));
    for (let at = 0; at < 4; at += 1) this.#found(this.#upTo(70));
  }

  async run() {
    await this.#open();
    await this.#open();
    for (let step = 0; step < STEPS; step += 1) {
      await this.#step();
      await settled();
    }
    await this.#calm();
  }

  #upTo(most) {
    return Math.floor(this.random() * most);
  }

  #one(list) {
    return list[this.#upTo(list.length)];
  }

  #found(count) {
    const id = `c${this.places.length + 1}`;
    this.places.push(id);
    this.server.add(id, { members: ["ann", "bob", "cy"], count });
  }

  async #open() {
    const made = tab(this.server, { vault: this.vault, clock: this.clock, locks: this.locks, Channel: this.Channel, random: this.random });
    this.tabs.push(made);
    await made.begin();
  }

  #mine() {
    return this.places.filter((id) => this.server.conversations.get(id).members.includes("ann"));
  }

  async #step() {
    const { server } = this;
    const socket = this.#one(server.sockets);
    const made = this.#one(this.tabs);
    const place = this.#one(this.#mine());
    const steps = [
      [8, () => server.sockets.forEach((one) => one.arrive(this.#upTo(4)))],
      [12, () => server.sockets.forEach((one) => one.reach(this.#upTo(8)))],
      [6, () => server.sockets.filter((one) => one.onmessage && !one.isOpen).forEach((one) => one.open())],
      [6, () => this.clock.pass(this.#upTo(3_000))],
      [1, () => this.clock.pass(this.#upTo(40_000))],
      [3, () => socket?.isOpen && socket.end(this.#one([1006, 1011, 1012, 4408, 4503]))],
      [1, () => made.socket.restart()],
      [6, () => place && server.say(place, { sender: this.#one(["bob", "cy"]), id: `theirs-${this.#upTo(1e9)}` })],
      [1, () => place && server.rename(place, `title ${this.#upTo(100)}`)],
      [1, () => this.places.length < 12 && this.#found(this.#upTo(3))],
      [1, () => place && this.#mine().length > 2 && this.#remove(place)],
      [1, () => server.admit(this.#one(this.places))],
      [2, () => place && server.read(place, this.#one(["bob", "cy"]), this.#upTo(90))],
      [2, () => place && made.conversations.get(place) && made.reader.seen(place, made.conversations.get(place).last_seq)],
      [3, () => place && made.conversations.get(place) && void made.sync.open(place).catch(() => {})],
      [1, () => place && void made.sync.older(place).catch(() => {})],
      [6, () => made.conversations.get(place) && this.written.push({ place, id: made.send(place, `text ${this.#upTo(1e9)}`) })],
      [1, () => (server.isDown = this.random() < 0.4)],
      [1, () => this.#reload(made)],
      [1, () => made.save()],
    ];
    let at = this.random() * steps.reduce((sum, [weight]) => sum + weight, 0);
    const [, act] = steps.find(([weight]) => (at -= weight) < 0);
    await act();
  }

  #remove(place) {
    this.removed.add(place);
    this.server.remove(place);
  }

  /** A tab is closed, saying good-bye or not, and another one opened. */
  async #reload(made) {
    if (this.random() < 0.5) made.save();
    this.#close(made);
    await settled();
    await this.#open();
  }

  #close(made) {
    this.tabs.splice(this.tabs.indexOf(made), 1);
    made.end();
    made.socket.stop();
    if (made.turn.isMine && this.locks) made.turn.giveAway();
  }

  async #calm() {
    const { server } = this;
    server.isDown = false;
    for (let round = 0; round < 120; round += 1) {
      for (const one of server.sockets.filter((socket) => socket.onmessage && !socket.isOpen)) one.open();
      for (const one of server.sockets) one.arrive(Infinity);
      for (const one of server.sockets) one.reach(Infinity);
      await this.clock.pass(1_000);
    }
  }

  check(name) {
    for (const made of this.tabs) this.#checkTab(made, name);
    for (const { place, id } of this.written) {
      const stored = [...this.server.conversations.values()].flatMap(({ messages }) => messages).filter((one) => one.message_id === id);
      const isExcused = this.removed.has(place) && stored.length === 0;
      assert.ok(stored.length === 1 || isExcused, `${name}: ${id} is stored ${stored.length} times`);
    }
  }

  #checkTab({ conversations, outbox, sync }, name) {
    const known = conversations.all.map(({ id }) => id).sort();
    const list = this.server.list();
    assert.deepEqual(known, list.map(({ id }) => id).sort(), `${name}: conversations`);
    for (const one of list) {
      const mine = conversations.get(one.id);
      for (const field of ["title", "members", "owners", "last_seq", "last_read_seq", "last_message", "last_message_at"]) {
        assert.deepEqual(mine[field], one[field], `${name}: ${field} of ${one.id}`);
      }
      assert.deepEqual(mine.reads, one.reads, `${name}: reads of ${one.id}`);
      const timeline = sync.timeline(one.id);
      if (!timeline.isLoaded) continue;
      const { messages } = this.server.conversations.get(one.id);
      assert.deepEqual(timeline.messages, messages.slice(timeline.floor - 1), `${name}: messages of ${one.id}`);
    }
    const waiting = outbox.items.filter(({ state }) => state === "pending");
    assert.deepEqual(waiting, [], `${name}: waiting`);
  }
}

test("whatever the network does, in the end every tab has what the server has", async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const chaos = new Chaos(seed, { hasLocks: true });
    await chaos.run();
    chaos.check(`seed ${seed}`);
  }
});

test("also where the browser has no locks", async () => {
  for (let seed = 1; seed <= SEEDS / 4; seed += 1) {
    const chaos = new Chaos(seed, { hasLocks: false });
    await chaos.run();
    chaos.check(`seed ${seed}`);
  }
});
