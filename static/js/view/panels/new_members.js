import { el } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { PeoplePicker } from "./people_picker.js";

/** Puts more people into a group. */
export class NewMembers {
  #picker;
  #members = [];
  #open = el("button", { type: "button", on: { click: () => this.#start() } }, words.addPeople);
  #add = el("button", { type: "button", class: "primary" }, words.add);
  #area;
  node;

  /** `onadd(ids)` gives true when they are in. */
  constructor(context, { onadd }) {
    this.#picker = new PeoplePicker(context, () => this.#changed());
    this.#add.addEventListener("click", () => this.#submit(onadd));
    const cancel = el("button", { type: "button", on: { click: () => this.#finish() } }, words.cancel);
    this.#area = el("div", { class: "new-members-area", hidden: true }, this.#picker.node, el("div", { class: "panel-actions" }, cancel, this.#add));
    this.node = el("div", { class: "new-members" }, this.#open, this.#area);
    this.#area.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.#finish();
    });
  }

  show(members, mayAdd) {
    this.#members = members;
    this.node.hidden = !mayAdd;
    if (this.#area.hidden) return;
    this.#picker.hide(members);
    this.#changed();
  }

  close() {
    this.#area.hidden = true;
    this.#open.hidden = false;
  }

  #start() {
    this.#area.hidden = false;
    this.#open.hidden = true;
    this.#picker.reset(this.#members);
    this.#changed();
    this.#picker.focus();
  }

  #finish() {
    this.close();
    this.#open.focus();
  }

  #changed() {
    this.#add.disabled = this.#picker.chosen.length === 0;
  }

  async #submit(onadd) {
    this.#add.disabled = true;
    const isDone = await onadd(this.#picker.chosen);
    if (isDone && !this.#area.hidden) return this.#finish();
    this.#changed();
    this.#picker.focus();
  }
}
