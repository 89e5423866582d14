import { find, setText } from "../util/dom.js";
import { avatar, showFace } from "./avatar.js";

/** The line above the timeline: who or what is open, and the way back on a narrow screen. */
export class ConversationHead {
  #face = avatar();
  #title = find("#conversation-title");
  #members = find("#conversation-members");

  constructor({ onback }) {
    find("#conversation-face").append(this.#face);
    find("#back").addEventListener("click", onback);
  }

  show({ title, face, members }) {
    showFace(this.#face, face);
    setText(this.#title, title);
    setText(this.#members, members);
    this.#title.title = title;
    this.#members.title = members;
  }
}
