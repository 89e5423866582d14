import { el, hiddenText, icon, setText } from "../util/dom.js";
import { clockTime, dayLabel, fullTime } from "../util/time.js";
import { splitLinks } from "../util/links.js";
import { words } from "../util/words.js";
import { avatar, showFace } from "./avatar.js";

const MARKS = { pending: { icon: "clock", words: words.sending }, stored: { icon: "tick", words: words.stored }, failed: { icon: "alert", words: words.notSent } };

/** Makes the node of one row of a thread (see model/thread.js). */
export function rowNode(row) {
  if (row.kind === "day") return el("li", { class: "day" }, el("span"));
  if (row.kind === "new") return el("li", { class: "new-line" }, el("span", {}, words.newMessages));
  return messageNode(row);
}

/**
 * Brings a node up to its row. `senderOf(id)` gives `{name, face}` in a group, or null where
 * it is plain who speaks. A message keeps its node from pending to stored, so nothing jumps.
 */
export function fillRow(node, row, { senderOf, now }) {
  if (row.kind === "day") setText(node.firstChild, dayLabel(row.date, now));
  if (row.kind === "message") fillMessage(node, row, row.own ? null : senderOf(row.senderId));
}

function messageNode(row) {
  const parts = {
    content: el("div", { class: "content", dir: "auto" }),
    time: el("time", { class: "time" }),
    mark: row.own ? el("span", { class: "mark" }) : null,
  };
  parts.bubble = el("div", { class: "bubble" }, parts.content, el("span", { class: "meta" }, parts.time, parts.mark));
  parts.body = el("div", { class: "body" }, parts.bubble);
  const node = el("li", { dataset: { messageId: row.messageId, seq: "" } }, parts.body);
  node.parts = parts;
  node.shown = {};
  return node;
}

function fillMessage(node, row, sender) {
  const { parts, shown } = node;
  const names = ["message", row.own && "own", row.starts && "starts", row.ends && "ends", sender && "with-face"];
  node.className = names.filter(Boolean).join(" ");
  node.dataset.seq = row.seq ?? "";
  if (shown.content !== row.content) parts.content.replaceChildren(...contentNodes(row.content));
  if (shown.date !== row.date.getTime()) showTime(parts.time, row.date);
  if (shown.state !== row.state || shown.reason !== row.reason) showState(node, row);
  showSender(node, row, sender);
  node.shown = { content: row.content, date: row.date.getTime(), state: row.state, reason: row.reason };
}

/** Text and links as nodes; the address was checked to be http or https. */
function contentNodes(content) {
  return splitLinks(content).map(({ text, href }) => (href ? el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text) : text));
}

function showTime(node, date) {
  node.dateTime = date.toISOString();
  node.title = fullTime(date);
  node.textContent = clockTime(date);
}

function showState(node, row) {
  const { parts } = node;
  node.dataset.state = row.state;
  if (parts.mark) {
    const mark = MARKS[row.state];
    parts.mark.title = mark.words;
    parts.mark.replaceChildren(icon(mark.icon), hiddenText(mark.words));
  }
  parts.failure?.remove();
  parts.failure = row.state === "failed" ? failureNode(row.reason) : null;
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

/** Name and face stand at the start of a group only; the name is there for screen readers anyway. */
function showSender(node, row, sender) {
  const { parts } = node;
  const wantsFace = Boolean(sender) && row.starts;
  if (wantsFace && !parts.face) {
    parts.face = avatar();
    parts.name = el("div", { class: "sender", dir: "auto" });
    node.prepend(parts.face);
    parts.body.prepend(parts.name);
  } else if (!wantsFace && parts.face) {
    parts.face.remove();
    parts.name.remove();
    parts.face = parts.name = null;
  }
  if (!wantsFace) return;
  showFace(parts.face, sender.face);
  setText(parts.name, sender.name);
}
