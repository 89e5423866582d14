import { Conversations } from "./model/conversations.js";
import { Cursors } from "./model/cursors.js";
import { Drafts } from "./model/drafts.js";
import { Outbox } from "./model/outbox.js";
import { People } from "./model/people.js";
import { Presence } from "./model/presence.js";
import { Timelines } from "./model/timelines.js";
import { Typing } from "./model/typing.js";
import { Backoff } from "./net/backoff.js";
import { Courier } from "./net/courier.js";
import { ReadMarker } from "./net/read_marker.js";
import { Roster } from "./net/roster.js";
import { Shelf } from "./net/shelf.js";
import { Snapshot } from "./net/snapshot.js";
import { Socket } from "./net/socket.js";
import { Sync } from "./net/sync.js";
import { Turn } from "./net/turn.js";
import { Typist } from "./net/typist.js";

/**
 * Everything behind the page of one person: the models, and what keeps them equal to the
 * server, to the other tabs and to what the browser stores.
 */
export function sessionOf(me, { preferences, api, auth, vault, neighbours, clock, locks, WebSocket, base, isWatched, random = Math.random, newId }) {
  const people = new People(me);
  const conversations = new Conversations(me.id);
  const drafts = new Drafts();
  const outbox = new Outbox({ random, newId });
  const models = { people, conversations, outbox, drafts, presence: new Presence(), typing: new Typing({ clock }), preferences };
  const [cursors, timelines] = [new Cursors(), new Timelines()];
  const turn = new Turn({ locks, neighbours });
  const socket = new Socket({ auth, ticket: () => api.ticket(), clock, backoff: new Backoff(random), WebSocket, base });
  const courier = new Courier({ socket, outbox, turn, clock });
  const roster = new Roster({ api, people, clock, isWatched });
  const reader = new ReadMarker({ socket, conversations, neighbours, clock });
  const typist = new Typist({ socket, clock });
  const sync = new Sync({ api, socket, clock, courier, reader, roster, cursors, timelines, models, mayGoAhead: () => turn.isMine, random });
  const shelf = new Shelf({ vault, neighbours, turn, clock, outbox, drafts });
  const snapshot = new Snapshot({ vault, clock, models, cursors, timelines });

  return {
    models,
    socket,
    sync,
    reader,
    roster,
    typist,
    turn,

    /** Begins, with what an earlier page has left (see `Vault.read`). */
    start(saved) {
      snapshot.restore(saved);
      shelf.restore(saved);
      snapshot.start(people.changed, conversations.changed, sync.changed);
      turn.start();
      sync.start();
    },

    /** The page may be gone in a moment. */
    save() {
      reader.flush();
      shelf.flush();
      snapshot.save();
    },

    /** Nothing is kept any more. */
    end() {
      shelf.end();
      snapshot.end();
    },
  };
}
