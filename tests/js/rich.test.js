import assert from "node:assert/strict";
import { test } from "node:test";
import { gist, isEmojiOnly, parseRich } from "../../static/js/util/rich.js";
import { seeded } from "./support/random.js";

/** A tree in short: `b(…)`, `i(…)`, `code(…)`, `block(…)`, `link(…)`, and text as it is. */
function brief(nodes) {
  const names = { bold: "b", italic: "i" };
  return nodes.map((node) => (node.kind === "text" ? node.text : `${names[node.kind] ?? node.kind}(${node.children ? brief(node.children) : node.text})`)).join("");
}

const short = (text) => brief(parseRich(text));

test("emphasis, code and links", () => {
  assert.equal(short("a **b** c *d* e"), "a b(b) c i(d) e");
  assert.equal(short("**a *b* c**"), "b(a i(b) c)");
  assert.equal(short("*a*, (*b*) **c**!"), "i(a), (i(b)) b(c)!");
  assert.equal(short("**see https://a.test** or `x * y`"), "b(see link(https://a.test)) or code(x * y)");
  assert.equal(short("`go to https://a.test now` **`x`**"), "code(go to https://a.test now) b(code(x))");
  assert.equal(short("**fett** *größer*"), "b(fett) i(größer)");
});

test("what isn't clearly markup stays text", () => {
  for (const text of ["2 * 3 * 4", "*.js and *.css", "a*b*c", "2**3**4", "***x***", "**a\nb**", "* a\n* b", "**", "* *", "``", "` `", "`a\nb`", "snake_case_x", "**open", "close**", "``````", "``` ```", "```open", "<b>x</b>", "&amp;", "[a](javascript:alert(1))"]) {
    assert.equal(short(text), text);
  }
  assert.equal(short("**a *b** c*"), "b(a *b) c*");
});

test("blocks keep what is in them, without the line ends around them", () => {
  assert.equal(short("hi\n```\n  a\n\n  *b* `c`\n```\nbye"), "hiblock(  a\n\n  *b* `c`)bye");
  assert.equal(short("```js\nlet x;\n```"), "block(let x;)");
  assert.equal(short("```one line```"), "block(one line)");
  assert.equal(short("```a``` and ```b```"), "block(a) and block(b)");
  assert.equal(short("```a```\n```open"), "block(a)```open");
});

/** Puts the marks back: but for them, a tree is the text that it came from. */
function source(nodes) {
  const marks = { bold: "**", italic: "*", code: "`" };
  return nodes.map((node) => (marks[node.kind] ?? "") + (node.children ? source(node.children) : node.text) + (marks[node.kind] ?? "")).join("");
}

test("nothing is lost, doubled or turned into anything else, whatever the text", () => {
  const random = seeded(11);
  const pieces = ["*", "**", "***", "`", "\n", " ", "a", "ß", "😀", "_", "(", ")", ".", "https://a.test/", "http://", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "\u202e", "\u0000", "\ud83d"];
  for (let round = 0; round < 20_000; round += 1) {
    const text = Array.from({ length: 1 + Math.floor(random() * 14) }, () => pieces[Math.floor(random() * pieces.length)]).join("");
    if (text.includes("```")) continue;
    assert.equal(source(parseRich(text)), text);
    for (const node of parseRich(text)) if (node.kind === "link") assert.match(node.href, /^https?:/);
  }
});

test("ten thousand characters of anything take no time", () => {
  const started = process.cpuUsage();
  for (const part of ["*", "* ", "*a ", "**a* ", " **a", "a**", "`", "`a\n", "```", "```a", "*(", "*(**(", "http://a.b/ ", "http://", "https://a.test/*", "(http://a.test/)", "\n", "😀", "**a** `b` *c*\n"]) parseRich(part.repeat(10_000 / part.length));
  parseRich(`https://a.test/${")".repeat(9_900)}`);
  // Of its own: others may want the processor as well.
  assert.ok(process.cpuUsage(started).user < 2_000_000);
});

test("messages of emoji alone", () => {
  for (const text of ["😀", " 👍🏽 ❤️\n", "🇩🇪", "👨‍👩‍👧", "1️⃣", "☺️", "😀😀😀😀😀😀"]) assert.ok(isEmojiOnly(text), text);
  for (const text of ["", " ", "1", "#", "©", "a", "😀a", "😀!", "😀😀😀😀😀😀😀", "😀".repeat(5_000)]) assert.ok(!isEmojiOnly(text), text);
});

test("the gist is one line of what is said, without the markup", () => {
  assert.equal(gist("**Hello** *you*, see `x = 1`\n```\nlet y;\n```\nhttps://example.com"), "Hello you, see x = 1 let y; https://example.com");
  assert.equal(gist("2 * 3 ** 4"), "2 * 3 ** 4");
  assert.equal(gist("a".repeat(10_000)).length, 160);
});
