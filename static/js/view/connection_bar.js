import { find, setText } from "../util/dom.js";
import { Alarm } from "../util/clock.js";
import { words } from "../util/words.js";

const CALM = 1_000;
const SECOND = 1_000;

/**
 * The state of the connection: a word in the header, always, and a slim bar after a second
 * of trouble. The sentence is spoken when it changes; the countdown is only to be seen.
 */
export class ConnectionBar {
  #mark = find("#connection");
  #bar = find("#connection-bar");
  #sentence = find("#connection-words");
  #countdown = find("#connection-countdown");
  #now = find("#connection-now");
  #clock;
  #appear;
  #tick;
  #retryAt = null;

  /** `onnow()` when the person doesn't want to wait. */
  constructor({ clock, onnow }) {
    this.#clock = clock;
    this.#appear = new Alarm(clock, () => {
      this.#bar.hidden = false;
    });
    this.#tick = new Alarm(clock, () => this.#count());
    this.#now.addEventListener("click", onnow);
  }

  /** `state` as in net/socket.js; `waiting` messages are in the outbox. */
  show({ state, retryAt, waiting }) {
    this.#mark.dataset.state = state;
    this.#mark.title = words[state];
    setText(this.#mark, words[state]);
    this.#retryAt = retryAt;
    this.#now.hidden = retryAt === null;
    if (state === "online") {
      this.#appear.clear();
      this.#bar.hidden = true;
    } else if (this.#bar.hidden && !this.#appear.isSet) this.#appear.set(CALM);
    setText(this.#sentence, state === "offline" ? words.offlineBar(waiting) : words.connectingBar(waiting));
    this.#count();
  }

  #count() {
    this.#tick.clear();
    const left = this.#retryAt === null ? 0 : this.#retryAt - this.#clock.now();
    setText(this.#countdown, left > 0 ? words.nextTry(Math.ceil(left / SECOND)) : "");
    if (left > 0) this.#tick.set(left % SECOND || SECOND);
  }
}
