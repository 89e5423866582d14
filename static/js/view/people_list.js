import { el, find, reconcile, setText } from "../util/dom.js";
import { initials } from "../util/text.js";
import { words } from "../util/words.js";
import { avatar, showFace } from "./avatar.js";

const MOST = 100;

/** The people below the conversations; one click opens the 1-on-1 with a person. */
export class PeopleList {
  #list = find("#people-list");
  #title = find("#people-title");
  #empty = find("#people-empty");

  /** `onchoose(userId)` when a person is chosen. */
  constructor({ onchoose }) {
    this.#list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-user-id]");
      if (button) onchoose(button.dataset.userId);
    });
  }

  /**
   * Shows users as the server gives them, at most a hundred: searching is quicker than
   * scrolling past that. `empty` is the sentence for nobody, or "".
   */
  show({ people, empty }) {
    const rest = people.length - MOST;
    reconcile(this.#list, people.slice(0, MOST), { key: (user) => user.id, create: personNode, update: fill });
    const sentence = rest > 0 ? words.morePeople(rest) : empty;
    this.#title.hidden = people.length === 0 && empty === "";
    this.#empty.hidden = sentence === "";
    setText(this.#empty, sentence);
  }
}

function personNode(user) {
  const parts = {
    face: avatar(),
    name: el("span", { class: "person-name", dir: "auto" }),
    username: el("span", { class: "person-username secondary", dir: "auto" }),
  };
  parts.button = el("button", { type: "button", class: "person", dataset: { userId: user.id } }, parts.face, parts.name, parts.username);
  const node = el("li", {}, parts.button);
  node.parts = parts;
  return node;
}

function fill({ parts }, user) {
  const name = user.full_name || user.username;
  showFace(parts.face, { id: user.id, letters: initials(name) });
  parts.button.dataset.username = user.username;
  setText(parts.name, name);
  setText(parts.username, user.full_name ? user.username : "");
}
