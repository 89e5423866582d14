import { el, find, hiddenText, icon, reconcile, setText } from "../util/dom.js";
import { briefTime, fullTime } from "../util/time.js";
import { hashOf } from "../util/route.js";
import { words } from "../util/words.js";
import { avatar, dotted, showDot, showFace } from "./avatar.js";

const MINUTE = 60_000;

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
   * `entries` are `{id, title, face, kind, prefix, text, moment, language, unread, isOnline, isMuted}` in
   * order; `isWaiting` until there can be any; `empty` is the sentence instead of none, or "".
   */
  show({ entries, openId, isWaiting, empty }, now) {
    if (!isWaiting || entries.length > 0) {
      reconcile(this.#list, entries, {
        key: (entry) => entry.id,
        create: (entry) => entryNode(entry.id),
        update: (node, entry) => fill(node, entry, entry.id === openId, now),
      });
    }
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
    muted: el("span", { class: "entry-muted", hidden: true }, icon("muted"), hiddenText(words.muted)),
    count: el("span", { "aria-hidden": "true" }),
    countWords: hiddenText(""),
  };
  parts.dotted = dotted(parts.face);
  parts.badge = el("span", { class: "unread", hidden: true }, parts.count, parts.countWords);
  const preview = el("span", { class: "entry-preview secondary", dir: "auto" }, parts.prefix, parts.text);
  parts.link = el(
    "a",
    { class: "entry", href: hashOf(id), dataset: { conversationId: id } },
    parts.dotted,
    el("span", { class: "entry-top" }, parts.title, parts.muted, parts.time),
    el("span", { class: "entry-bottom" }, preview, parts.badge),
  );
  const node = el("li", {}, parts.link);
  node.parts = parts;
  return node;
}

/** Most entries are as they were: whatever is shown is compared before the page is touched. */
function fill(node, { face, title, kind, prefix, text, moment, language, unread, isOnline, isMuted }, isOpen, now) {
  const { parts } = node;
  const minute = Math.floor(now.getTime() / MINUTE);
  const looks = [face.id, face.letters, title, kind, prefix, text, moment, minute, language, unread, isOnline, isMuted, isOpen].join("\n");
  if (node.looks === looks) return;
  node.looks = looks;
  const date = new Date(moment);
  showFace(parts.face, face);
  showDot(parts.dotted, isOnline);
  setText(parts.title, title);
  parts.title.title = title;
  setText(parts.time, briefTime(date, now));
  parts.time.dateTime = date.toISOString();
  parts.time.title = fullTime(date);
  setText(parts.prefix, prefix);
  parts.prefix.dataset.kind = kind;
  setText(parts.text, text);
  parts.muted.hidden = !isMuted;
  parts.badge.hidden = unread === 0;
  setText(parts.count, unread > 0 ? words.unreadBadge(unread) : "");
  setText(parts.countWords, unread > 0 ? ` ${words.unread(unread)}` : "");
  parts.link.classList.toggle("has-unread", unread > 0 && !isMuted);
  parts.link.classList.toggle("is-muted", isMuted);
  if (isOpen) parts.link.setAttribute("aria-current", "page");
  else parts.link.removeAttribute("aria-current");
}
