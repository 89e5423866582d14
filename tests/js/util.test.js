import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { loginFaults, signupFaults } from "../../static/js/model/credentials.js";
import { splitLinks } from "../../static/js/util/links.js";
import { chatAddress, conversationIn, hashOf, loginAddress } from "../../static/js/util/route.js";
import { codePoints, hueOf, initials, oneLine, tidied } from "../../static/js/util/text.js";
import { briefTime, clockTime, dayKey, dayLabel, sinceTime, useDatesOf } from "../../static/js/util/time.js";
import { uuid } from "../../static/js/util/uuid.js";
import { words } from "../../static/js/util/words.js";

const place = { locale: "en-GB", timeZone: "UTC" };
const now = new Date("2026-03-10T12:00:00Z");
const before = (minutes) => new Date(now.getTime() - minutes * 60_000);
const linksIn = (text) => splitLinks(text).filter((part) => part.href).map((part) => part.href);

test("times: relative under a day, absolute after", () => {
  assert.equal(briefTime(before(0.5), now, place), "now");
  assert.equal(briefTime(before(5), now, place), "5 min");
  assert.equal(briefTime(before(23 * 60), now, place), "23 h");
  assert.equal(briefTime(before(25 * 60), now, place), "Mon");
  assert.equal(briefTime(before(10 * 24 * 60), now, place), "28 Feb");
  assert.equal(briefTime(before(400 * 24 * 60), now, place), "3 Feb 2025");
  assert.equal(briefTime(before(-5), now, place), "now", "a clock that is ahead");
  assert.equal(clockTime(now, place), "12:00");
});

test("days are those of the reader's time zone", () => {
  const late = new Date("2026-03-09T23:30:00Z");
  assert.equal(dayKey(late, place), "2026-03-09");
  assert.equal(dayKey(late, { timeZone: "Europe/Berlin" }), "2026-03-10");
  assert.equal(dayLabel(now, now, place), "Today");
  assert.equal(dayLabel(late, now, place), "Yesterday");
  assert.equal(dayLabel(late, now, { locale: "en-GB", timeZone: "Europe/Berlin" }), "Today");
  assert.match(dayLabel(before(5 * 24 * 60), now, place), /^Thursday,? 5 March$/);
  assert.match(dayLabel(before(400 * 24 * 60), now, place), /2025/);
});

test("words count", () => {
  assert.equal(words.offlineBar(0), "You're offline.");
  assert.equal(words.offlineBar(1), "You're offline. 1 message will be sent when you're back.");
  assert.equal(words.offlineBar(2), "You're offline. 2 messages will be sent when you're back.");
  assert.equal(words.unreadBadge(99), "99");
  assert.equal(words.unreadBadge(100), "99+");
  assert.equal(words.pageTitle(3, "Bob"), "(3) Bob · Pneumatic");
  assert.equal(words.pageTitle(0, ""), "Pneumatic");
});

test("links are http and https and nothing else", () => {
  for (const text of ["javascript:alert(1)", "JaVaScRiPt://x%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:http", "xhttp://a.test", "http://", "https:// a", "see www.example.org", "ftp://a.test", "javascript:http"]) {
    assert.deepEqual(linksIn(text), [], text);
  }
  for (const text of ["javascript:alert('https://a.test')", "data:text/html,http://a.test/x"]) {
    for (const href of linksIn(text)) assert.match(href, /^https?:\/\//, text);
  }
  assert.deepEqual(linksIn("HTTPS://A.test/X"), ["https://a.test/X"]);
});

test("links end where the sentence goes on", () => {
  assert.deepEqual(linksIn("See https://a.test/b. And (http://c.test/d), ok?"), ["https://a.test/b", "http://c.test/d"]);
  assert.deepEqual(linksIn("https://a.test/x_(y) https://a.test/?q=1,2&r=%20#z!"), ["https://a.test/x_(y)", "https://a.test/?q=1,2&r=%20#z"]);
  assert.deepEqual(linksIn("<https://a.test/b>"), ["https://a.test/b"]);
});

test("the parts of a text are the text, whatever it is", () => {
  for (const text of ["", "plain", "https://a.test", "x https://a.test.\n\n  y (http://b.test)", "https://", "http://[", "<b>https://a.test</b>", "😀 https://a.test/😀!"]) {
    assert.equal(splitLinks(text).map((part) => part.text).join(""), text);
  }
});

test("a very long text is split in no time", () => {
  const started = process.cpuUsage();
  splitLinks("http://".repeat(1_400));
  splitLinks(`https://a.test/${")".repeat(9_900)}`);
  splitLinks(`https://a.test/${".".repeat(9_900)}`);
  // Of its own: others may want the processor as well.
  assert.ok(process.cpuUsage(started).user < 1_000_000);
});

test("text is counted and tidied as the server wants it", () => {
  assert.equal(codePoints("a😀é"), 3);
  assert.equal(tidied("  \n\n  indented\n\n last  \n\n"), "  indented\n\n last");
  assert.equal(tidied(" \n\t "), "");
  assert.equal(tidied("a\r\nb\rc"), "a\nb\nc");
  assert.equal(tidied("half \ud83d here"), "half \ufffd here");
  assert.equal(tidied("whole 😀"), "whole 😀");
  assert.equal(oneLine("a\n  b\tc "), "a b c");
  assert.equal(codePoints(oneLine("😀".repeat(500))), 160);
});

test("initials and hues", () => {
  assert.equal(initials("Ann Mary Example"), "AE");
  assert.equal(initials("bob"), "B");
  assert.equal(initials("😀 face"), "😀F");
  assert.equal(initials("  "), "?");
  const hues = Array.from({ length: 200 }, () => hueOf(uuid(webcrypto)));
  assert.ok(hues.every((hue) => Number.isInteger(hue) && hue >= 0 && hue < 12));
  assert.equal(new Set(hues).size, 12);
  assert.equal(hueOf("x"), hueOf("x"));
});

test("uuids, with and without a secure context", () => {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const insecure = { getRandomValues: (bytes) => webcrypto.getRandomValues(bytes) };
  const made = Array.from({ length: 500 }, (_, at) => uuid(at % 2 ? insecure : webcrypto));
  assert.ok(made.every((id) => shape.test(id)), made.find((id) => !shape.test(id)));
  assert.equal(new Set(made).size, 500);
});

test("the address names a conversation and nothing worse", () => {
  const id = "5f0c8a4e-0000-4000-8000-000000000000";
  assert.equal(conversationIn(hashOf(id)), id);
  for (const hash of ["", "#", "#/c/", "#/c/../x", "#/c/a/b", `#/x/${id}`, "#//evil.test"]) assert.equal(conversationIn(hash), null, hash);
  assert.equal(loginAddress(hashOf(id), true), `/?ended#/c/${id}`);
  assert.equal(loginAddress("#//evil.test", false), "/");
  assert.equal(chatAddress(hashOf(id)), `/chat.html#/c/${id}`);
  assert.equal(chatAddress("#//evil.test"), "/chat.html");
});

test("forms say what is wrong before the server is asked", () => {
  const fields = (faults) => faults.map(({ field }) => field);
  assert.deepEqual(fields(loginFaults({ username: " ", password: "" })), ["username", "password"]);
  assert.deepEqual(loginFaults({ username: "a", password: "b" }), []);
  const good = { username: "ann", password: "12345678", fullName: "" };
  assert.deepEqual(signupFaults(good), []);
  assert.deepEqual(fields(signupFaults({ ...good, password: "1234567" })), ["password"]);
  assert.deepEqual(fields(signupFaults({ ...good, password: "x".repeat(257) })), ["password"]);
  assert.deepEqual(fields(signupFaults({ ...good, username: "x".repeat(151) })), ["username"]);
  assert.deepEqual(fields(signupFaults({ ...good, username: "a\u0000b" })), ["username"]);
  assert.deepEqual(fields(signupFaults({ ...good, fullName: "x".repeat(201) })), ["full_name"]);
  assert.deepEqual(signupFaults({ ...good, username: "😀".repeat(150) }), []);
});

test("how long ago somebody was here", () => {
  assert.equal(sinceTime(before(0.5), now, place), "just now");
  assert.equal(sinceTime(before(-5), now, place), "just now", "a clock that is ahead");
  assert.equal(sinceTime(before(59), now, place), "59 min ago");
  assert.equal(sinceTime(before(5 * 60), now, place), "5 h ago");
  assert.equal(sinceTime(before(11 * 60), now, place), "today at 01:00");
  assert.equal(sinceTime(before(13 * 60), now, place), "yesterday at 23:00");
  assert.match(sinceTime(before(50 * 60), now, place), /^on Sunday,? 8 March$/);
});

test("dates and times speak the language that was chosen", () => {
  useDatesOf("de");
  assert.match(dayLabel(before(5 * 24 * 60), now, { timeZone: "UTC" }), /^Donnerstag, 5\. März$/);
  useDatesOf("en-US");
  assert.equal(clockTime(now, { timeZone: "UTC" }).replace(/\s/u, " "), "12:00 PM");
  useDatesOf("");
});
