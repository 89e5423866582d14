import { find, speak } from "./util/dom.js";
import { systemClock } from "./util/clock.js";
import { loginAddress } from "./util/route.js";
import { enlist } from "./util/service_worker.js";
import { adoptSprite } from "./util/sprite.js";
import { noteLogin, storageHere } from "./util/storage.js";
import { uuid } from "./util/uuid.js";
import { followViewport } from "./util/viewport.js";
import { words } from "./util/words.js";
import { Preferences } from "./model/preferences.js";
import { Api } from "./net/api.js";
import { Auth } from "./net/auth.js";
import { Backoff } from "./net/backoff.js";
import { exchanger } from "./net/exchange.js";
import { Neighbours } from "./net/neighbours.js";
import { Vault, WRITTEN } from "./net/vault.js";
import { Watch } from "./net/watch.js";
import { Announcer } from "./view/announcer.js";
import { followAppearance } from "./view/appearance.js";
import { ConnectionBar } from "./view/connection_bar.js";
import { ConversationPane } from "./view/conversation_pane.js";
import { Notice } from "./view/notice.js";
import { Shortcuts } from "./view/shortcuts.js";
import { Sidebar } from "./view/sidebar.js";
import { Chat } from "./chat.js";
import { sessionOf } from "./session.js";

/** The composition root of the chat page: makes everything once and ties it together. */
const SLOW = 4_000;
const clock = systemClock;
const storage = storageHere();
const preferences = new Preferences({ storage });
followAppearance(preferences);
window.addEventListener("storage", () => preferences.reload());
speak();
followViewport();

const exchange = exchanger({ fetch: (path, options) => fetch(path, options), clock });
const auth = new Auth({ exchange, clock, locks: navigator.locks });
const api = new Api({ exchange, auth });
const neighbours = new Neighbours(globalThis.BroadcastChannel);
const notice = new Notice();
const isWatched = () => document.visibilityState === "visible";
let session = null;
let isLeaving = false;
let isIn = false;
let hurry = () => {};
const bar = new ConnectionBar({ clock, onnow: () => hurry() });
window.addEventListener("online", () => hurry());

const [vault] = await Promise.all([Vault.open(() => globalThis.indexedDB, clock), adoptSprite()]);
const saved = await vault.read();
auth.lost.listen(ended);
neighbours.listen("left", () => {
  isLeaving = true;
  ended();
});
run(await whoAmI(), saved);

/** The login is over, here or everywhere. What this person wrote waits for them, unless they have logged out. */
async function ended() {
  session?.end();
  noteLogin(storage, false);
  await vault.erase(isLeaving ? {} : { but: WRITTEN });
  location.replace(isLeaving ? "/" : loginAddress(location.hash, isIn));
}

/** Another person has logged in with this browser: nothing of this one stays. */
async function startOver() {
  session.end();
  await vault.erase();
  location.reload();
}

/** The same, and a tab of that person has seen to it. */
function makeWay() {
  session?.end();
  location.reload();
}

/** Asks until the server answers; where it doesn't, whoever was here last is shown what they left. */
async function whoAmI() {
  const backoff = new Backoff();
  const known = saved.facts.get("me");
  isIn = Boolean(known);
  if (known) clock.setTimeout(() => hurry(), SLOW);
  for (;;) {
    bar.show({ state: "connecting", retryAt: null, waiting: 0 });
    try {
      const answer = await Promise.race([api.me(), new Promise((resolve) => (hurry = () => resolve(known)))]);
      isIn = true;
      if (answer) return answer;
    } catch (problem) {
      if (!problem.passing) return refused();
      if (known) return known;
      const delay = (problem.retryAfter ?? 0) + backoff.next();
      bar.show({ state: "offline", retryAt: clock.now() + delay, waiting: 0 });
      await new Promise((resolve) => {
        hurry = resolve;
        clock.setTimeout(resolve, delay);
      });
    }
  }
}

/** The log-in page follows; it is told when a login that looked good was refused after all. */
function refused() {
  isIn = true;
  auth.end();
  return new Promise(() => {});
}

async function run(me, saved) {
  noteLogin(storage, true);
  const isOwn = [saved.owner.get("id"), saved.facts.get("me")?.id ?? me.id].every((id) => id === me.id);
  neighbours.listen("here", (id) => id !== me.id && makeWay());
  neighbours.tell("here", me.id);
  if (!isOwn) {
    await vault.erase();
    vault.write([["owner", "id", me.id]]);
  }
  const base = location.origin.replace(/^http/, "ws");
  session = sessionOf(me, { preferences, api, auth, vault, neighbours, clock, locks: navigator.locks, WebSocket, base, isWatched });
  const { models, sync, reader, typist, socket, roster, turn } = session;
  const chat = new Chat({ models, net: { api, sync, reader, typist }, clock });
  const context = { models, net: { api, sync, auth }, chat, notice, clock, leave };
  const panels = panelsOf(context);

  const sidebar = new Sidebar({
    models,
    onopen: (id) => chat.open(id),
    onperson: (id) => chat.openPerson(id),
    onsearch: (text) => {
      roster.search(text);
      chat.draw();
    },
  });
  const pane = new ConversationPane({
    models,
    actions: {
      back: () => chat.back(),
      moved: () => chat.see(),
      older: () => chat.older(),
      reload: () => chat.reload(),
      send: (text) => chat.send(text),
      retry: (id) => chat.retry(id),
      remove: (id) => chat.remove(id),
      typed: () => chat.typed(),
      details: () => panels.details(chat.openId),
    },
  });
  new Shortcuts({
    onsearch: () => sidebar.focusSearch(),
    onstep: (by) => chat.step(by),
    onleave: () => chat.back(),
    onhelp: panels.shortcuts,
  });
  find("#settings").addEventListener("click", () => panels.settings());
  find("#new-group").addEventListener("click", () => panels.newGroup());
  find("#help").addEventListener("click", () => panels.shortcuts());
  chat.turned.listen((id) => panels.follow(id));

  hurry = () => socket.now();
  const showConnection = () => bar.show({ state: socket.state, retryAt: socket.retryAt, waiting: models.outbox.waiting });
  socket.changed.listen(showConnection);
  models.outbox.changed.listen(showConnection);
  sync.stranger.listen(startOver);
  window.addEventListener("offline", () => socket.restart());
  window.addEventListener("focus", () => look({ roster, chat }));
  window.addEventListener("pagehide", () => session.save());

  const watch = new Watch({ neighbours, id: uuid(), isWatched });
  document.addEventListener("visibilitychange", () => {
    watch.tell();
    if (!isWatched()) return session.save();
    socket.revive();
    look({ roster, chat });
  });
  window.addEventListener("pagehide", () => watch.tell(false));

  session.start(isOwn ? saved : await vault.read());
  chat.start({ sidebar, pane, notice, announcer: new Announcer() });
  enlist();

  // Without a connection they may not come; then this page stays silent.
  notify({ chat, session, watch }).catch(() => {});
}

/** Draws attention to what arrives; of several tabs the one that has the turn does. */
async function notify({ chat, session: { models, sync, turn }, watch }) {
  const { Notifier } = await import("./view/notifier.js");
  const notifier = new Notifier({ models, isWatched: () => watch.isAnywhere, onopen: (id) => chat.open(id) });
  chat.wrote.listen(() => notifier.suggest().catch(() => {}));
  sync.arrived.listen((message, isNews) => {
    const conversation = models.conversations.get(message.conversation_id);
    if (isNews && turn.isMine && conversation) notifier.arrived(message, conversation);
  });
}

/** Somebody looks again. */
function look({ roster, chat }) {
  roster.refresh();
  chat.see();
}

/** What is opened now and then, loaded when it is opened first. */
function panelsOf(context) {
  let details = null;
  const once = (load) => {
    let panel = null;
    return async (...values) => {
      try {
        panel ??= await load();
      } catch {
        return notice.show(words.failed);
      }
      return panel.open(...values);
    };
  };
  return {
    settings: once(async () => new (await import("./view/panels/settings.js")).Settings(context)),
    newGroup: once(async () => new (await import("./view/panels/new_group.js")).NewGroup(context)),
    shortcuts: once(async () => new (await import("./view/panels/shortcuts_sheet.js")).ShortcutsSheet()),
    details: once(async () => (details = new (await import("./view/panels/details.js")).Details(context))),
    follow: (id) => details?.follow(id),
  };
}

/** Logging out needs the server: a login that only this page had forgotten would live on. */
async function leave() {
  isLeaving = true;
  try {
    await auth.logOut();
    neighbours.tell("left");
    ended();
  } catch (problem) {
    isLeaving = false;
    notice.show(problem.sentence);
  }
}
