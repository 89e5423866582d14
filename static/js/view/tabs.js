/**
 * Tabs by the usual keyboard rules: one tab stop, arrows move and choose. Each tab names
 * its panel with `aria-controls`.
 */
export class Tabs {
  #tabs;

  constructor(list) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    list.addEventListener("click", ({ target }) => this.#choose(target.closest("[role=tab]")));
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const count = this.#tabs.length;
    const at = this.#tabs.indexOf(event.target);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: count - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const tab = this.#tabs[(next + count) % count];
    this.#choose(tab);
    tab.focus();
  }

  #choose(chosen) {
    if (!chosen) return;
    for (const tab of this.#tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
  }
}
