/**
 * Finds web addresses in plain text. Only http and https become links; everything else,
 * whatever it looks like, stays text.
 */
const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`\u201c\u201d]+/giu;
const TRAILING = /[.,;:!?…»]$/u;
const PAIRS = { ")": "(", "]": "[", "}": "{" };

/**
 * Splits text into parts `{text}` and `{text, href}` whose texts joined are the input.
 */
export function splitLinks(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const shown = withoutPunctuation(match[0]);
    const href = webAddress(shown);
    if (!href) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

/** Cuts what ends the sentence rather than the address: dots, and brackets opened before it. */
function withoutPunctuation(candidate) {
  let text = candidate;
  while (text.length > 0) {
    const last = text[text.length - 1];
    const unopened = PAIRS[last] && count(text, last) > count(text, PAIRS[last]);
    if (!unopened && !TRAILING.test(text)) break;
    text = text.slice(0, -1);
  }
  return text;
}

function count(text, letter) {
  return text.split(letter).length - 1;
}

function webAddress(text) {
  try {
    const url = new URL(text);
    const allowed = url.protocol === "http:" || url.protocol === "https:";
    return allowed && url.hostname !== "" ? url.href : null;
  } catch {
    return null;
  }
}
