/** What was typed and not sent, by conversation; in memory only, gone with the tab. */
export class Drafts {
  #texts = new Map();

  get(conversationId) {
    return this.#texts.get(conversationId) ?? "";
  }

  set(conversationId, text) {
    if (text.trim() === "") this.#texts.delete(conversationId);
    else this.#texts.set(conversationId, text);
  }
}
