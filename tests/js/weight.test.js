import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";

const ROOT = new URL("../../static/", import.meta.url);
const MOST = 60_000;

/** What a file brings with it at once, by its ending; a dynamic import comes when it is wanted. */
const BRINGS = {
  ".html": /<(?!link rel="apple)[^>]*\s(?:src|href)="([^"#]+)/g,
  ".css": /(?:@import\s+|url\()\s*["']?([^"')#]+)/g,
  ".js": /(?:^|[;}\s])(?:import|export)\s(?:[^"';]*\sfrom\s)?\s*"([^"]+)"/g,
};

/** The names of all files that a page loads by itself; the icons of `extra` come by code. */
function weighed(page, extra = []) {
  const found = new Set();
  const waiting = [page, ...extra];
  while (waiting.length > 0) {
    const name = waiting.pop();
    if (found.has(name)) continue;
    found.add(name);
    const pattern = BRINGS[posix.extname(name)];
    if (!pattern) continue;
    for (const [, target] of read(name).toString().matchAll(pattern)) {
      if (!/^(?:https?|data):/.test(target)) waiting.push(posix.join("/", posix.dirname(name), target.startsWith("/") ? posix.relative(`/${posix.dirname(name)}`, target) : target).slice(1));
    }
  }
  return [...found].sort();
}

function read(name) {
  return readFileSync(new URL(name, ROOT));
}

for (const [page, extra, least] of [["chat.html", ["icons.svg"], 40], ["index.html", [], 8]]) {
  test(`${page} comes in less than ${MOST} bytes, compressed`, () => {
    const sizes = weighed(page, extra).map((name) => [name, brotliCompressSync(read(name)).length]);
    assert.ok(sizes.length >= least, `only ${sizes.map(([name]) => name)}`);
    const sum = sizes.reduce((total, [, size]) => total + size, 0);
    const heaviest = sizes.sort(([, a], [, b]) => b - a).slice(0, 12);
    assert.ok(sum <= MOST, `${sum} bytes in ${sizes.length} files, of which the heaviest are ${heaviest.map((one) => one.join(" ")).join(", ")}`);
  });
}
