import { el, setText } from "../../util/dom.js";
import { fullTime } from "../../util/time.js";
import { words } from "../../util/words.js";
import { CHOICES } from "../../model/preferences.js";

/** Colours, size and the language of dates; what is chosen holds at once. */
export class LookSettings {
  #preferences;
  #clock;
  #theme;
  #textSize;
  #language;
  #example = el("p", { class: "field-hint", id: "date-example" });
  node;

  constructor(preferences, clock) {
    this.#preferences = preferences;
    this.#clock = clock;
    this.#theme = this.#radios("theme", words.theme, words.themes);
    this.#textSize = this.#radios("textSize", words.textSize, words.textSizes);
    this.#language = el("select", { id: "settings-language", "aria-describedby": "date-example", on: { change: ({ target }) => preferences.set("language", target.value) } });
    this.#language.append(...CHOICES.language.map((tag) => el("option", { value: tag }, tag ? ownName(tag) : words.browserLanguage)));
    const language = el("div", { class: "field" }, el("label", { for: "settings-language" }, words.language), this.#language, this.#example);
    this.node = el("section", {}, el("h3", {}, words.look), this.#theme, this.#textSize, language);
  }

  open() {
    this.draw();
  }

  close() {}

  draw() {
    for (const set of [this.#theme, this.#textSize]) for (const input of set.querySelectorAll("input")) input.checked = input.value === this.#preferences.get(input.name);
    const language = this.#preferences.get("language");
    this.#language.value = language;
    setText(this.#example, words.dateExample(fullTime(new Date(this.#clock.now()), language ? { locale: language } : {})));
  }

  #radios(name, legend, labels) {
    const choices = Object.entries(labels).map(([value, label]) => el("label", {}, el("input", { type: "radio", name, value }), el("span", {}, label)));
    const onchange = ({ target }) => this.#preferences.set(name, target.value);
    return el("fieldset", { class: "field", on: { change: onchange } }, el("legend", {}, legend), el("div", { class: "segments" }, ...choices));
  }
}

/** A language as those who speak it call it. */
function ownName(tag) {
  const name = new Intl.DisplayNames(tag, { type: "language", fallback: "code" }).of(tag);
  return name[0].toLocaleUpperCase(tag) + name.slice(1);
}
