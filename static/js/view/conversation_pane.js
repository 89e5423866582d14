import { find, setText } from "../util/dom.js";
import { dayKey } from "../util/time.js";
import { initials } from "../util/text.js";
import { words } from "../util/words.js";
import { faceOf, titleOf } from "../model/conversations.js";
import { rowsOf } from "../model/thread.js";
import { Composer } from "./composer.js";
import { ConversationHead } from "./conversation_head.js";
import { MessageList } from "./message_list.js";

/** The second area: the open conversation, or a sentence about what to do instead. */
export class ConversationPane {
  #people;
  #outbox;
  #drafts;
  #head;
  #list;
  #composer;
  #blank = find("#blank");
  #blankWords = find("#blank-words");
  #blankAction = find("#blank-action");
  #open = find("#open");
  #shownId = null;

  /**
   * `actions`: `back()`, `moved()`, `older()`, `reload()`, `send(text)`, `retry(messageId)`,
   * `remove(messageId)`, each for the conversation that is open.
   */
  constructor({ people, outbox, drafts, actions }) {
    this.#people = people;
    this.#outbox = outbox;
    this.#drafts = drafts;
    this.#head = new ConversationHead({ onback: actions.back });
    this.#list = new MessageList({
      onmove: actions.moved,
      onolder: actions.older,
      onretry: actions.retry,
      onremove: actions.remove,
      onreload: actions.reload,
    });
    this.#composer = new Composer({
      onsend: (text) => {
        this.#list.toBottom();
        actions.send(text);
      },
      onedit: (text) => drafts.set(this.#shownId, text),
    });
    this.#blankAction.addEventListener("click", actions.back);
  }

  get isAtBottom() {
    return this.#list.isAtBottom;
  }

  get needsOlder() {
    return this.#list.needsOlder;
  }

  focusComposer() {
    this.#composer.focus();
  }

  /** Nothing is open: `isUnknown` when the address names a conversation that isn't ours. */
  showBlank({ isUnknown, isWaiting }) {
    this.#shownId = null;
    this.#open.hidden = true;
    this.#blank.hidden = false;
    setText(this.#blankWords, isUnknown ? words.unknownConversation : isWaiting ? "" : words.chooseConversation);
    setText(this.#blankAction, words.backToList);
    this.#blankAction.hidden = !isUnknown;
  }

  /** Shows a conversation with its timeline as the visit has it. */
  show({ conversation, timeline, visit }, now) {
    const me = this.#people.me.id;
    const title = titleOf(conversation, this.#people, me);
    this.#blank.hidden = true;
    this.#open.hidden = false;
    if (this.#shownId !== conversation.id) {
      this.#shownId = conversation.id;
      this.#list.clear();
      this.#composer.turnTo({ name: title, draft: this.#drafts.get(conversation.id) });
    }
    this.#composer.rename(title);
    this.#head.show({ title, face: faceOf(conversation, this.#people, me), members: this.#membersOf(conversation, me) });
    this.#showMessages({ conversation, timeline, visit, title, me }, now);
  }

  showJump(below) {
    this.#list.showJump(below);
  }

  #showMessages({ conversation, timeline, visit, title, me }, now) {
    const stored = timeline.isLoaded ? timeline.messages : [];
    const pending = this.#outbox.of(conversation.id).filter((item) => !timeline.has(me, item.message_id));
    const rows = rowsOf({ stored, pending, me, newFrom: visit.newFrom, dayOf: dayKey });
    const { state, sentence } = stateOf({ timeline, visit, isEmpty: rows.length === 0, title });
    const senderOf = conversation.direct ? () => null : (id) => this.#senderOf(id);
    this.#list.show({ rows, state, sentence, isLoadingOlder: visit.isLoadingOlder, senderOf, below: visit.below }, now);
  }

  #senderOf(id) {
    const name = this.#people.nameOf(id);
    return { name, face: { id, letters: initials(name) } };
  }

  /** Who is in a group; in a 1-on-1 the username, where the title is the full name. */
  #membersOf({ direct, members, title }, me) {
    if (direct) {
      const partner = this.#people.get(members.find((id) => id !== me) ?? me);
      return partner?.full_name ? partner.username : "";
    }
    const names = members.filter((id) => id !== me).map((id) => this.#people.nameOf(id));
    return title ? `${words.members(members.length)}: ${[...names, words.you].join(", ")}` : words.members(members.length);
  }
}

function stateOf({ timeline, visit, isEmpty, title }) {
  if (!timeline.isLoaded && visit.problem) return { state: "failed", sentence: `${words.loadFailed} ${visit.problem.sentence}` };
  if (!timeline.isLoaded) return { state: "loading", sentence: "" };
  if (isEmpty) return { state: "empty", sentence: words.firstMessage(title) };
  return { state: "ready", sentence: "" };
}
