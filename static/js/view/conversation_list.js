import { el, find, hiddenText, reconcile, setText } from "../util/dom.js";
import { briefTime, fullTime } from "../util/time.js";
import { hashOf } from "../util/route.js";
import { words } from "../util/words.js";
import { avatar, showFace } from "./avatar.js";

/**
 * The entries of the conversation list. An entry is a link to the conversation's own
 * address, so that it opens with the keyboard and in a new tab as links do.
 */
export class ConversationList {
  #list = find("#conversation-list");
  #empty = find("#conversations-empty");

  /** `onopen(id)` when an entry is chosen in this tab. */
  constructor({ onopen }) {
    this.#list.addEventListener("click", (event) => {
      const link = event.target.closest("[data-conversation-id]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      onopen(link.dataset.conversationId);
    });
  }

  /**
   * `entries` are `{id, title, face, preview: {prefix, text, isDraft}, date, unread}` in
   * order; `empty` is the sentence to show instead of none, or "".
   */
  show({ entries, openId, empty }, now) {
    reconcile(this.#list, entries, {
      key: (entry) => entry.id,
      create: (entry) => entryNode(entry.id),
      update: (node, entry) => fill(node, entry, entry.id === openId, now),
    });
    this.#empty.hidden = empty === "";
    setText(this.#empty, empty);
  }
}

function entryNode(id) {
  const parts = {
    face: avatar(),
    title: el("span", { class: "entry-title", dir: "auto" }),
    time: el("time", { class: "entry-time secondary" }),
    prefix: el("span", { class: "entry-prefix" }),
    text: el("span"),
    count: el("span", { "aria-hidden": "true" }),
    countWords: hiddenText(""),
  };
  parts.badge = el("span", { class: "unread", hidden: true }, parts.count, parts.countWords);
  const preview = el("span", { class: "entry-preview secondary", dir: "auto" }, parts.prefix, parts.text);
  parts.link = el(
    "a",
    { class: "entry", href: hashOf(id), dataset: { conversationId: id } },
    parts.face,
    el("span", { class: "entry-top" }, parts.title, parts.time),
    el("span", { class: "entry-bottom" }, preview, parts.badge),
  );
  const node = el("li", {}, parts.link);
  node.parts = parts;
  return node;
}

function fill({ parts }, entry, isOpen, now) {
  showFace(parts.face, entry.face);
  setText(parts.title, entry.title);
  parts.title.title = entry.title;
  setText(parts.time, briefTime(entry.date, now));
  parts.time.dateTime = entry.date.toISOString();
  parts.time.title = fullTime(entry.date);
  setText(parts.prefix, entry.preview.prefix);
  parts.prefix.classList.toggle("is-draft", entry.preview.isDraft);
  setText(parts.text, entry.preview.text);
  parts.badge.hidden = entry.unread === 0;
  setText(parts.count, entry.unread > 0 ? words.unreadBadge(entry.unread) : "");
  setText(parts.countWords, entry.unread > 0 ? ` ${words.unread(entry.unread)}` : "");
  parts.link.classList.toggle("has-unread", entry.unread > 0);
  if (isOpen) parts.link.setAttribute("aria-current", "page");
  else parts.link.removeAttribute("aria-current");
}
