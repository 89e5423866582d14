import { el } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { AlertSettings } from "./alert_settings.js";
import { Devices } from "./devices.js";
import { LookSettings } from "./look_settings.js";
import { Panel } from "./panel.js";
import { PasswordSettings } from "./password_settings.js";
import { Profile } from "./profile.js";

/** Everything about oneself, this browser and one's other devices. */
export class Settings {
  #panel = new Panel({ name: "settings", title: words.settings, isLight: true, onclose: () => this.#closed() });
  #preferences;
  #sections;
  #ends = [];

  constructor(context) {
    const { people, preferences } = context.models;
    this.#preferences = preferences;
    this.#sections = [new Profile(context), new LookSettings(preferences, context.clock), new AlertSettings(preferences)];
    if (!people.me.is_guest) this.#sections.push(...accountSections(context));
    const leave = el("button", { type: "button", id: "logout", on: { click: () => this.#leave(context) } }, words.logOut);
    this.#panel.body.append(...this.#sections.map(({ node }) => node), el("div", { class: "settings-end" }, leave));
  }

  async open() {
    if (this.#panel.isOpen) return;
    for (const section of this.#sections) section.open();
    this.#ends = [this.#preferences.changed.listen(() => this.#sections.forEach((section) => section.draw()))];
    await this.#panel.open();
    this.#panel.focus();
  }

  #closed() {
    for (const end of this.#ends) end();
    for (const section of this.#sections) section.close();
  }

  /** What goes wrong with that is said on the page. */
  async #leave({ leave }) {
    await this.#panel.close();
    leave();
  }
}

/** A guest has no password, and no other devices. */
function accountSections(context) {
  const devices = new Devices(context);
  const password = new PasswordSettings({ api: context.net.api, username: context.models.people.me.username, onchanged: () => devices.load() });
  return [password, devices];
}
