import { Signal } from "../util/signal.js";

/** What was typed and not sent, by conversation. Where it is kept is somebody else's work. */
export class Drafts {
  /** Emits the id of a conversation whose draft another tab has changed. */
  changed = new Signal();
  /** Emits `(conversationId, text)` of a draft that was typed here; "" is none. */
  typed = new Signal();
  #texts = new Map();

  get(conversationId) {
    return this.#texts.get(conversationId) ?? "";
  }

  set(conversationId, text) {
    if (this.#put(conversationId, text)) this.typed.emit(conversationId, this.get(conversationId));
  }

  /** Takes what another tab or an earlier page has typed. */
  adopt(conversationId, text) {
    if (this.#put(conversationId, text)) this.changed.emit(conversationId);
  }

  #put(conversationId, text) {
    const before = this.get(conversationId);
    if (text.trim() === "") this.#texts.delete(conversationId);
    else this.#texts.set(conversationId, text);
    return this.get(conversationId) !== before;
  }
}
