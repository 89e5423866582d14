/**
 * Finds web addresses in plain text. Only http and https become links; everything else,
 * whatever it looks like, stays text.
 */
const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`\u201c\u201d]+/giu;
const TRAILING = new Set(".,;:!?…»*");
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

/** Cuts what ends the sentence rather than the address: dots, stars, and brackets opened before it. */
function withoutPunctuation(candidate) {
  const spare = {};
  for (const letter of candidate) {
    if (letter in PAIRS) spare[letter] = (spare[letter] ?? 0) + 1;
    for (const close of Object.keys(PAIRS)) if (PAIRS[close] === letter) spare[close] = (spare[close] ?? 0) - 1;
  }
  let end = candidate.length;
  for (; end > 0; end -= 1) {
    const last = candidate[end - 1];
    if (spare[last] > 0) spare[last] -= 1;
    else if (!TRAILING.has(last)) break;
  }
  return candidate.slice(0, end);
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
