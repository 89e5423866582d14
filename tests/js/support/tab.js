import { Preferences } from "../../../static/js/model/preferences.js";
import { Neighbours } from "../../../static/js/net/neighbours.js";
import { sessionOf } from "../../../static/js/session.js";
import { FakeAuth } from "./auth.js";
import { FakeVault } from "./browser.js";
import { FakeClock, settled } from "./clock.js";
import { FakeServer } from "./server.js";
import { FakeStorage } from "./storage.js";

let written = 0;

/** Ann's tab with everything but the page, before a fake server. */
export function tab(server = new FakeServer(), { vault = new FakeVault(), clock = new FakeClock(), locks, Channel, random = () => 0 } = {}) {
  const session = sessionOf(
    { id: "ann", username: "ann", full_name: null },
    {
      preferences: new Preferences({ storage: new FakeStorage() }),
      api: server.api,
      auth: new FakeAuth(),
      vault,
      neighbours: new Neighbours(Channel),
      clock,
      locks,
      WebSocket: server.WebSocket,
      base: "ws://chat.test",
      isWatched: () => true,
      random,
      newId: () => `mine-${(written += 1)}`,
    },
  );
  const { models, sync } = session;
  const send = (id, text) => models.outbox.add(id, text, clock.now()).message_id;
  const seqs = (id) => sync.timeline(id).messages.map(({ seq }) => seq);
  const begin = async () => {
    session.start(await vault.read());
    await settled();
  };
  return { ...session, ...models, server, clock, vault, send, seqs, begin };
}

/** The same, connected and caught up. */
export async function online(server, options) {
  const made = tab(server, options);
  await made.begin();
  made.server.socket.open();
  await settled();
  return made;
}

/** The connection is lost, and the next one stands at once. */
export async function reconnected({ server, clock }, meanwhile = () => {}) {
  server.socket.end(1006);
  meanwhile();
  await clock.pass(600);
  server.socket.open();
  await settled();
}
