import { splitLinks } from "./links.js";
import { oneLine } from "./text.js";

/**
 * Reads the little markup that messages have into a tree of plain objects. Whatever isn't
 * clearly meant as markup stays the text it is, and the time is linear in the length.
 */
const FENCE = "```";
const LANGUAGE = /^[\w+#.-]{0,20}[^\S\n]*\n/;
const CODE = /`([^`\n]+)`/g;
const PIECES = /\*+|\n/g;
const LETTER = /[\p{L}\p{N}_]/u;
const WORD = /\p{L}|\p{N}(?!\ufe0f?\u20e3)/u;
const SPACE = /\s/u;
const MOST_EMOJI = 6;
const LONGEST_EMOJI = 80;
const EMOJI = /^(?:\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3|\p{Emoji_Presentation}.*|\p{Extended_Pictographic}\ufe0f.*|\p{Extended_Pictographic}\p{Emoji_Modifier}.*)$/su;

/**
 * The nodes of a message: `{kind: "text", text}`, `{kind: "link", text, href}`,
 * `{kind: "code", text}`, `{kind: "block", text}`, and `{kind: "bold" | "italic", children}`.
 */
export function parseRich(text) {
  const nodes = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(FENCE, from);
    const end = start < 0 ? -1 : text.indexOf(FENCE, start + FENCE.length);
    if (end < 0) break;
    const after = end + FENCE.length;
    const code = text.slice(start + FENCE.length, end).replace(LANGUAGE, "").replace(/\n$/, "");
    if (code.trim() === "") nodes.push(...inline(text.slice(from, after)));
    else {
      nodes.push(...inline(text.slice(from, start).replace(/\n$/, "")), { kind: "block", text: code });
      if (text[after] === "\n") {
        from = after + 1;
        continue;
      }
    }
    from = after;
  }
  return [...nodes, ...inline(text.slice(from))];
}

let segmenter = null;

/** One line of what a message says, without its markup; long ones are cut before they are read. */
export function gist(text, limit = 160) {
  return oneLine(plainText(parseRich(text.slice(0, limit * 2))), limit);
}

function plainText(nodes) {
  return nodes.map(({ kind, text, children }) => (kind === "block" ? ` ${text} ` : (text ?? plainText(children)))).join("");
}

/** True for a message of one to six emoji and nothing else. */
export function isEmojiOnly(text) {
  if (text.length > LONGEST_EMOJI || WORD.test(text)) return false;
  segmenter ??= new Intl.Segmenter();
  const letters = [...segmenter.segment(text)].map(({ segment }) => segment).filter((segment) => segment.trim() !== "");
  return letters.length > 0 && letters.length <= MOST_EMOJI && letters.every((letter) => EMOJI.test(letter));
}

/** Code, links and emphasis of a stretch without blocks. */
function inline(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(CODE)) {
    if (match[1].trim() === "") continue;
    links(text.slice(from, match.index), nodes);
    nodes.push({ kind: "code", text: match[1] });
    from = match.index + match[0].length;
  }
  links(text.slice(from), nodes);
  return emphasised(nodes);
}

function links(text, nodes) {
  for (const part of splitLinks(text)) {
    if (part.href) nodes.push({ kind: "link", ...part });
    else pieces(part.text, nodes);
  }
}

/** Cuts text into runs of stars (still undecided), line ends and the rest. */
function pieces(text, nodes) {
  let from = 0;
  for (const { 0: piece, index } of text.matchAll(PIECES)) {
    if (index > from) nodes.push({ kind: "text", text: text.slice(from, index) });
    nodes.push({ kind: piece === "\n" ? "break" : piece.length < 3 ? "stars" : "text", text: piece });
    from = index + piece.length;
  }
  if (from < text.length) nodes.push({ kind: "text", text: text.slice(from) });
}

/**
 * Stars open before something that isn't space and after something that isn't a word, and
 * close the other way round, on one line. Of each length only the latest opening one counts.
 */
function emphasised(tokens) {
  const out = [];
  const open = new Map();
  tokens.forEach((token, at) => {
    if (token.kind === "break") open.clear();
    if (token.kind !== "stars") return out.push(token.kind === "break" ? { kind: "text", text: token.text } : token);
    const before = edge(tokens[at - 1], -1);
    const after = edge(tokens[at + 1], 0);
    const size = token.text.length;
    const start = open.get(size);
    if (start !== undefined && start < out.length - 1 && !SPACE.test(before) && !LETTER.test(after)) {
      const children = joined(out.splice(start).slice(1));
      out.push({ kind: size === 2 ? "bold" : "italic", children });
      for (const [other, place] of open) if (place >= start) open.delete(other);
      return undefined;
    }
    if (!SPACE.test(after) && !LETTER.test(before)) open.set(size, out.length);
    return out.push({ kind: "text", text: token.text });
  });
  return joined(out);
}

/** The character of a token that touches its neighbour; the end of the text is a space. */
function edge(token, at) {
  return token ? [...(at < 0 ? token.text.slice(-2) : token.text.slice(0, 2))].at(at) : " ";
}

/** Neighbouring texts become one. */
function joined(nodes) {
  const out = [];
  let texts = [];
  const flush = () => {
    if (texts.length > 0) out.push({ kind: "text", text: texts.join("") });
    texts = [];
  };
  for (const node of nodes) {
    if (node.kind === "text") texts.push(node.text);
    else {
      flush();
      out.push(node);
    }
  }
  flush();
  return out;
}
