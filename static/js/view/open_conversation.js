import { find, setText } from "../util/dom.js";
import { dayKey, sinceTime } from "../util/time.js";
import { initials } from "../util/text.js";
import { words } from "../util/words.js";
import { faceOf, partnerIn, titleOf } from "../model/conversations.js";
import { Thread } from "../model/thread.js";
import { Composer } from "./composer.js";
import { ConversationHead } from "./conversation_head.js";
import { MessageList } from "./message_list.js";

/** The conversation that is open: its head, its timeline, who writes, and where one writes. */
export class OpenConversation {
  #models;
  #thread;
  #head;
  #list;
  #composer;
  #readers = null;
  #typing = find("#typing");
  #shownId = null;

  /** `actions` as in view/conversation_pane.js. */
  constructor({ models, actions }) {
    this.#models = models;
    this.#thread = new Thread({ me: models.people.me.id, dayOf: dayKey });
    this.#head = new ConversationHead({ onback: actions.back, ondetails: actions.details });
    this.#list = new MessageList({
      onmove: actions.moved,
      onolder: actions.older,
      onretry: actions.retry,
      onremove: actions.remove,
      onreaders: (seq, button) => this.#showReaders(seq, button),
      onreload: actions.reload,
      onwrite: () => this.focus(),
    });
    this.#composer = new Composer({
      onsend: (text) => {
        this.#list.toBottom();
        actions.send(text);
      },
      onedit: (text) => {
        models.drafts.set(this.#shownId, text);
        if (text.trim() !== "") actions.typed();
      },
    });
    models.drafts.changed.listen((id) => id === this.#shownId && this.#composer.adopt(models.drafts.get(id)));
  }

  get isAtBottom() {
    return this.#list.isAtBottom;
  }

  get needsOlder() {
    return this.#list.needsOlder;
  }

  /** To where one writes. */
  focus() {
    this.#composer.focus();
  }

  /** Nothing is shown; where this one was left is remembered. */
  leave() {
    this.#turnTo(null);
  }

  /** Shows a conversation with its timeline as the visit has it. */
  show({ conversation, timeline, visit }, now) {
    const { people, drafts } = this.#models;
    const title = titleOf(conversation, people, people.me.id);
    if (this.#turnTo(conversation.id)) this.#composer.turnTo({ name: title, draft: drafts.get(conversation.id) });
    this.#composer.rename(title);
    this.#head.show({ title, face: faceOf(conversation, people, people.me.id), ...this.#aboutMembers(conversation, now) });
    this.#showMessages({ conversation, timeline, visit, title }, now);
    setText(this.#typing, this.#whoWrites(conversation.id));
  }

  /** `below` counts what came out of sight; whatever was unread before that is below as well. */
  showJump(below) {
    const unread = this.#shownId ? this.#models.conversations.unread(this.#shownId) : 0;
    this.#list.showJump(Math.max(below, unread));
  }

  #turnTo(id) {
    if (this.#shownId === id) return false;
    this.#shownId = id;
    this.#list.turnTo(id);
    return true;
  }

  #showMessages({ conversation, timeline, visit, title }, now) {
    const { people, outbox } = this.#models;
    const stored = timeline.isLoaded ? timeline.messages : [];
    const pending = outbox.of(conversation.id).filter((item) => !timeline.has(people.me.id, item.message_id));
    const rows = this.#thread.rows({ stored, pending, newFrom: visit.newFrom });
    const { state, sentence } = stateOf({ timeline, visit, isEmpty: rows.length === 0, title });
    const look = {
      nameOf: (id) => people.nameOf(id),
      faceOf: conversation.direct ? null : (id) => this.#faceOf(id),
      readUpTo: readByOthers(conversation, people.me.id),
      now,
    };
    this.#list.show({ rows, state, sentence, isLoadingOlder: visit.isLoadingOlder, look, below: visit.below });
  }

  #faceOf(id) {
    return { id, letters: initials(this.#models.people.nameOf(id)) };
  }

  async #showReaders(seq, button) {
    const { people, conversations } = this.#models;
    const readers = conversations.readersOf(this.#shownId, seq).map((id) => ({ name: people.nameOf(id), face: this.#faceOf(id) }));
    const { Readers } = await import("./readers.js");
    this.#readers ??= new Readers();
    this.#readers.toggle(button, readers);
  }

  /** The line below the title, `isOnline` for a partner who is here, and more words for the pointer. */
  #aboutMembers({ direct, members, title }, now) {
    const { people, presence } = this.#models;
    const { me } = people;
    if (direct) return this.#aboutPartner(partnerIn({ direct, members }, me.id), now);
    const here = members.filter((id) => id === me.id || presence.isOnline(id)).length;
    const names = members.filter((id) => id !== me.id).map((id) => people.nameOf(id));
    const count = here > 1 ? words.membersOnline(members.length, here) : words.members(members.length);
    return { members: count, isOnline: false, hint: title ? [...names, words.you].join(", ") : "" };
  }

  #aboutPartner(id, now) {
    const { people, presence } = this.#models;
    const partner = people.get(id);
    const username = partner?.full_name ? partner.username : "";
    if (presence.isOnline(id)) return { members: words.partnerOnline, isOnline: true, hint: username };
    const seen = presence.lastSeen(id);
    return { members: seen ? words.lastSeen(sinceTime(seen, now)) : username, isOnline: false, hint: username };
  }

  #whoWrites(id) {
    const { people, typing } = this.#models;
    const [one, other, ...more] = typing.in(id).filter((user) => user !== people.me.id).map((user) => people.nameOf(user));
    if (more.length > 0) return words.manyWrite;
    if (other) return words.twoWrite(one, other);
    return one ? words.oneWrites(one) : "";
  }
}

/** The highest seq that anybody but `me` has read. */
function readByOthers({ reads = {} }, me) {
  let highest = 0;
  for (const [id, seq] of Object.entries(reads)) if (id !== me && seq > highest) highest = seq;
  return highest;
}

function stateOf({ timeline, visit, isEmpty, title }) {
  if (!timeline.isLoaded && visit.problem) return { state: "failed", sentence: `${words.loadFailed} ${visit.problem.sentence}` };
  if (!timeline.isLoaded) return { state: "loading", sentence: "" };
  if (isEmpty) return { state: "empty", sentence: words.firstMessage(title) };
  return { state: "ready", sentence: "" };
}
