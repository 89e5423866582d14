import { el, setText } from "../../util/dom.js";
import { codePoints } from "../../util/text.js";
import { uuid } from "../../util/uuid.js";
import { words } from "../../util/words.js";
import { Panel } from "./panel.js";
import { PeoplePicker } from "./people_picker.js";

const LONGEST_TITLE = 200;
const FEWEST = 2;

/** Makes a group of people who are chosen by name. */
export class NewGroup {
  #models;
  #api;
  #chat;
  #panel = new Panel({ name: "new-group", title: words.newGroup, onclose: () => this.#closed() });
  #title = el("input", { id: "group-title", autocomplete: "off" });
  #count = el("p", { class: "secondary", role: "status" });
  #error = el("p", { class: "form-error", role: "alert" });
  #form;
  #picker;
  #ends = [];
  #isBusy = false;
  #wish = { text: "", key: "" };

  constructor(context) {
    this.#models = context.models;
    this.#api = context.net.api;
    this.#chat = context.chat;
    this.#picker = new PeoplePicker(context, () => this.#changed());
    this.#form = el(
      "form",
      { method: "dialog", on: { submit: (event) => this.#submit(event) } },
      el("div", { class: "field" }, el("label", { for: "group-title" }, words.groupTitle), this.#title),
      el("fieldset", {}, el("legend", {}, words.groupPeople), this.#picker.node),
      this.#error,
      el("div", { class: "panel-actions" }, this.#count, el("button", { type: "button", on: { click: () => this.#panel.close() } }, words.cancel), el("button", { type: "submit", class: "primary" }, words.create)),
    );
    this.#panel.body.append(this.#form);
  }

  async open() {
    if (this.#panel.isOpen) return;
    this.#form.reset();
    this.#picker.reset();
    this.#changed();
    const { people, presence } = this.#models;
    this.#ends = [people, presence].map(({ changed }) => changed.listen(() => this.#picker.draw()));
    await this.#panel.open();
    this.#title.focus();
  }

  #closed() {
    for (const end of this.#ends) end();
  }

  #changed() {
    const { length } = this.#picker.chosen;
    setText(this.#count, length > 0 ? words.picked(length) : "");
    setText(this.#error, "");
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#isBusy) return;
    const title = this.#title.value.trim();
    const memberIds = this.#picker.chosen;
    if (codePoints(title) > LONGEST_TITLE) return this.#refuse(words.titleTooLong, this.#title);
    if (memberIds.length < FEWEST) return this.#refuse(words.pickTwo, this.#picker);
    this.#isBusy = true;
    setText(this.#error, "");
    try {
      const conversation = await this.#api.createConversation({ title, memberIds, key: this.#keyOf(title, memberIds) });
      this.#wish = { text: "", key: "" };
      await this.#panel.close();
      this.#chat.enter(conversation);
    } catch (problem) {
      setText(this.#error, problem.sentence);
    } finally {
      this.#isBusy = false;
    }
  }

  #refuse(sentence, place) {
    setText(this.#error, sentence);
    place.focus();
  }

  /** The same wish keeps its key, so that trying again after a lost answer makes one group. */
  #keyOf(title, memberIds) {
    const text = JSON.stringify([title, memberIds]);
    if (this.#wish.text !== text) this.#wish = { text, key: uuid() };
    return this.#wish.key;
  }
}
