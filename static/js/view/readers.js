import { el } from "../util/dom.js";
import { words } from "../util/words.js";
import { avatar, showFace } from "./avatar.js";
import { Popover } from "./popover.js";

/** Who has read a message, beside its mark. */
export class Readers {
  #popover = new Popover({ name: "readers", label: words.readBy });

  /** Opens or closes it; `people` are `{name, face}`. */
  toggle(anchor, people) {
    if (this.#popover.isOpen) return this.#popover.close();
    const entries = people.map(({ name, face }) => {
      const node = avatar();
      showFace(node, face);
      return el("li", { class: "reader" }, node, el("span", { class: "person-name", dir: "auto" }, name));
    });
    return this.#popover.open(anchor, [el("h2", { class: "list-title" }, words.readBy), el("ul", {}, ...entries)]);
  }
}
