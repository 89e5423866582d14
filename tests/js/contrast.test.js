import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const CSS = new URL("../../static/css/", import.meta.url);
const tokens = readFileSync(new URL("tokens.css", CSS), "utf8");
const pairs = new Map([...tokens.matchAll(/--([a-z0-9-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [name, { light, dark }]));

function luminance(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function ratio(one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

function check(front, back, least) {
  for (const scheme of ["light", "dark"]) {
    const value = ratio(pairs.get(front)[scheme], pairs.get(back)[scheme]);
    assert.ok(value >= least, `${front} on ${back} (${scheme}) is ${value.toFixed(2)}:1`);
  }
}

test("the measure is right", () => {
  assert.equal(ratio("#000000", "#ffffff").toFixed(1), "21.0");
  assert.equal(ratio("#767676", "#ffffff").toFixed(2), "4.54");
});

test("text on every surface it stands on", () => {
  for (const surface of ["surface-0", "surface-1", "surface-2", "surface-3", "own"]) {
    for (const text of ["text-1", "text-2"]) check(text, surface, 4.5);
  }
  for (const surface of ["surface-0", "surface-1", "surface-2"]) {
    for (const text of ["text-3", "accent", "bad", "warn", "good"]) check(text, surface, 4.5);
  }
  check("accent", "surface-3", 4.5);
  for (const text of ["bad", "accent"]) check(text, "own", 4.5);
  check("accent-text", "accent", 4.5);
});

test("avatars in all twelve hues", () => {
  for (let hue = 0; hue < 12; hue += 1) check(`hue-${hue}-text`, `hue-${hue}-surface`, 4.5);
});

test("lines and marks that matter", () => {
  for (const surface of ["surface-0", "surface-1"]) {
    for (const line of ["line-strong", "accent", "bad", "good", "warn"]) check(line, surface, 3);
  }
});

test("colours are tokens, and every token that is used is defined", () => {
  const defined = new Set([...tokens.matchAll(/--([a-z0-9-]+):/g)].map(([, name]) => name));
  for (const name of readdirSync(CSS).filter((file) => file !== "tokens.css")) {
    const text = readFileSync(new URL(name, CSS), "utf8");
    assert.ok(!/#[0-9a-f]{3,8}\b(?![^{]*\{)/i.test(text), `${name} has a colour of its own`);
    for (const [, token] of text.matchAll(/var\(--([a-z0-9-]+)/g)) assert.ok(defined.has(token) || token === "visible-height", `${name} uses --${token}`);
  }
});
