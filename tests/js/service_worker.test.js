import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";
import { settled } from "./support/clock.js";

const ROOT = new URL("../../static/", import.meta.url);
const ORIGIN = "https://chat.test";
const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml", png: "image/png", webmanifest: "application/manifest+json" };
const source = readFileSync(new URL("sw.js", ROOT), "utf8");

function walk(folder = "") {
  return readdirSync(new URL(folder, ROOT), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? walk(`${folder}${entry.name}/`) : [folder + entry.name]));
}

/** A server with the real files; `version` is in every ETag, and `answer` can be replaced. */
class Site {
  asked = [];
  version = 1;
  status = 200;

  fetch = async (request) => {
    const { pathname } = new URL(request.url ?? request, ORIGIN);
    this.asked.push(pathname);
    return this.answer(pathname);
  };

  answer = async (path) => this.file(path);

  file(path) {
    const name = path === "/" ? "index.html" : path.slice(1);
    const headers = { ETag: `"${this.version}"`, "Content-Type": TYPES[name.split(".").pop()] };
    return new Response(this.status === 200 ? readFileSync(new URL(name, ROOT)) : "", { status: this.status, headers });
  }

  goDown() {
    this.answer = () => Promise.reject(new TypeError("network"));
  }

  comeBack() {
    this.answer = async (path) => this.file(path);
  }
}

/** The worker in a world of its own. */
function worker(site) {
  const listeners = {};
  const kept = new Map();
  const cache = {
    match: async (path) => kept.get(path)?.clone(),
    put: async (path, response) => kept.set(path, response),
    keys: async () => [...kept.keys()].map((path) => ({ url: ORIGIN + path })),
    delete: async ({ url }) => kept.delete(new URL(url).pathname),
  };
  const timers = [];
  const opened = [];
  const self = {
    addEventListener: (name, listener) => (listeners[name] = listener),
    skipWaiting: () => {},
    location: { origin: ORIGIN },
    clients: { claim: async () => {}, matchAll: async () => [], openWindow: async (address) => opened.push(address) },
  };
  vm.runInNewContext(source, { self, caches: { open: async () => cache }, fetch: site.fetch, URL, Map, Set, Promise, Error, setTimeout: (call) => timers.push(call) });
  const run = async (name, event = {}) => {
    const waits = [];
    listeners[name]({ ...event, waitUntil: (promise) => waits.push(promise) });
    await Promise.all(waits);
  };
  const ask = (path, { method = "GET", mode = "cors", clientId = "c", resultingClientId = "", origin = ORIGIN } = {}) => {
    let answer = null;
    const waits = [];
    listeners.fetch({ request: { url: origin + path, method, mode }, clientId, resultingClientId, respondWith: (promise) => (answer = promise), waitUntil: (promise) => waits.push(promise) });
    return answer && answer.then(async (response) => (await Promise.all(waits), response));
  };
  return { kept, run, ask, timers, opened };
}

async function installed() {
  const site = new Site();
  const made = worker(site);
  await made.run("install");
  site.asked.length = 0;
  return { site, ...made };
}

test("every file of the pages is kept, and nothing else", async () => {
  const { kept } = await installed();
  const own = walk().filter((name) => !["sw.js", "index.html", "js/package.json"].includes(name)).map((name) => `/${name}`);
  assert.deepEqual([...kept.keys()].sort(), ["/", ...own].sort());
});

test("what isn't a file of the pages passes by", async () => {
  const { ask } = await installed();
  for (const path of ["/auth/refresh", "/conversations", "/ws", "/metrics", "/metrics/", "/docs", "/openapi.json", "/health", "/api/v1/users", "/sw.js", "/js/../auth/me"]) assert.equal(ask(path), null, path);
  assert.equal(ask("/chat.html", { method: "POST" }), null);
  assert.equal(ask("/chat.html", { origin: "https://evil.test" }), null);
});

test("the server's answer comes first, and a new version replaces the kept one as a whole", async () => {
  const { site, ask, kept } = await installed();
  assert.equal((await ask("/js/main.js")).headers.get("ETag"), '"1"');
  assert.deepEqual(site.asked, ["/js/main.js"]);
  site.version = 2;
  assert.equal((await ask("/js/main.js")).headers.get("ETag"), '"2"');
  assert.deepEqual(new Set([...kept.values()].map((response) => response.headers.get("ETag"))), new Set(['"2"']));
});

test("without the server the pages come all the same", async () => {
  const { site, ask } = await installed();
  site.goDown();
  for (const path of ["/", "/?ended", "/index.html", "/chat.html"]) assert.equal((await ask(path, { mode: "navigate", clientId: "", resultingClientId: "p" })).status, 200, path);
  assert.equal((await ask("/js/view/panels/settings.js", { clientId: "p" })).status, 200);
  site.comeBack();
  site.status = 503;
  assert.equal((await ask("/chat.html", { mode: "navigate" })).status, 200);
});

test("the parts of a kept page are kept ones, also when the server is back with others", async () => {
  const { site, ask } = await installed();
  site.goDown();
  await ask("/chat.html", { mode: "navigate", clientId: "", resultingClientId: "old" });
  site.comeBack();
  site.version = 2;
  assert.equal((await ask("/js/chat.js", { clientId: "old" })).headers.get("ETag"), '"1"');
  assert.equal((await ask("/js/chat.js", { clientId: "new" })).headers.get("ETag"), '"2"');
});

test("a page that doesn't come is the kept one after a while", async () => {
  const { site, ask, timers } = await installed();
  site.answer = () => new Promise(() => {});
  const answer = ask("/chat.html", { mode: "navigate" });
  await settled();
  for (const call of timers) call();
  assert.equal((await answer).headers.get("ETag"), '"1"');
});

test("half a version is never kept", async () => {
  const { site, ask, kept } = await installed();
  site.version = 2;
  let count = 0;
  site.answer = async (path) => ((count += 1) > 5 ? Promise.reject(new TypeError("network")) : site.file(path));
  assert.equal((await ask("/js/main.js")).headers.get("ETag"), '"2"');
  assert.deepEqual(new Set([...kept.values()].map((response) => response.headers.get("ETag"))), new Set(['"1"']));
  await assert.rejects(worker(site).run("install"));
});

test("a chosen notification opens its conversation", async () => {
  const { run, opened } = await installed();
  let isClosed = false;
  await run("notificationclick", { notification: { data: { conversationId: "c1" }, close: () => (isClosed = true) } });
  assert.deepEqual([opened, isClosed], [["/chat.html#/c/c1"], true]);
});
