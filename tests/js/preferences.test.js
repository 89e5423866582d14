import assert from "node:assert/strict";
import { test } from "node:test";
import { CHOICES, Preferences } from "../../static/js/model/preferences.js";
import { followAppearance } from "../../static/js/view/appearance.js";
import { FakeStorage } from "./support/storage.js";

const NAME = "pneumatic.preferences";

test("nothing chosen is the first choice, and a choice outlives the page", () => {
  const storage = new FakeStorage();
  const preferences = new Preferences({ storage });
  for (const [name, [first]] of Object.entries(CHOICES)) assert.equal(preferences.get(name), first);
  preferences.set("theme", "dark");
  preferences.mute("c1", true);
  const later = new Preferences({ storage });
  assert.deepEqual([later.get("theme"), later.isMuted("c1"), later.isMuted("c2")], ["dark", true, false]);
  later.mute("c1", false);
  preferences.reload();
  assert.equal(preferences.isMuted("c1"), false);
});

test("what isn't a choice counts for nothing", () => {
  const storage = new FakeStorage();
  storage.setItem(NAME, JSON.stringify({ theme: "pink", sound: "yes", language: "de", constructor: true, muted: "c1" }));
  const preferences = new Preferences({ storage });
  assert.deepEqual([preferences.get("theme"), preferences.get("sound"), preferences.get("language"), preferences.isMuted("c1")], ["system", false, "de", false]);
  for (const broken of ["null", "[]", "{"]) {
    storage.setItem(NAME, broken);
    preferences.reload();
    assert.equal(preferences.get("language"), "");
  }
});

test("every language of dates is one that browsers know", () => {
  const tags = CHOICES.language.filter(Boolean);
  assert.deepEqual(Intl.DateTimeFormat.supportedLocalesOf(tags), tags);
  assert.equal(new Set(tags).size, tags.length);
});

test("the page follows what is chosen", () => {
  const root = { dataset: {} };
  const preferences = new Preferences({ storage: new FakeStorage() });
  followAppearance(preferences, root);
  assert.deepEqual(root.dataset, { theme: "system", textSize: "normal" });
  preferences.set("textSize", "large");
  assert.equal(root.dataset.textSize, "large");
});
