import { el, find, reconcile, setText } from "../util/dom.js";
import { codePoints, initials } from "../util/text.js";
import { words } from "../util/words.js";
import { uuid } from "../util/uuid.js";
import { avatar, showFace } from "./avatar.js";

const LONGEST_TITLE = 200;
const FEWEST = 2;

/** The dialog that makes a group. */
export class NewGroup {
  #dialog = find("#new-group-dialog");
  #form = find("#new-group-form");
  #title = find("#group-title");
  #filter = find("#group-filter");
  #list = find("#group-people");
  #count = find("#group-count");
  #error = find("#group-error");
  #create = find("#group-create");
  #people;
  #oncreate;
  #onmade;
  #chosen = new Set();
  #wish = { text: "", key: "" };

  /**
   * `people` is the model; `oncreate({title, memberIds, key})` makes the group or rejects
   * with a `Problem`; `onmade(conversation)` once the dialog is gone, and with it its claim
   * on the focus; `onfilter(text)` while searching.
   */
  constructor({ people, oncreate, onmade, onfilter }) {
    this.#people = people;
    this.#oncreate = oncreate;
    this.#onmade = onmade;
    people.changed.listen(() => this.#showPeople());
    this.#filter.addEventListener("input", () => {
      onfilter(this.#filter.value);
      this.#showPeople();
    });
    this.#filter.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    this.#list.addEventListener("change", ({ target }) => this.#choose(target.value, target.checked));
    find("#group-cancel").addEventListener("click", () => this.#dialog.close());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  open() {
    this.#form.reset();
    this.#chosen.clear();
    this.#say("");
    this.#dialog.showModal();
    this.#showPeople();
    this.#showCount();
    this.#title.focus();
  }

  #choose(id, isChosen) {
    if (isChosen) this.#chosen.add(id);
    else this.#chosen.delete(id);
    this.#say("");
    this.#showCount();
  }

  async #submit() {
    const title = this.#title.value.trim();
    if (codePoints(title) > LONGEST_TITLE) return this.#say(words.titleTooLong);
    if (this.#chosen.size < FEWEST) return this.#say(words.pickTwo);
    const memberIds = [...this.#chosen].sort();
    this.#create.disabled = true;
    this.#say("");
    try {
      const conversation = await this.#oncreate({ title, memberIds, key: this.#keyOf(title, memberIds) });
      this.#wish = { text: "", key: "" };
      this.#dialog.close();
      this.#onmade(conversation);
    } catch (problem) {
      this.#say(problem.sentence);
    } finally {
      this.#create.disabled = false;
    }
  }

  /** The same wish keeps its key, so that trying again after a lost answer makes one group. */
  #keyOf(title, memberIds) {
    const text = JSON.stringify([title, memberIds]);
    if (this.#wish.text !== text) this.#wish = { text, key: uuid() };
    return this.#wish.key;
  }

  #showPeople() {
    if (!this.#dialog.open) return;
    reconcile(this.#list, this.#people.found(this.#filter.value), {
      key: (user) => user.id,
      create: choiceNode,
      update: (node, user) => {
        const name = this.#people.nameOf(user.id);
        showFace(node.parts.face, { id: user.id, letters: initials(name) });
        setText(node.parts.name, name);
        setText(node.parts.username, user.full_name ? user.username : "");
        node.parts.box.checked = this.#chosen.has(user.id);
      },
    });
  }

  #showCount() {
    setText(this.#count, this.#chosen.size > 0 ? words.picked(this.#chosen.size) : "");
  }

  #say(sentence) {
    setText(this.#error, sentence);
  }
}

function choiceNode(user) {
  const parts = {
    box: el("input", { type: "checkbox", value: user.id }),
    face: avatar(),
    name: el("span", { class: "person-name", dir: "auto" }),
    username: el("span", { class: "person-username secondary", dir: "auto" }),
  };
  const node = el("li", {}, el("label", { class: "choice" }, parts.box, parts.face, parts.name, parts.username));
  node.parts = parts;
  return node;
}
