import { el, find, setText } from "../util/dom.js";
import { avatar, showFace } from "./avatar.js";

/** The line above the timeline: who or what is open, and the way back on a narrow screen. */
export class ConversationHead {
  #face = avatar();
  #title = find("#conversation-title");
  #members = find("#conversation-members");

  constructor({ onback, ondetails }) {
    find("#conversation-face").append(this.#face);
    find("#back").addEventListener("click", onback);
    find("#conversation-details").addEventListener("click", ondetails);
  }

  /** `members` is the line below the title; `hint` says more of it. */
  show({ title, face, members, isOnline, hint }) {
    showFace(this.#face, face);
    setText(this.#title, title);
    setText(this.#members, members);
    this.#members.classList.toggle("is-online", isOnline);
    this.#title.title = title;
    this.#members.title = hint;
  }
}
