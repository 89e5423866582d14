import { find } from "../util/dom.js";
import { gist } from "../util/rich.js";
import { initials, oneLine } from "../util/text.js";
import { useDatesOf } from "../util/time.js";
import { words } from "../util/words.js";
import { faceOf, found, partnerIn, titleOf } from "../model/conversations.js";
import { avatar, showFace } from "./avatar.js";
import { ConversationList } from "./conversation_list.js";
import { PeopleList } from "./people_list.js";
import { SearchKeys } from "./search_keys.js";

/** The first area: me, the search, conversations and people. */
export class Sidebar {
  #models;
  #search = find("#search");
  #face = avatar();
  #name = find("#me");
  #conversationsTitle = find("#conversations-title");
  #conversationList;
  #peopleList;
  #onsearch;
  #order = [];

  /**
   * Reads the models it is given. `onopen(id)`, `onperson(userId)`, and `onsearch(text)`
   * after each change of the search.
   */
  constructor({ models, onopen, onperson, onsearch }) {
    this.#models = models;
    this.#onsearch = onsearch;
    const chosen = (act) => (id) => {
      this.#clear();
      act(id);
    };
    this.#conversationList = new ConversationList({ onopen: chosen(onopen) });
    this.#peopleList = new PeopleList({ onchoose: chosen(onperson) });
    this.#search.addEventListener("input", () => onsearch(this.#search.value));
    new SearchKeys({ search: this.#search, lists: find(".lists"), onclear: () => this.#clear() });
    find("#my-face").append(this.#face);
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
    const { people, conversations, preferences } = this.#models;
    const query = this.#search.value;
    const { me } = people;
    useDatesOf(preferences.get("language"));
    const listed = found(conversations.sorted(), people, me.id, query);
    const persons = this.#hereFirst(people.found(query));
    this.#order = listed.map(({ id }) => id);
    this.#showMe(people.nameOf(me.id), me.id);
    const hasNone = conversations.isLoaded && conversations.all.length === 0 && persons.length > 0;
    this.#conversationsTitle.hidden = query.trim() === "" || listed.length === 0;
    this.#conversationList.show({
      entries: listed.map((conversation) => this.#entryOf(conversation, me.id, openId)),
      openId,
      isWaiting: !conversations.isLoaded,
      empty: hasNone && query === "" ? words.noConversations : "",
    }, now);
    const isAlone = people.isLoaded && persons.length === 0 && query.trim() === "";
    this.#peopleList.show({
      people: persons,
      isOnline: (id) => this.#models.presence.isOnline(id),
      isAlone,
      empty: isAlone ? words.nobodyHere : people.isLoaded && persons.length + listed.length === 0 ? words.noMatches : "",
    });
  }

  #clear() {
    if (this.#search.value === "") return;
    this.#search.value = "";
    this.#onsearch("");
  }

  #showMe(name, id) {
    showFace(this.#face, { id, letters: initials(name) });
    if (this.#name.textContent !== name) this.#name.textContent = name;
  }

  #hereFirst(people) {
    const { presence } = this.#models;
    const here = people.filter(({ id }) => presence.isOnline(id));
    return here.length > 0 ? [...here, ...people.filter(({ id }) => !presence.isOnline(id))] : people;
  }

  #entryOf(conversation, me, openId) {
    const { people, conversations, presence, preferences } = this.#models;
    const { id, last_message_at: last, created_at: created } = conversation;
    const partner = partnerIn(conversation, me);
    return {
      id,
      title: titleOf(conversation, people, me),
      face: faceOf(conversation, people, me),
      ...this.#previewOf(conversation, me, openId),
      moment: last ?? created,
      language: preferences.get("language"),
      unread: conversations.unread(id),
      isOnline: partner !== null && partner !== me && presence.isOnline(partner),
      isMuted: preferences.isMuted(id),
    };
  }

  /** `{kind, prefix, text}` of the line below the title; `kind` is "draft", "typing" or "". */
  #previewOf({ id, direct, last_message: message }, me, openId) {
    const { people, outbox, drafts, typing } = this.#models;
    const plain = (text) => ({ kind: "", prefix: "", text });
    const writer = typing.in(id).find((user) => user !== me);
    if (writer) return { kind: "typing", prefix: direct ? words.typing : words.nameTyping(people.nameOf(writer)), text: "" };
    const draft = id === openId ? "" : drafts.get(id);
    if (draft) return { kind: "draft", prefix: words.draft, text: ` ${oneLine(draft)}` };
    const waiting = outbox.of(id).at(-1);
    if (waiting) return plain(words.yourPreview(gist(waiting.content)));
    if (!message) return plain(words.noMessagesYet);
    const text = gist(message.content);
    if (message.sender_id === me) return plain(words.yourPreview(text));
    return plain(direct ? text : words.senderPreview(people.nameOf(message.sender_id), text));
  }
}
