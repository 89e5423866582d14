import { el, setText } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { passwordFaults } from "../../model/credentials.js";
import { CredentialsForm } from "../credentials_form.js";
import { PasswordFields } from "../password_fields.js";
import { field } from "./field.js";

const SECRET = { type: "password", autocapitalize: "none", spellcheck: "false", required: true };

/** Sets another password. */
export class PasswordSettings {
  #fields;
  #done = el("p", { class: "secondary", role: "status" });
  node;

  /** `onchanged()` when it is set: by then the other logins have ended. */
  constructor({ api, username, onchanged }) {
    const form = formNode(username, this.#done);
    this.node = el("section", {}, el("h3", {}, words.changePassword), form);
    this.#fields = new PasswordFields(form);
    form.addEventListener("input", () => setText(this.#done, ""));
    new CredentialsForm(form, {
      busy: words.saving,
      faultsOf: passwordFaults,
      onsubmit: async ({ current, password }) => {
        await api.changePassword({ current, next: password });
        this.#fields.reset();
        setText(this.#done, words.passwordChanged);
        onchanged();
      },
    });
  }

  open() {
    setText(this.#done, "");
  }

  /** Passwords don't stay in a page that nobody looks at. */
  close() {
    this.#fields.reset();
  }

  draw() {}
}

function formNode(username, done) {
  const current = field({ name: "current", label: words.currentPassword, autocomplete: "current-password", ...SECRET });
  const next = field({ name: "password", label: words.newPassword, hint: words.passwordHint, autocomplete: "new-password", ...SECRET });
  const repeat = field({ name: "repeat", label: words.repeatPassword, autocomplete: "new-password", ...SECRET });
  const reveal = el("button", { type: "button", class: "reveal", "aria-controls": [current, next, repeat].map(({ input }) => input.id).join(" ") });
  const meter = el("meter", { min: 0, max: 3, low: 1.5, high: 2.5, optimum: 3, "aria-label": words.strength });
  const row = el("div", { class: "with-button" });
  next.input.replaceWith(row);
  row.append(next.input, reveal);
  next.node.querySelector(".field-hint").after(el("div", { class: "strength", hidden: true }, meter, el("p", { class: "field-hint", role: "status" })));
  return el(
    "form",
    { method: "post", novalidate: true },
    el("input", { type: "text", name: "username", value: username, autocomplete: "username", readonly: true, hidden: true }),
    current.node,
    next.node,
    repeat.node,
    el("p", { class: "secondary" }, words.passwordNote),
    el("p", { class: "form-error", role: "alert" }),
    el("div", { class: "panel-actions" }, done, el("button", { type: "submit" }, words.changePassword)),
  );
}
