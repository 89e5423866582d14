import { el, find, reconcile, setText } from "../util/dom.js";
import { initials } from "../util/text.js";
import { words } from "../util/words.js";
import { avatar, dotted, showDot, showFace } from "./avatar.js";

const MOST = 100;

/** The people below the conversations; one click opens the 1-on-1 with a person. */
export class PeopleList {
  #list = find("#people-list");
  #title = find("#people-title");
  #empty = find("#people-empty");
  #copy = find("#copy-address");

  /** `onchoose(userId)` when a person is chosen. */
  constructor({ onchoose }) {
    this.#list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-user-id]");
      if (button) onchoose(button.dataset.userId);
    });
    this.#copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(location.origin);
      setText(this.#copy, words.copied);
    });
  }

  /**
   * Shows users as the server gives them, at most a hundred: searching is quicker than
   * scrolling past that. `empty` is the sentence for nobody, or ""; `isAlone` when nobody
   * else has signed up at all.
   */
  show({ people, isOnline, isAlone, empty }) {
    const rest = people.length - MOST;
    reconcile(this.#list, people.slice(0, MOST), { key: (user) => user.id, create: personNode, update: (node, user) => fill(node, user, isOnline(user.id)) });
    const sentence = rest > 0 ? words.morePeople(rest) : empty;
    this.#title.hidden = people.length === 0;
    this.#empty.hidden = sentence === "";
    setText(this.#empty, sentence);
    this.#copy.hidden = !isAlone || !navigator.clipboard;
  }
}

function personNode(user) {
  const parts = {
    face: avatar(),
    name: el("span", { class: "person-name", dir: "auto" }),
    username: el("span", { class: "person-username secondary", dir: "auto" }),
  };
  parts.dotted = dotted(parts.face);
  parts.button = el("button", { type: "button", class: "person", dataset: { userId: user.id } }, parts.dotted, parts.name, parts.username);
  const node = el("li", {}, parts.button);
  node.parts = parts;
  return node;
}

function fill(node, user, isOnline) {
  const { parts } = node;
  const looks = [user.username, user.full_name, isOnline].join("\n");
  if (node.looks === looks) return;
  node.looks = looks;
  const name = user.full_name || user.username;
  showFace(parts.face, { id: user.id, letters: initials(name) });
  showDot(parts.dotted, isOnline);
  parts.button.dataset.username = user.username;
  setText(parts.name, name);
  setText(parts.username, user.full_name ? user.username : "");
}
