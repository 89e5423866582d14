import { find, setText } from "../util/dom.js";
import { refusedFields } from "../model/credentials.js";

/**
 * A form with named fields: checks them, sends them once at a time, and shows what went
 * wrong beside the field (`data-error-for`) or, where it is about none, in its alert.
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
   * `Problem`; `busy` is the button's word meanwhile. Values go by the names of the fields.
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
    const values = Object.fromEntries(this.#inputs().map(({ name, value }) => [name, value]));
    setText(this.#alert, "");
    const faults = this.#faultsOf(values);
    this.#showFaults(faults);
    if (faults.length > 0) return;
    this.#setBusy(true);
    try {
      await this.#onsubmit(values);
      this.#setBusy(false);
      this.#button.focus();
    } catch (problem) {
      this.#setBusy(false);
      this.#showProblem(problem);
    }
  }

  #showProblem(problem) {
    const names = new Set(this.#inputs().map(({ name }) => name));
    const faults = refusedFields(problem).filter(({ field }) => names.has(field));
    this.#showFaults(faults);
    if (faults.length > 0) return;
    setText(this.#alert, problem.sentence);
    this.#focusAfter(problem);
  }

  #setBusy(isBusy) {
    this.#button.disabled = isBusy;
    setText(this.#button, isBusy ? this.#busy : this.#idle);
  }

  /** Focus was on the button that was disabled meanwhile; it goes to what is to be mended. */
  #focusAfter({ loginNeeded }) {
    const [first] = this.#inputs();
    const field = (loginNeeded && this.#form.elements.password) || first;
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
    const note = this.#form.querySelector(`[data-error-for="${input.name}"]`);
    if (!note) return;
    setText(note, message);
    note.hidden = message === "";
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  /** What is hidden isn't asked for. */
  #inputs() {
    return [...this.#form.elements].filter((element) => element.tagName === "INPUT" && element.name && !element.closest("[hidden]"));
  }
}
