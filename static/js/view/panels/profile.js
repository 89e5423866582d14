import { el, setText } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { profileFaults } from "../../model/credentials.js";
import { initials } from "../../util/text.js";
import { avatar, showFace } from "../avatar.js";
import { CredentialsForm } from "../credentials_form.js";
import { field } from "./field.js";

/** How others see this person. */
export class Profile {
  #people;
  #face = avatar();
  #name = field({ name: "full_name", label: words.profileName, hint: words.fullNameHint, autocomplete: "name" });
  #done = el("p", { class: "secondary", role: "status" });
  #form = el("form", { method: "post", novalidate: true }, this.#name.node, el("p", { class: "form-error", role: "alert" }), el("div", { class: "panel-actions" }, this.#done, el("button", { type: "submit" }, words.save)));
  node;

  constructor({ models: { people }, net: { api } }) {
    this.#people = people;
    const username = el("div", { hidden: Boolean(people.me.is_guest) }, el("p", { class: "secondary" }, words.username), el("strong", { dir: "auto" }, people.me.username));
    const who = el("div", { class: "profile-head" }, this.#face, username);
    this.node = el("section", {}, el("h3", {}, words.profile), who, this.#form);
    this.#form.addEventListener("input", () => setText(this.#done, ""));
    new CredentialsForm(this.#form, {
      busy: words.saving,
      faultsOf: ({ full_name: fullName }) => profileFaults({ fullName }),
      onsubmit: async ({ full_name: fullName }) => {
        const { id, username, full_name: name } = await api.updateMe({ fullName: fullName.trim() || null });
        people.add([{ id, username, full_name: name }]);
        this.#name.input.value = name ?? "";
        this.draw();
        setText(this.#done, words.saved);
      },
    });
  }

  open() {
    this.#name.input.value = this.#people.get(this.#people.me.id).full_name ?? "";
    setText(this.#done, "");
    this.draw();
  }

  close() {}

  draw() {
    const { id } = this.#people.me;
    showFace(this.#face, { id, letters: initials(this.#people.nameOf(id)) });
  }
}
