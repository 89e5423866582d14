import { Conversations } from "../../../static/js/model/conversations.js";
import { Outbox } from "../../../static/js/model/outbox.js";
import { People } from "../../../static/js/model/people.js";
import { Backoff } from "../../../static/js/net/backoff.js";
import { Courier } from "../../../static/js/net/courier.js";
import { Roster } from "../../../static/js/net/roster.js";
import { Socket } from "../../../static/js/net/socket.js";
import { Sync } from "../../../static/js/net/sync.js";
import { FakeAuth } from "./auth.js";
import { FakeClock, settled } from "./clock.js";
import { FakeStorage } from "./storage.js";
import { FakeServer } from "./server.js";

/** Ann's tab with everything but the page, against a fake server. */
export function tab(server = new FakeServer(), storage = new FakeStorage()) {
  const clock = new FakeClock();
  const auth = new FakeAuth();
  const people = new People({ id: "ann", username: "ann", full_name: null });
  const conversations = new Conversations("ann");
  let written = 0;
  const outbox = new Outbox({ storage, userId: "ann", random: () => 0.5, newId: () => `mine-${(written += 1)}` });
  const socket = new Socket({ auth, ticket: () => auth.ticket(), clock, backoff: new Backoff(() => 0), WebSocket: server.WebSocket, base: "ws://chat.test" });
  const courier = new Courier({ socket, outbox, clock });
  const { api } = server;
  const roster = new Roster({ api, people, clock });
  const sync = new Sync({ api, socket, clock, courier, roster, people, conversations, isWatched: () => true, random: () => 0 });
  const send = (id, text) => {
    const item = outbox.add(id, text, clock.now());
    courier.deliver();
    return item.message_id;
  };
  const echo = (frame) => server.deliver(frame.conversation_id, { sender: "ann", id: frame.message_id, content: frame.content });
  const seqs = (id) => sync.timeline(id).messages.map(({ seq }) => seq);
  return { server, clock, people, conversations, outbox, socket, courier, sync, send, echo, seqs };
}

/** The same, connected and caught up. */
export async function online(server, storage) {
  const made = tab(server, storage);
  made.sync.start();
  await settled();
  made.server.socket.open();
  await settled();
  return made;
}
