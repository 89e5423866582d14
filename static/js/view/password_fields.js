import { find, setText } from "../util/dom.js";
import { strengthOf } from "../model/credentials.js";
import { words } from "../util/words.js";

/**
 * What helps with typing a password: a button that shows it, and where a new one is made,
 * how strong it is and whether the repetition agrees. A password that can be seen needn't
 * be repeated.
 */
export class PasswordFields {
  #form;
  #password;
  #repeat;
  #button;
  #strength;
  #isTold = false;

  /** The form has `password`, perhaps `repeat`, a `.reveal` button and perhaps a `.strength`. */
  constructor(form) {
    const { password, repeat } = form.elements;
    this.#form = form;
    this.#password = password;
    this.#repeat = repeat;
    this.#button = find(".reveal", form);
    this.#strength = form.querySelector(".strength");
    this.#button.addEventListener("click", () => this.#reveal(password.type === "password"));
    form.addEventListener("input", ({ target }) => this.#typed(target));
    form.addEventListener("focusout", ({ target }) => this.#left(target));
    form.addEventListener("submit", () => this.#reveal(false, true));
    this.#reveal(false);
  }

  /** An emptied form starts anew. */
  reset() {
    this.#form.reset();
    this.#reveal(false);
    this.#showStrength();
  }

  /** Sent passwords are dots, or some browsers don't offer to keep them. */
  #reveal(isShown, isSent = false) {
    const type = isShown ? "text" : "password";
    for (const name of ["current", "password", "repeat"]) if (this.#form.elements[name]) this.#form.elements[name].type = type;
    setText(this.#button, isShown ? words.hidePassword : words.showPassword);
    this.#button.setAttribute("aria-pressed", String(isShown));
    if (this.#repeat && !isSent) this.#repeat.closest(".field").hidden = isShown;
  }

  #typed(target) {
    if (this.#repeat && target === this.#password && target.type === "password") this.#repeat.closest(".field").hidden = false;
    if (target === this.#password || target.name === "username") this.#showStrength();
    if (this.#isTold) this.#compare();
  }

  /** Only who has finished repeating is told of a difference. */
  #left(target) {
    if (target !== this.#repeat || target.value === "") return;
    this.#isTold = true;
    this.#compare();
  }

  #compare() {
    const note = find('[data-error-for="repeat"]', this.#form);
    const differs = this.#repeat.value !== "" && this.#repeat.value !== this.#password.value;
    setText(note, differs ? words.passwordsDiffer : "");
    note.hidden = !differs;
    if (differs) this.#repeat.setAttribute("aria-invalid", "true");
    else this.#repeat.removeAttribute("aria-invalid");
  }

  #showStrength() {
    if (!this.#strength) return;
    const { value } = this.#password;
    const strength = strengthOf(value, this.#form.elements.username?.value);
    this.#strength.hidden = value === "";
    find("meter", this.#strength).value = strength;
    setText(find("[role=status]", this.#strength), value === "" ? "" : words.strengths[strength]);
  }
}
