import { find, setText } from "../util/dom.js";
import { conversationIn } from "../util/route.js";
import { words } from "../util/words.js";

/**
 * The second area: the open conversation, or a sentence about what to do instead. The list
 * doesn't wait for what a conversation needs: that is loaded at once when the address names
 * one, and else when the page has nothing better to do.
 */
export class ConversationPane {
  #models;
  #actions;
  #loading = null;
  #conversation = null;
  #wanted = null;
  #wantsFocus = false;
  #blank = find("#blank");
  #blankWords = find("#blank-words");
  #blankAction = find("#blank-action");
  #open = find("#open");
  #onblank = () => {};

  /**
   * `actions`: `back()`, `moved()`, `older()`, `reload()`, `send(text)`, `retry(messageId)`,
   * `remove(messageId)`, `typed()`, `details()`, each for the conversation that is open.
   */
  constructor({ models, actions }) {
    this.#models = models;
    this.#actions = actions;
    this.#blankAction.addEventListener("click", () => this.#onblank());
    if (conversationIn(location.hash)) this.#load();
    else (window.requestIdleCallback ?? setTimeout)(() => this.#load());
  }

  get isAtBottom() {
    return this.#conversation?.isAtBottom ?? false;
  }

  get needsOlder() {
    return this.#conversation?.needsOlder ?? false;
  }

  focusComposer() {
    if (this.#conversation) this.#conversation.focus();
    else this.#wantsFocus = true;
  }

  /** Nothing is open: `isUnknown` when the address names a conversation that isn't ours. */
  showBlank({ isUnknown, isWaiting }) {
    this.#wanted = null;
    this.#wantsFocus = false;
    this.#conversation?.leave();
    const { conversations, people } = this.#models;
    const hasChoice = conversations.all.length > 0 || people.found("").length > 0;
    if (isUnknown) this.#say(words.unknownConversation, words.backToList, this.#actions.back);
    else if (isWaiting || !hasChoice) this.#say("");
    else this.#say(words.chooseConversation, words.findSomeone, () => find("#search").focus());
  }

  /** Shows a conversation with its timeline as the visit has it: `{conversation, timeline, visit}`. */
  show(what, now) {
    this.#wanted = [what, now];
    if (!this.#conversation) return this.#load();
    this.#blank.hidden = true;
    this.#open.hidden = false;
    return this.#conversation.show(what, now);
  }

  showJump(below) {
    this.#conversation?.showJump(below);
  }

  async #load() {
    this.#loading ??= import("./open_conversation.js");
    try {
      const { OpenConversation } = await this.#loading;
      this.#conversation ??= new OpenConversation({ models: this.#models, actions: this.#actions });
    } catch {
      this.#loading = null;
      if (this.#wanted) this.#say(words.loadFailed, words.tryAgain, () => this.#load());
      return;
    }
    if (!this.#wanted) return;
    this.show(...this.#wanted);
    this.#actions.moved();
    if (this.#wantsFocus) this.focusComposer();
    this.#wantsFocus = false;
  }

  #say(sentence, label = "", act = () => {}) {
    this.#open.hidden = true;
    this.#blank.hidden = false;
    setText(this.#blankWords, sentence);
    setText(this.#blankAction, label);
    this.#blankAction.hidden = label === "";
    this.#onblank = act;
  }
}
