import { Timeline } from "./timeline.js";

/** The timelines of this tab, by conversation; made when they are first asked for. */
export class Timelines {
  #byId = new Map();

  of(id) {
    if (!this.#byId.has(id)) this.#byId.set(id, new Timeline());
    return this.#byId.get(id);
  }

  /** True while `timeline` is the one of this conversation and not one that was forgotten. */
  isCurrent(id, timeline) {
    return this.#byId.get(id) === timeline;
  }

  /** Takes the latest page as all that is known of a conversation. */
  restart(id, page) {
    this.forget(id);
    this.of(id).open(page);
  }

  forget(id) {
    this.#byId.delete(id);
  }

  clear() {
    this.#byId.clear();
  }
}
