/**
 * Brings the pages when the server can't be reached. What the server has comes first; what
 * is kept is one whole version of the pages and all that they name, renewed as a whole when
 * anything of it has changed. Nothing but the pages' own files is ever answered or kept here.
 */
const NAME = "pneumatic-pages";
const PAGES = ["/", "/chat.html"];
const OWN = /^\/(?:chat\.html|favicon\.svg|icons?\.svg|icon-\d+\.png|manifest\.webmanifest|(?:js|css)\/(?:[\w-]+\/)*[\w-]+\.(?:js|css))$/;
const NAMED = /["'](\.{0,2}\/[\w./-]+\.(?:js|css|svg|png|webmanifest))/g;
const TEXT = /^text\/|javascript|json/;

/** How long a page may take to come before the kept one is shown. */
const PATIENCE = 4_000;

/** Pages that were brought from here: their parts are too, since parts of two versions don't fit. */
const keptPages = new Set();
let renewing = null;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(renew());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  const path = pathname === "/index.html" ? "/" : pathname;
  if (method === "GET" && origin === self.location.origin && isOwn(path)) event.respondWith(answer(event, path));
});

/** On phones a notification is shown by this worker, and so it is chosen here. */
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.conversationId));
});

function isOwn(path) {
  return path === "/" || OWN.test(path);
}

async function answer(event, path) {
  const kept = await (await caches.open(NAME)).match(path);
  if (!kept) return fetch(event.request);
  if (keptPages.has(event.clientId)) return kept;
  const isPage = event.request.mode === "navigate";
  try {
    const response = await patiently(fetch(event.request), isPage ? PATIENCE : null);
    if (response.status >= 500) return keptAnswer(event, kept);
    if (response.ok && response.headers.get("ETag") !== kept.headers.get("ETag")) event.waitUntil(renew().catch(() => {}));
    return response;
  } catch {
    return keptAnswer(event, kept);
  }
}

function keptAnswer({ resultingClientId }, kept) {
  if (resultingClientId) keptPages.add(resultingClientId);
  return kept;
}

function patiently(answer, patience) {
  if (patience === null) return answer;
  return Promise.race([answer, new Promise((_, reject) => setTimeout(() => reject(new Error("slow")), patience))]);
}

/** Keeps the pages and everything that they name, however far away; all of it or nothing. */
function renew() {
  renewing ??= gather()
    .then(keep)
    .finally(() => {
      renewing = null;
    });
  return renewing;
}

async function gather() {
  const found = new Map();
  let paths = PAGES;
  while (paths.length > 0) {
    const named = await Promise.all(paths.map((path) => take(path, found)));
    paths = [...new Set(named.flat())].filter((path) => isOwn(path) && !found.has(path));
  }
  return found;
}

/** Asks for one file and gives the paths that it names. */
async function take(path, found) {
  const response = await fetch(path, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  found.set(path, response);
  if (!TEXT.test(response.headers.get("Content-Type") ?? "")) return [];
  const text = await response.clone().text();
  return [...text.matchAll(NAMED)].map(([, name]) => new URL(name, self.location.origin + path).pathname);
}

async function keep(found) {
  const cache = await caches.open(NAME);
  await Promise.all([...found].map(([path, response]) => cache.put(path, response)));
  for (const request of await cache.keys()) {
    if (!found.has(new URL(request.url).pathname)) await cache.delete(request);
  }
}

async function open(conversationId) {
  const windows = await self.clients.matchAll({ type: "window" });
  const chat = windows.find(({ url }) => new URL(url).pathname === "/chat.html");
  if (!chat) return self.clients.openWindow(`/chat.html#/c/${conversationId}`);
  await chat.focus();
  return chat.postMessage({ type: "open", conversationId });
}
