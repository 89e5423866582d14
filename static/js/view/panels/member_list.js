import { el, hiddenText, reconcile, setText } from "../../util/dom.js";
import { initials } from "../../util/text.js";
import { words } from "../../util/words.js";
import { avatar, showFace } from "../avatar.js";
import { Question } from "./question.js";

const MOST = 200;

const collator = new Intl.Collator();

/** Who is in a group: those who are here first, then by name. Owners may remove people. */
export class MemberList {
  #list = el("ul", { class: "member-list" });
  #more = el("button", { type: "button", class: "small", hidden: true, on: { click: () => this.#showAll() } });
  #isWhole = false;
  #shown = null;
  node = el("div", {}, this.#list, this.#more);
  #people;
  #presence;
  #onremove;
  #onlost;

  /** `onremove(userId)` resolves when it was tried; `onlost()` when the focus went with a row. */
  constructor({ people, presence }, { onremove, onlost }) {
    this.#people = people;
    this.#presence = presence;
    this.#onremove = onremove;
    this.#onlost = onlost;
  }

  close() {
    this.#isWhole = false;
    this.#shown = null;
    this.#list.replaceChildren();
  }

  show(group) {
    this.#shown = group;
    const { members, owners, mayRemove } = group;
    const hadFocus = this.node.contains(document.activeElement);
    const sorted = this.#sorted(members);
    const listed = this.#isWhole ? sorted : sorted.slice(0, MOST);
    reconcile(this.#list, listed, { key: (id) => id, create: (id) => this.#create(id), update: (node, id) => this.#fill(node, id, { isOwner: owners.includes(id), mayRemove }) });
    this.#more.hidden = listed.length === sorted.length;
    setText(this.#more, words.allMembers(sorted.length));
    if (hadFocus && !this.node.contains(document.activeElement)) this.#onlost();
  }

  #sorted(members) {
    const sortable = members.map((id) => ({ id, name: this.#people.nameOf(id), isAway: !this.#isHere(id) }));
    sortable.sort((a, b) => Number(a.isAway) - Number(b.isAway) || collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
    return sortable.map(({ id }) => id);
  }

  #isHere(id) {
    return id === this.#people.me.id || this.#presence.isOnline(id);
  }

  /** Those who weren't shown begin where the button was. */
  #showAll() {
    const last = this.#list.lastElementChild;
    this.#isWhole = true;
    this.show(this.#shown);
    last.tabIndex = -1;
    last.focus();
  }

  #create(id) {
    const parts = {
      face: avatar(),
      name: el("span", { class: "member-name", dir: "auto" }),
      here: hiddenText(""),
      owner: el("span", { class: "owner-mark", hidden: true }, words.owner),
      username: el("span", { class: "secondary member-username", dir: "auto" }),
      removal: new Question({ ask: words.removeMember, question: "", yes: words.removeMember, isSmall: true, onyes: () => this.#onremove(id) }),
    };
    const text = el("span", { class: "member-text" }, el("span", { class: "member-top" }, parts.name, parts.owner), parts.username, parts.here);
    const node = el("li", { class: "member" }, el("span", { class: "face-with-dot" }, parts.face), text, parts.removal.node);
    node.parts = parts;
    return node;
  }

  #fill(node, id, { isOwner, mayRemove }) {
    const { parts } = node;
    const user = this.#people.get(id);
    const name = this.#people.nameOf(id);
    const isMe = id === this.#people.me.id;
    const isOnline = this.#isHere(id);
    showFace(parts.face, { id, letters: initials(name) });
    setText(parts.name, isMe ? words.withYou(name) : name);
    setText(parts.username, user?.full_name ? user.username : "");
    setText(parts.here, isOnline ? words.onlineNow : "");
    node.classList.toggle("is-online", isOnline);
    parts.owner.hidden = !isOwner;
    parts.removal.say({ label: words.removeNamed(name), question: words.removeQuestion(name) });
    parts.removal.node.hidden = isMe || !mayRemove;
  }
}
