import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Signal } from "../../static/js/util/signal.js";
import { Notifier } from "../../static/js/view/notifier.js";
import { settled } from "./support/clock.js";

/** What the browser was asked to show. */
let shown;
let badges;

class FakeNotification {
  static permission = "granted";
  isClosed = false;
  constructor(title, options) {
    Object.assign(this, { title, ...options });
    shown.push(this);
  }
  close() {
    this.isClosed = true;
  }
}

beforeEach(() => {
  shown = [];
  badges = [];
  const badge = async (count) => badges.push(count ?? 0);
  Object.defineProperty(globalThis, "navigator", { value: { setAppBadge: badge, clearAppBadge: badge }, configurable: true });
  FakeNotification.permission = "granted";
  globalThis.Notification = FakeNotification;
  globalThis.document = { querySelector: () => null };
  globalThis.window = { Notification: FakeNotification, focus: () => {} };
});

function made({ notifications = true, isWatched = false, muted = [] } = {}) {
  const values = { notifications, sound: false, suggested: false };
  const unread = new Map([["c1", 1]]);
  const opened = [];
  const conversations = { changed: new Signal(), unread: (id) => unread.get(id) ?? 0, unreadTotal: () => [...unread.values()].reduce((sum, count) => sum + count, 0) };
  const preferences = { get: (name) => values[name], set: (name, value) => (values[name] = value), isMuted: (id) => muted.includes(id) };
  const people = { me: { id: "ann" }, nameOf: (id) => id };
  const notifier = new Notifier({ models: { people, conversations, preferences }, isWatched: () => isWatched, onopen: (id) => opened.push(id) });
  return { notifier, conversations, unread, opened, values };
}

const direct = { id: "c1", direct: true, members: ["ann", "bob"], title: null };
const message = (sender = "bob", content = "Hello\nthere") => ({ sender_id: sender, content });

test("a message is told with who it is from and where", async () => {
  const { notifier } = made();
  notifier.arrived(message(), direct);
  notifier.arrived(message("carl"), { ...direct, id: "c2", direct: false, title: "Lunch", members: ["ann", "bob", "carl"] });
  await settled();
  assert.deepEqual(shown.map(({ title, body, tag }) => [title, body, tag]), [["bob", "Hello there", "c1"], ["Lunch", "carl: Hello there", "c2"]]);
});

test("own, muted and watched ones are quiet, and so is everything that wasn't allowed", async () => {
  made().notifier.arrived(message("ann"), direct);
  made({ muted: ["c1"] }).notifier.arrived(message(), direct);
  made({ isWatched: true }).notifier.arrived(message(), direct);
  made({ notifications: false }).notifier.arrived(message(), direct);
  FakeNotification.permission = "denied";
  made().notifier.arrived(message(), direct);
  await settled();
  assert.deepEqual(shown, []);
});

test("choosing it opens the conversation, reading that takes it away", async () => {
  const { notifier, conversations, unread, opened } = made();
  notifier.arrived(message(), direct);
  await settled();
  shown[0].onclick();
  assert.deepEqual([opened, shown[0].isClosed], [["c1"], true]);
  notifier.arrived(message(), direct);
  await settled();
  conversations.changed.emit();
  assert.equal(shown[1].isClosed, false);
  unread.set("c1", 0);
  conversations.changed.emit();
  assert.equal(shown[1].isClosed, true);
  assert.deepEqual(badges, [1, 0]);
});

test("notifications aren't suggested to who has them, was asked, or can't have them", async () => {
  for (const state of ["granted", "denied"]) {
    FakeNotification.permission = state;
    const { notifier, values } = made({ notifications: false });
    await notifier.suggest();
    assert.equal(values.suggested, false);
  }
});
