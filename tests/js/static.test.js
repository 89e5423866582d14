import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { words } from "../../static/js/util/words.js";

const ROOT = new URL("../../static/", import.meta.url);
const files = walk("").map((name) => ({ name, text: readFileSync(new URL(name, ROOT), "utf8") }));
const ending = (...ends) => files.filter(({ name }) => ends.some((end) => name.endsWith(end)));
const scripts = ending(".js");
const pages = ending(".html");

function walk(folder) {
  return readdirSync(new URL(folder, ROOT), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? walk(`${folder}${entry.name}/`) : [folder + entry.name]));
}

/** The files in which the pattern occurs. */
const having = (pattern, among) => among.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

test("the walk sees the files", () => {
  assert.ok(scripts.length > 25 && pages.length === 2 && ending(".css").length >= 5);
});

test("nothing turns text into markup or code", () => {
  const sinks = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTMLUnsafe|srcdoc|\beval\s*\(|new Function\b|setTimeout\(\s*["'`]/;
  assert.deepEqual(having(sinks, [...scripts, ...pages]), []);
});

test("no token can be kept: who knows it has no storage, and who has a storage knows no token", () => {
  assert.deepEqual(having(/document\.cookie/, files), []);
  const keeping = /\b(?:localStorage|sessionStorage|indexedDB|caches)\b/;
  const keepers = scripts.map(({ name, text }) => ({ name, text: code(text) })).filter(({ text }) => keeping.test(text));
  const known = ["js/main.js", "js/login.js", "js/util/storage.js", "js/net/vault.js", "sw.js"];
  assert.deepEqual(keepers.filter(({ name }) => !known.includes(name)).map(({ name }) => name), []);
  assert.deepEqual(having(/\btoken\b/i, keepers), []);
});

test("pages have no inline script, style, handler or foreign address", () => {
  assert.deepEqual(having(/<script(?![^>]*\ssrc="\/js\/[a-z]+\.js")/i, pages), []);
  assert.deepEqual(having(/<style|\sstyle\s*=/i, [...pages, ...ending(".svg")]), []);
  assert.deepEqual(having(/<[^>]+\son[a-z]+\s*=/i, [...pages, ...ending(".svg")]), []);
  assert.deepEqual(having(/(?:src|href|action)="(?!\/[a-z])/i, pages), []);
  assert.deepEqual(having(/setAttribute\(\s*["'](?:style|on)/, scripts), []);
});

test("every text of the pages comes from the words, and every word that is named exists", () => {
  for (const { name, text } of pages) {
    const body = text.slice(text.indexOf("<body")).replace(/<noscript>.*?<\/noscript>/gs, "");
    assert.equal(body.replace(/<[^>]*>/g, "").trim(), "", name);
    for (const [, key] of text.matchAll(/data-word(?:-label|-placeholder)?="([^"]*)"/g)) assert.equal(typeof words[key], "string", `${name}: ${key}`);
    assert.ok(!/\s(?:placeholder|title|aria-label)="/.test(body), `${name} speaks without the words`);
  }
});

test("every word is used", () => {
  const rest = [...scripts.filter(({ name }) => name !== "js/util/words.js"), ...pages].map(({ text }) => text).join("\n");
  const unused = Object.keys(words).filter((key) => !new RegExp(`words\\.${key}\\b|data-word(?:-label|-placeholder)?="${key}"`).test(rest));
  assert.deepEqual(unused.filter((key) => !["connecting", "online", "offline"].includes(key)), []);
});

test("every icon that is used is drawn, and every drawn one is used", () => {
  const sprite = files.find(({ name }) => name === "icons.svg").text;
  const drawn = [...sprite.matchAll(/<symbol id="([^"]+)"/g)].map(([, id]) => id).sort();
  const all = [...scripts, ...pages].map(({ text }) => text).join("\n");
  const used = [...all.matchAll(/icons\.svg#([a-z]+)|icon\("([a-z]+)"\)|icon: "([a-z]+)"/g)].map((match) => match[1] ?? match[2] ?? match[3]);
  assert.deepEqual([...new Set(used)].sort(), drawn);
});

test("imports point at files, models and net know no page, views know no socket", () => {
  const names = new Set(files.map(({ name }) => name));
  const allowed = { "js/util/": ["js/util/"], "js/model/": ["js/model/", "js/util/"], "js/net/": ["js/net/", "js/model/", "js/util/"], "js/view/": ["js/view/", "js/model/", "js/util/"] };
  for (const { name, text } of scripts) {
    const targets = [...text.matchAll(/from "([^"]+)"/g)].map(([, path]) => new URL(path, `http://x/${name}`).pathname.slice(1));
    for (const target of targets) assert.ok(names.has(target), `${name} imports ${target}`);
    const floor = Object.keys(allowed).find((prefix) => name.startsWith(prefix));
    if (floor) for (const target of targets) assert.ok(allowed[floor].some((prefix) => target.startsWith(prefix)), `${name} must not import ${target}`);
  }
  const below = scripts.filter(({ name }) => /^js\/(model|net)\//.test(name));
  assert.deepEqual(having(/\bdocument\b|\bwindow\b|util\/dom\.js/, below.map(({ name, text }) => ({ name, text: code(text) }))), []);
});

/** Source without comments and texts, so that only names count. */
function code(text) {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").replace(/"[^"\n]*"/g, (quoted) => (quoted.includes("dom.js") ? quoted : '""'));
}

test("files are of a size to be read, and nothing is left to do", () => {
  for (const { name, text } of [...scripts, ...ending(".css", ".html")]) assert.ok(text.split("\n").length <= 300, `${name} is too long`);
  assert.deepEqual(having(/\bTODO\b|\bFIXME\b|\bXXX\b|console\.log/, files), []);
});

test("every element that a script looks for is on a page", () => {
  const ids = new Set(pages.flatMap(({ text }) => [...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)));
  for (const { name, text } of scripts) {
    for (const [, id] of text.matchAll(/find\("#([a-z-]+)"\)/g)) assert.ok(ids.has(id), `${name} looks for #${id}`);
  }
  for (const id of ["tab-login", "tab-signup", "login-form", "signup-form", "me", "connection", "messages", "composer-input", "settings", "new-group"]) assert.ok(ids.has(id), id);
});
