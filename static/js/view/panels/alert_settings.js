import { el } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { askPermission, permission } from "../permission.js";
import { playTone } from "../tone.js";
import { switchField } from "./switch_field.js";

const HINTS = { denied: words.notificationsBlocked, unsupported: words.notificationsUnsupported };

/** Whether this browser may draw attention to itself. */
export class AlertSettings {
  #preferences;
  #notifications = switchField({ label: words.notifications, onchange: (isOn) => this.#turn(isOn) });
  #sound = switchField({ label: words.sound, hint: words.soundHint, onchange: (isOn) => this.#turnSound(isOn) });
  node = el("section", {}, el("h3", {}, words.alerts), this.#notifications.node, this.#sound.node);

  constructor(preferences) {
    this.#preferences = preferences;
  }

  open() {
    this.draw();
  }

  close() {}

  draw() {
    const state = permission();
    this.#notifications.show(this.#preferences.get("notifications") && state === "granted");
    this.#notifications.say(HINTS[state] ?? words.notificationsHint);
    this.#notifications.forbid(state === "unsupported");
    this.#sound.show(this.#preferences.get("sound"));
  }

  /** The browser asks only who has just asked for it. */
  async #turn(isOn) {
    this.#preferences.set("notifications", isOn && (await askPermission()) === "granted");
    this.draw();
  }

  /** A sample; and the browser lets a page be heard that was touched. */
  #turnSound(isOn) {
    this.#preferences.set("sound", isOn);
    if (isOn) playTone();
  }
}
