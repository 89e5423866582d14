import { find, speak } from "./util/dom.js";
import { systemClock } from "./util/clock.js";
import { loginAddress } from "./util/route.js";
import { adoptSprite } from "./util/sprite.js";
import { followViewport } from "./util/viewport.js";
import { Conversations } from "./model/conversations.js";
import { Drafts } from "./model/drafts.js";
import { Outbox } from "./model/outbox.js";
import { People } from "./model/people.js";
import { Api } from "./net/api.js";
import { Auth } from "./net/auth.js";
import { Backoff } from "./net/backoff.js";
import { Courier } from "./net/courier.js";
import { exchanger } from "./net/exchange.js";
import { ReadMarker } from "./net/read_marker.js";
import { Roster } from "./net/roster.js";
import { Socket } from "./net/socket.js";
import { Sync } from "./net/sync.js";
import { Announcer } from "./view/announcer.js";
import { ConnectionBar } from "./view/connection_bar.js";
import { ConversationPane } from "./view/conversation_pane.js";
import { NewGroup } from "./view/new_group.js";
import { Notice } from "./view/notice.js";
import { Shortcuts } from "./view/shortcuts.js";
import { Sidebar } from "./view/sidebar.js";
import { Chat } from "./chat.js";

/** The composition root of the chat page: makes everything once and ties it together. */
const clock = systemClock;

speak();
followViewport();

const exchange = exchanger({ fetch: (path, options) => fetch(path, options), clock });
const auth = new Auth({ exchange, clock, locks: navigator.locks });
const api = new Api({ exchange, auth });
let isLeaving = false;
let isIn = false;
let hurry = () => {};
const bar = new ConnectionBar({ clock, onnow: () => hurry() });
auth.lost.listen(() => location.replace(isLeaving ? "/" : loginAddress(location.hash, isIn)));
window.addEventListener("online", () => hurry());

const [me] = await Promise.all([whoAmI(), adoptSprite()]);
run(me);

/** Asks until the server answers; without an answer there is nothing to show but the bar. */
async function whoAmI() {
  const backoff = new Backoff();
  for (;;) {
    bar.show({ state: "connecting", retryAt: null, waiting: 0 });
    try {
      const me = await api.me();
      isIn = true;
      return me;
    } catch (problem) {
      if (!problem.passing) return refused();
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

function run(me) {
  const people = new People(me);
  const conversations = new Conversations(me.id);
  const drafts = new Drafts();
  const outbox = new Outbox({ storage: sessionStorage, userId: me.id });
  const socket = new Socket({ auth, ticket: () => api.ticket(), clock, backoff: new Backoff(), WebSocket, base: location.origin.replace(/^http/, "ws") });
  const courier = new Courier({ socket, outbox, clock });
  const roster = new Roster({ api, people, clock });
  const reader = new ReadMarker({ api, conversations, clock });
  const isWatched = () => document.visibilityState === "visible";
  const sync = new Sync({ api, socket, clock, courier, roster, people, conversations, isWatched });
  const chat = new Chat({ models: { people, conversations, outbox, drafts }, net: { api, sync, courier, reader }, clock });

  const sidebar = new Sidebar({
    people,
    conversations,
    outbox,
    drafts,
    onopen: (id) => chat.open(id),
    onperson: (id) => chat.openPerson(id),
    onsearch: (text) => {
      roster.search(text);
      chat.draw();
    },
  });
  const pane = new ConversationPane({
    people,
    outbox,
    drafts,
    actions: {
      back: () => chat.back(),
      moved: () => chat.see(),
      older: () => chat.older(),
      reload: () => chat.reload(),
      send: (text) => chat.send(text),
      retry: (id) => chat.retry(id),
      remove: (id) => chat.remove(id),
    },
  });
  const notice = new Notice();
  const newGroup = new NewGroup({
    people,
    oncreate: (wish) => api.createConversation(wish),
    onmade: (conversation) => chat.enter(conversation),
    onfilter: (text) => roster.search(text),
  });
  new Shortcuts({
    onsearch: () => sidebar.focusSearch(),
    onstep: (by) => chat.step(by),
    onleave: () => chat.back(),
  });
  find("#new-group").addEventListener("click", () => newGroup.open());
  find("#logout").addEventListener("click", () => leave({ outbox, notice }));

  hurry = () => socket.now();
  const showConnection = () => bar.show({ state: socket.state, retryAt: socket.retryAt, waiting: outbox.waiting });
  socket.changed.listen(showConnection);
  outbox.changed.listen(showConnection);
  window.addEventListener("offline", () => socket.restart());
  window.addEventListener("focus", () => lookAgain({ sync, chat }));
  document.addEventListener("visibilitychange", () => (isWatched() ? lookAgain({ sync, chat }) : reader.flush()));

  chat.start({ sidebar, pane, notice, announcer: new Announcer() });
  sync.start();
}

function lookAgain({ sync, chat }) {
  sync.refresh();
  chat.see();
}

/** Logging out needs the server: a login that only this page had forgotten would live on. */
async function leave({ outbox, notice }) {
  isLeaving = true;
  try {
    await auth.logOut();
    outbox.clear();
    location.replace("/");
  } catch (problem) {
    isLeaving = false;
    notice.show(problem.sentence);
  }
}
