import { el, hiddenText, icon, setText } from "../util/dom.js";
import { clockTime, dayLabel, fullTime } from "../util/time.js";
import { gist, isEmojiOnly } from "../util/rich.js";
import { words } from "../util/words.js";
import { avatar, showFace } from "./avatar.js";
import { richNodes } from "./rich_nodes.js";

const SPOKEN = 1_000;
const MARKS = {
  pending: { icon: "clock", words: words.sending },
  stored: { icon: "tick", words: words.stored },
  read: { icon: "ticks", words: words.read },
  failed: { icon: "alert", words: words.notSent },
};

/** Makes the node of one row of a thread (see model/thread.js). */
export function rowNode(row) {
  if (row.kind === "day") return el("div", { class: "day" }, el("span"));
  if (row.kind === "new") return el("div", { class: "new-line" }, el("span", {}, words.newMessages));
  return messageNode(row);
}

/**
 * Brings a node up to its row. `nameOf(id)` names a sender; in a group `faceOf(id)` gives the
 * face that stands beside their messages, elsewhere it is null. `readUpTo` is the highest seq
 * that somebody else has read. A message keeps its node from pending to stored, so nothing jumps.
 */
export function fillRow(node, row, { nameOf, faceOf, readUpTo, now }) {
  if (row.kind === "day") setText(node.firstChild, dayLabel(row.date, now));
  if (row.kind !== "message") return;
  const state = row.state === "stored" && row.own && row.seq <= readUpTo ? "read" : row.state;
  const name = row.own ? words.you : nameOf(row.senderId);
  const hasFace = !row.own && faceOf !== null;
  const { shown } = node;
  const time = clockTime(row.date);
  const looks = [state, row.seq, row.starts, row.ends, hasFace, Boolean(faceOf), name, row.reason, row.date.getTime(), time].join("\n");
  if (shown.looks === looks && shown.content === row.content) return;
  fillMessage(node, row, { state, time, isGroup: faceOf !== null, sender: hasFace && row.starts ? { name, face: faceOf(row.senderId) } : null, hasFace });
  const spoken = row.own ? MARKS[state].words : "";
  node.setAttribute("aria-label", words.messageLabel(name, time, spoken, gist(row.content, SPOKEN)));
  node.shown = { looks, content: row.content };
}

function messageNode(row) {
  const parts = {
    content: el("span", { class: "content" }),
    time: el("time", { class: "time" }),
    mark: row.own ? el("span", { class: "mark" }) : null,
  };
  parts.bubble = el("div", { class: "bubble", dir: "auto" }, parts.content, el("span", { class: "meta", dir: "ltr" }, parts.time, parts.mark));
  parts.body = el("div", { class: "body" }, parts.bubble);
  const node = el("article", { tabindex: -1, dataset: { messageId: row.messageId, seq: "" } }, parts.body);
  node.parts = parts;
  node.shown = {};
  return node;
}

function fillMessage(node, row, { state, time, isGroup, sender, hasFace }) {
  const { parts, shown } = node;
  const isBig = isEmojiOnly(row.content);
  const names = ["message", row.own && "own", row.starts && "starts", row.ends && "ends", hasFace && "with-face", isBig && "is-big"];
  node.className = names.filter(Boolean).join(" ");
  node.dataset.seq = row.seq ?? "";
  if (shown.content !== row.content) parts.content.replaceChildren(...richNodes(row.content));
  showTime(parts.time, row.date, time);
  showState(node, state, row.reason, isGroup);
  showSender(node, sender);
}

function showTime(node, date, time) {
  node.dateTime = date.toISOString();
  node.title = fullTime(date);
  setText(node, time);
}

/** In a group the mark of a message that was read opens the list of who has read it. */
function showState(node, state, reason, isGroup) {
  const { parts } = node;
  const looks = `${state} ${reason} ${isGroup}`;
  if (node.dataset.looks === looks) return;
  Object.assign(node.dataset, { state, looks });
  if (parts.mark) {
    const mark = MARKS[state];
    const inside = [icon(mark.icon), hiddenText(mark.words)];
    const isButton = isGroup && state === "read";
    parts.mark.title = mark.words;
    parts.mark.replaceChildren(...(isButton ? [el("button", { type: "button", class: "mark-button", tabindex: -1, dataset: { action: "readers" } }, ...inside)] : inside));
  }
  parts.failure?.remove();
  parts.failure = state === "failed" ? failureNode(reason) : null;
  if (parts.failure) parts.body.append(parts.failure);
}

function failureNode(reason) {
  return el(
    "div",
    { class: "failure" },
    el("span", {}, reason ? words.notSentBecause(reason) : words.notSent),
    el("button", { type: "button", class: "link-button", dataset: { action: "retry" } }, words.tryAgain),
    el("button", { type: "button", class: "link-button", dataset: { action: "remove" } }, words.remove),
  );
}

/** Name and face stand at the start of a group only. */
function showSender(node, sender) {
  const { parts } = node;
  if (sender && !parts.face) {
    parts.face = avatar();
    parts.name = el("div", { class: "sender", dir: "auto" });
    node.prepend(parts.face);
    parts.body.prepend(parts.name);
  } else if (!sender && parts.face) {
    parts.face.remove();
    parts.name.remove();
    parts.face = parts.name = null;
  }
  if (!sender) return;
  showFace(parts.face, sender.face);
  setText(parts.name, sender.name);
}
