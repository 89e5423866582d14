import { el, hiddenText, icon, reconcile, setText } from "../../util/dom.js";
import { Alarm } from "../../util/clock.js";
import { folded, initials } from "../../util/text.js";
import { words } from "../../util/words.js";
import { avatar, showFace } from "../avatar.js";

const MOST = 100;
const SEARCH_DELAY = 250;

let pickers = 0;

/**
 * Chooses people: whoever is chosen is a chip before the search, whoever answers to it an
 * option below. Arrows move over the options, Enter takes one, Backspace gives the last back.
 */
export class PeoplePicker {
  #people;
  #presence;
  #api;
  #search;
  #chosen = new Set();
  #hidden = new Set();
  #active = null;
  #prefix = `picker-${(pickers += 1)}`;
  #chips = el("ul", { class: "chips", "aria-label": words.pickedPeople });
  #list = el("ul", { class: "picker-list", role: "listbox", id: this.#prefix, "aria-multiselectable": "true", "aria-label": words.people });
  #empty = el("p", { class: "picker-empty secondary", role: "status" });
  #input = el("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "done",
    "aria-label": words.filterPeople,
    "aria-expanded": "true",
    "aria-controls": this.#prefix,
    "aria-autocomplete": "list",
    placeholder: words.filterPeople,
  });
  node = el("div", { class: "picker" }, el("div", { class: "picker-field" }, this.#chips, this.#input), this.#list, this.#empty);

  /** `onchange()` after each choice. */
  constructor({ models: { people, presence }, net: { api }, clock }, onchange) {
    this.#people = people;
    this.#presence = presence;
    this.#api = api;
    this.#search = new Alarm(clock, () => this.#ask());
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("keydown", (event) => this.#key(event, onchange));
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", ({ target }) => {
      const option = target.closest("[data-user-id]");
      if (option) this.#toggle(option.dataset.userId, onchange);
    });
    this.#chips.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-user-id]");
      if (button) this.#toggle(button.dataset.userId, onchange);
    });
  }

  /** The ids of the chosen, in one order for one set. */
  get chosen() {
    return [...this.#chosen].sort();
  }

  /** Empty again; `hidden` are the ids of those who can't be chosen. */
  reset(hidden = []) {
    this.#chosen.clear();
    this.#hidden = new Set(hidden);
    this.#input.value = "";
    this.#active = null;
    this.draw();
  }

  /** These can't be chosen, or not any more. */
  hide(ids) {
    this.#hidden = new Set(ids);
    for (const id of ids) this.#chosen.delete(id);
    this.draw();
  }

  focus() {
    this.#input.focus();
  }

  draw() {
    const found = this.#found(this.#input.value.trim());
    const shown = found.slice(0, MOST);
    if (!shown.some(({ id }) => id === this.#active)) this.#active = this.#input.value.trim() === "" ? null : (shown.find(({ id }) => !this.#chosen.has(id))?.id ?? null);
    reconcile(this.#list, shown, { key: ({ id }) => id, create: ({ id }) => optionNode(id), update: (node, user) => this.#fillOption(node, user) });
    reconcile(this.#chips, [...this.#chosen], { key: (id) => id, create: chipNode, update: (node, id) => this.#fillChip(node, id) });
    this.#chips.hidden = this.#chosen.size === 0;
    this.#list.hidden = shown.length === 0;
    setText(this.#empty, this.#wordsFor(found.length));
    if (this.#active) this.#input.setAttribute("aria-activedescendant", this.#idOf(this.#active));
    else this.#input.removeAttribute("aria-activedescendant");
  }

  /** Those whose name begins so come before those who have it somewhere. */
  #found(query) {
    const start = folded(query);
    const begins = ({ id, username }) => [this.#people.nameOf(id), username].some((name) => folded(name).startsWith(start));
    const found = this.#people.found(query).filter(({ id }) => !this.#hidden.has(id));
    return query === "" ? found : found.sort((a, b) => Number(begins(b)) - Number(begins(a)));
  }

  #wordsFor(count) {
    if (count > MOST) return words.morePeople(count - MOST);
    return count === 0 && this.#people.isLoaded ? words.noMatches : "";
  }

  #typed() {
    this.#active = null;
    this.draw();
    if (!this.#people.isComplete && this.#input.value.trim() !== "") this.#search.set(SEARCH_DELAY);
    else this.#search.clear();
  }

  /** Where there are more people than were loaded the server is asked; without its answer the known ones are there. */
  async #ask() {
    const answer = await this.#api.users({ query: this.#input.value.trim() }).catch(() => null);
    if (answer) this.#people.add(answer.users);
  }

  #key(event, onchange) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#move(step);
    else if (event.key === "Enter" && (this.#active || this.#input.value.trim() !== "")) this.#active && this.#toggle(this.#active, onchange);
    else if (event.key === "Backspace" && this.#input.value === "" && this.#chosen.size > 0) this.#toggle([...this.#chosen].at(-1), onchange);
    else return;
    event.preventDefault();
  }

  #move(step) {
    const ids = [...this.#list.children].map((node) => node.dataset.userId);
    const at = ids.indexOf(this.#active);
    this.#active = ids.at(at < 0 && step < 0 ? -1 : (at + step) % ids.length) ?? null;
    this.draw();
    this.#list.querySelector(".is-active")?.scrollIntoView({ block: "nearest" });
  }

  #toggle(id, onchange) {
    if (!this.#chosen.delete(id)) this.#chosen.add(id);
    if (this.#input.value !== "") this.#active = null;
    this.#input.value = "";
    this.draw();
    this.#input.focus();
    onchange();
  }

  #fillOption(node, user) {
    const { parts } = node;
    const name = this.#people.nameOf(user.id);
    showFace(parts.face, { id: user.id, letters: initials(name) });
    setText(parts.name, name);
    setText(parts.username, user.full_name ? user.username : "");
    setText(parts.here, this.#presence.isOnline(user.id) ? words.onlineNow : "");
    node.id = this.#idOf(user.id);
    node.classList.toggle("is-active", user.id === this.#active);
    node.classList.toggle("is-online", this.#presence.isOnline(user.id));
    node.setAttribute("aria-selected", String(this.#chosen.has(user.id)));
  }

  #fillChip({ parts }, id) {
    const name = this.#people.nameOf(id);
    setText(parts.name, name);
    parts.button.title = words.unpick(name);
    parts.button.setAttribute("aria-label", words.unpick(name));
  }

  #idOf(userId) {
    return `${this.#prefix}-${userId}`;
  }
}

function optionNode(id) {
  const parts = {
    face: avatar(),
    name: el("span", { class: "picker-name", dir: "auto" }),
    username: el("span", { class: "picker-username secondary", dir: "auto" }),
    here: hiddenText(""),
  };
  const face = el("span", { class: "face-with-dot" }, parts.face);
  const text = el("span", { class: "picker-text" }, parts.name, parts.username, parts.here);
  const node = el("li", { role: "option", class: "picker-option", dataset: { userId: id } }, face, text, el("span", { class: "picker-mark" }, icon("tick")));
  node.parts = parts;
  return node;
}

function chipNode(id) {
  const parts = { name: el("span", { dir: "auto" }), button: el("button", { type: "button", dataset: { userId: id } }, icon("close")) };
  const node = el("li", { class: "chip" }, parts.name, parts.button);
  node.parts = parts;
  return node;
}
