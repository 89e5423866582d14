import { el, find } from "../util/dom.js";

const KEPT = 5;

/**
 * Speaks what arrives, politely. The timeline itself is silent, because opening a
 * conversation or loading older pages would otherwise read out fifty messages.
 */
export class Announcer {
  #region = find("#announcer");

  say(text) {
    this.#region.append(el("p", {}, text));
    while (this.#region.childElementCount > KEPT) this.#region.firstElementChild.remove();
  }
}
