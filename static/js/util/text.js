/** Plain functions over text that people have written. */

const HUES = 12;

/** Length as the server counts it: Unicode code points, not UTF-16 units. */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * What is sent for what was typed: no blank lines at the start, no blank end, and no half
 * characters, which the server could not read as JSON.
 */
export function tidied(text) {
  const trimmed = text.replace(/\r\n?/g, "\n").replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
  return wellFormed(trimmed.trim() === "" ? "" : trimmed);
}

function wellFormed(text) {
  if (typeof text.toWellFormed === "function") return text.toWellFormed();
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

/** One line of a message for the list; long texts are cut before they reach the page. */
export function oneLine(text, limit = 160) {
  const head = Array.from(text.slice(0, limit * 2)).slice(0, limit).join("");
  return head.replace(/\s+/g, " ").trim();
}

/** Up to two letters that stand for a name. */
export function initials(name) {
  const parts = name.trim().split(/[\s._-]+/u).filter(Boolean);
  if (parts.length === 0) return "?";
  const picked = parts.length === 1 ? [parts[0]] : [parts[0], parts[parts.length - 1]];
  return picked.map((part) => Array.from(part)[0].toLocaleUpperCase()).join("");
}

/** One of twelve hues, always the same one for the same id. */
export function hueOf(id) {
  let hash = 0;
  for (let at = 0; at < id.length; at += 1) hash = (hash * 31 + id.charCodeAt(at)) >>> 0;
  return hash % HUES;
}

/** For searching: without case and without accents. */
export function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}
