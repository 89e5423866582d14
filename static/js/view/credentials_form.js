import { find, setText } from "../util/dom.js";

/**
 * A form of the first page: checks its fields, sends them once at a time, and shows what
 * went wrong beside the field and in its alert.
 */
export class CredentialsForm {
  #form;
  #button;
  #alert;
  #idle;
  #busy;
  #faultsOf;
  #onsubmit;

  /**
   * `faultsOf(values)` gives `[{field, message}]`; `onsubmit(values)` rejects with a
   * `Problem`; `busy` is the button's word meanwhile.
   */
  constructor(form, { busy, faultsOf, onsubmit }) {
    this.#form = form;
    this.#button = find("[type=submit]", form);
    this.#alert = find("[role=alert]", form);
    this.#idle = this.#button.textContent;
    this.#busy = busy;
    this.#faultsOf = faultsOf;
    this.#onsubmit = onsubmit;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    form.addEventListener("input", ({ target }) => this.#showFault(target, ""));
  }

  async #submit() {
    if (this.#button.disabled) return;
    const values = this.#values();
    setText(this.#alert, "");
    const faults = this.#faultsOf(values);
    this.#showFaults(faults);
    if (faults.length > 0) return;
    this.#setBusy(true);
    try {
      await this.#onsubmit(values);
    } catch (problem) {
      this.#setBusy(false);
      this.#showFaults(problem.fields);
      setText(this.#alert, problem.sentence);
      this.#focusAfter(problem);
    }
  }

  #values() {
    const { username, password, full_name: fullName } = this.#form.elements;
    return { username: username.value, password: password.value, fullName: fullName?.value.trim() ?? "" };
  }

  #setBusy(isBusy) {
    this.#button.disabled = isBusy;
    setText(this.#button, isBusy ? this.#busy : this.#idle);
  }

  /** Focus was on the button that has just been disabled; it goes to what is to be mended. */
  #focusAfter({ fields, loginNeeded }) {
    if (fields.length > 0) return;
    const { username, password } = this.#form.elements;
    const field = loginNeeded ? password : username;
    field.focus();
    field.select();
  }

  #showFaults(faults) {
    let first = null;
    for (const input of this.#inputs()) {
      const message = faults.filter(({ field }) => field === input.name).map((fault) => fault.message).join(" ");
      this.#showFault(input, message);
      if (message) first ??= input;
    }
    first?.focus();
  }

  #showFault(input, message) {
    const note = find(`[data-error-for="${input.name}"]`, this.#form);
    setText(note, message);
    note.hidden = message === "";
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  #inputs() {
    return [...this.#form.elements].filter((element) => element.tagName === "INPUT");
  }
}

