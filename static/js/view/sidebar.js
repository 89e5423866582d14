import { find } from "../util/dom.js";
import { oneLine } from "../util/text.js";
import { words } from "../util/words.js";
import { faceOf, found, titleOf } from "../model/conversations.js";
import { ConversationList } from "./conversation_list.js";
import { PeopleList } from "./people_list.js";

/** The first area: my name, the search, conversations and people. */
export class Sidebar {
  #people;
  #conversations;
  #outbox;
  #drafts;
  #search = find("#search");
  #conversationList;
  #peopleList;
  #onopen;
  #onperson;
  #order = [];

  /**
   * Reads the models it is given. `onopen(id)`, `onperson(userId)`, and `onsearch(text)`
   * after each change of the search.
   */
  constructor({ people, conversations, outbox, drafts, onopen, onperson, onsearch }) {
    this.#people = people;
    this.#conversations = conversations;
    this.#outbox = outbox;
    this.#drafts = drafts;
    this.#onopen = onopen;
    this.#onperson = onperson;
    const chosen = (act) => (id) => {
      this.#search.value = "";
      onsearch("");
      act(id);
    };
    this.#conversationList = new ConversationList({ onopen: chosen(onopen) });
    this.#peopleList = new PeopleList({ onchoose: chosen(onperson) });
    this.#search.addEventListener("input", () => onsearch(this.#search.value));
    this.#search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#openFirst(chosen);
    });
    find("#me").textContent = people.me.username;
  }

  focusSearch() {
    this.#search.focus();
    this.#search.select();
  }

  /** After going back, the keyboard is where it came from. */
  focusEntry(id) {
    (document.querySelector(`.entry[data-conversation-id="${CSS.escape(id)}"]`) ?? this.#search).focus();
  }

  /** The conversation above or below the open one, as the list shows them, or null. */
  beside(openId, step) {
    if (this.#order.length === 0) return null;
    const at = this.#order.indexOf(openId);
    if (at < 0) return this.#order[step > 0 ? 0 : this.#order.length - 1];
    return this.#order[at + step] ?? null;
  }

  show(openId, now) {
    const query = this.#search.value;
    const me = this.#people.me.id;
    const listed = found(this.#conversations.sorted(), this.#people, me, query);
    const people = this.#people.found(query);
    this.#order = listed.map(({ id }) => id);
    const entries = listed.map((conversation) => this.#entryOf(conversation, me, openId));
    const hasNone = this.#conversations.isLoaded && this.#conversations.all.length === 0 && people.length > 0;
    this.#conversationList.show({ entries, openId, empty: hasNone && query === "" ? words.noConversations : "" }, now);
    this.#peopleList.show({ people, empty: this.#emptyWords(query, listed, people) });
  }

  #emptyWords(query, listed, people) {
    if (people.length > 0 || !this.#people.isLoaded) return "";
    if (query.trim() === "") return words.nobodyHere;
    return listed.length === 0 ? words.noMatches : "";
  }

  #entryOf(conversation, me, openId) {
    const { id, last_message_at: last, created_at: created } = conversation;
    return {
      id,
      title: titleOf(conversation, this.#people, me),
      face: faceOf(conversation, this.#people, me),
      preview: this.#previewOf(conversation, me, openId),
      date: new Date(last ?? created),
      unread: this.#conversations.unread(id),
    };
  }

  #previewOf({ id, direct, last_message: message }, me, openId) {
    const plain = (text) => ({ prefix: "", text, isDraft: false });
    const draft = id === openId ? "" : this.#drafts.get(id);
    if (draft) return { prefix: words.draft, text: ` ${oneLine(draft)}`, isDraft: true };
    const waiting = this.#outbox.of(id).at(-1);
    if (waiting) return plain(words.yourPreview(oneLine(waiting.content)));
    if (!message) return plain(words.noMessagesYet);
    const text = oneLine(message.content);
    if (message.sender_id === me) return plain(words.yourPreview(text));
    return plain(direct ? text : words.senderPreview(this.#people.nameOf(message.sender_id), text));
  }

  #openFirst(chosen) {
    const [id] = this.#order;
    const [person] = this.#people.found(this.#search.value);
    if (this.#search.value.trim() === "") return;
    if (id) chosen(this.#onopen)(id);
    else if (person) chosen(this.#onperson)(person.id);
  }
}
