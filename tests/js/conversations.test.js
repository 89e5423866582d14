import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversations, faceOf, found, partnerIn, titleOf } from "../../static/js/model/conversations.js";
import { People } from "../../static/js/model/people.js";
import { message } from "./support/server.js";

const conversation = (id, fields = {}) => ({
  id,
  title: null,
  direct: true,
  members: ["ann", "bob"],
  owners: ["ann"],
  reads: {},
  last_seq: 0,
  rev: 1,
  last_read_seq: 0,
  created_at: "2026-01-01T00:00:00Z",
  last_message_at: null,
  last_message: null,
  ...fields,
});

function listed(...list) {
  const conversations = new Conversations("ann");
  conversations.replaceAll(list);
  return conversations;
}

test("unread is what lies above the read mark", () => {
  const conversations = listed(conversation("c1", { last_seq: 9, last_read_seq: 4 }), conversation("c2", { last_seq: 3, last_read_seq: 3 }));
  assert.equal(conversations.unread("c1"), 5);
  assert.equal(conversations.unread("c2"), 0);
  assert.equal(conversations.unread("nowhere"), 0);
  assert.equal(conversations.unreadTotal(), 5);
  assert.equal(conversations.unreadTotal(() => true), 0);
  assert.ok(conversations.markRead("c1", 8));
  assert.equal(conversations.unread("c1"), 1);
  assert.equal(conversations.markRead("c1", 6), false, "never backwards");
  assert.equal(conversations.unread("c1"), 1);
});

test("the most recently active comes first, and a message brings its conversation up", () => {
  const conversations = listed(
    conversation("old", { last_message_at: "2025-01-01T00:00:00Z" }),
    conversation("fresh"),
    conversation("busy", { last_message_at: "2025-12-31T23:00:00Z" }),
  );
  const order = () => conversations.sorted().map(({ id }) => id);
  assert.deepEqual(order(), ["fresh", "busy", "old"]);
  assert.ok(conversations.apply(message(1, { conversation: "old" })));
  assert.deepEqual(order(), ["old", "fresh", "busy"]);
  assert.equal(conversations.get("old").last_message.content, "text 1");
  assert.equal(conversations.unread("old"), 1);
});

test("who writes has read what came before, whichever device it came from", () => {
  const conversations = listed(conversation("c1", { last_seq: 4, last_read_seq: 2 }));
  conversations.apply(message(5, { sender: "ann" }));
  assert.equal(conversations.unread("c1"), 0);
  assert.equal(conversations.readUpTo("c1"), 5);
  conversations.apply(message(6));
  assert.equal(conversations.unread("c1"), 1);
  assert.deepEqual(conversations.get("c1").reads, { ann: 5, bob: 6 });
  assert.equal(conversations.markRead("c1", 5), false, "the server knows that by itself");
});

test("readers are the others who have read so far, and owners are known", () => {
  const conversations = listed(conversation("c1", { members: ["ann", "bob", "cy", "di"], owners: ["bob"], last_seq: 9, reads: { ann: 9, bob: 7, cy: 3, gone: 9 } }));
  assert.deepEqual(conversations.readersOf("c1", 7), ["bob"]);
  assert.deepEqual(conversations.readersOf("c1", 3), ["bob", "cy"]);
  assert.ok(conversations.read("c1", "di", 8));
  assert.equal(conversations.read("c1", "di", 5), false, "never backwards");
  assert.deepEqual(conversations.readersOf("c1", 8), ["di"]);
  assert.deepEqual(conversations.readersOf("nowhere", 1), []);
  assert.equal(conversations.isOwner("c1"), false);
  conversations.put({ ...conversations.get("c1"), rev: 2, owners: ["bob", "ann"] });
  assert.ok(conversations.isOwner("c1"));
  assert.equal(conversations.isOwner("nowhere"), false);
});

test("older and repeated messages change nothing", () => {
  const conversations = listed(conversation("c1", { last_seq: 5, last_message: message(5), reads: { bob: 5 } }));
  let changes = 0;
  conversations.changed.listen(() => (changes += 1));
  conversations.apply(message(3));
  conversations.apply(message(5));
  assert.equal(changes, 0);
  assert.equal(conversations.get("c1").last_seq, 5);
  conversations.apply({ ...message(5), rev: 9, content: "edited" });
  assert.equal(conversations.get("c1").last_message.content, "edited");
  assert.equal(conversations.apply(message(1, { conversation: "unknown" })), false);
});

test("rows that come late move nothing backwards, and of names the later one counts", () => {
  const conversations = listed(conversation("c1", { last_seq: 2, last_read_seq: 1, rev: 3 }), conversation("gone"));
  conversations.apply(message(3));
  conversations.markRead("c1", 2);
  conversations.put(conversation("c1", { last_seq: 2, last_read_seq: 1, title: "new title", rev: 5, reads: { bob: 1 } }));
  conversations.put(conversation("c1", { last_seq: 2, title: "old title", members: ["ann"], rev: 4 }));
  const { last_seq: seq, last_read_seq: read, title, members, reads, last_message: last, rev } = conversations.get("c1");
  assert.deepEqual([seq, read, title, last.seq, rev], [3, 2, "new title", 3, 5]);
  assert.deepEqual([members, reads], [["ann", "bob"], { ann: 2, bob: 3 }]);
  conversations.replaceAll([conversation("c1")]);
  assert.equal(conversations.get("gone"), undefined);
  conversations.remove("c1");
  assert.deepEqual(conversations.all, []);
});

test("a row that knows of more keeps the last message until that has come", () => {
  const conversations = listed(conversation("c1", { last_seq: 1, last_message: message(1) }));
  conversations.put(conversation("c1", { last_seq: 3, rev: 4, last_message: undefined }));
  assert.equal(conversations.get("c1").last_message.seq, 1);
  conversations.apply(message(2));
  assert.equal(conversations.get("c1").last_message.seq, 1, "an older one than the last is no last one");
  conversations.apply(message(3));
  assert.equal(conversations.get("c1").last_message.seq, 3);
});

test("titles, faces and searches", () => {
  const people = new People({ id: "ann", username: "ann", full_name: "Ann" });
  people.add([{ id: "bob", username: "bob", full_name: "Bób Bristow" }, { id: "cy", username: "cy", full_name: null }]);
  const direct = conversation("c1");
  const group = conversation("c2", { direct: false, members: ["ann", "bob", "cy"] });
  assert.equal(partnerIn(direct, "ann"), "bob");
  assert.equal(partnerIn(group, "ann"), null);
  assert.equal(titleOf(direct, people, "ann"), "Bób Bristow");
  assert.equal(titleOf(group, people, "ann"), "Bób Bristow, cy");
  assert.equal(titleOf({ ...group, title: "Train" }, people, "ann"), "Train");
  assert.deepEqual(faceOf(direct, people, "ann"), { id: "bob", letters: "BB" });
  const searched = (query) => found([group, direct, conversation("c3", { members: ["ann", "zed"] })], people, "ann", query).map(({ id }) => id);
  assert.deepEqual(searched(" "), ["c2", "c1", "c3"]);
  assert.deepEqual(searched(" bob b"), ["c2", "c1"]);
  assert.deepEqual(searched("BOB"), ["c2", "c1"]);
  assert.deepEqual(searched("cy"), ["c2"], "by a member");
  assert.deepEqual(searched("ann"), [], "not by me");
  const titled = found([{ ...group, title: "Train" }, direct], people, "ann", "bob");
  assert.deepEqual(titled.map(({ id }) => id), ["c1", "c2"], "a title counts more than a member");
});

test("people are found without case and accents, by name, without me", () => {
  const people = new People({ id: "ann", username: "ann", full_name: "Ann" });
  people.add([{ id: "2", username: "zoe", full_name: "Ångström" }, { id: "1", username: "bob", full_name: null }]);
  assert.deepEqual(people.found("").map(({ id }) => id), ["2", "1"]);
  assert.deepEqual(people.found("angs").map(({ id }) => id), ["2"]);
  assert.deepEqual(people.found("ZOE").map(({ id }) => id), ["2"]);
  assert.equal(people.nameOf("1"), "bob");
  assert.equal(people.nameOf("nobody"), "Someone");
});
