import assert from "node:assert/strict";
import { test } from "node:test";
import { guestFaults, passwordFaults, profileFaults, refusedFields, signupFaults, strengthOf } from "../../static/js/model/credentials.js";
import { words } from "../../static/js/util/words.js";

const fields = (faults) => faults.map(({ field }) => field);

test("a password is repeated only where that is asked for", () => {
  const newcomer = { username: "ann", password: "12345678", fullName: "" };
  assert.deepEqual(signupFaults({ ...newcomer, repeat: "12345678" }), []);
  assert.deepEqual(signupFaults({ ...newcomer, repeat: "12345679" }), [{ field: "repeat", message: words.passwordsDiffer }]);
  assert.deepEqual(signupFaults(newcomer), []);
});

test("faults of a new password, a profile and a guest", () => {
  assert.deepEqual(fields(passwordFaults({ current: "", password: "short", repeat: "" })), ["current", "password", "repeat"]);
  assert.deepEqual(passwordFaults({ current: "x", password: "long enough" }), []);
  assert.deepEqual(fields(profileFaults({ fullName: "x".repeat(201) })), ["full_name"]);
  assert.deepEqual(fields(guestFaults({ displayName: "  " })), ["display_name"]);
  assert.deepEqual(fields(guestFaults({ displayName: "x".repeat(101) })), ["display_name"]);
  assert.deepEqual(guestFaults({ displayName: "Ann" }), []);
});

test("what the server refuses finds its field, as a sentence", () => {
  assert.deepEqual(refusedFields({ code: "invalid", fields: [{ field: "username", message: "must be short" }] }), [{ field: "username", message: "Must be short." }]);
  assert.deepEqual(fields(refusedFields({ code: "username_taken", fields: [] })), ["username"]);
  assert.deepEqual(fields(refusedFields({ code: "wrong_password", fields: [] })), ["current"]);
  assert.deepEqual(refusedFields({ code: "bad_credentials", fields: [] }), []);
});

test("strength is length and variety", () => {
  const strengths = { "": 0, horse: 0, password: 1, "12345678": 1, aaaaaaaaaaaaaaaaaaaa: 1, abcdefghijklmnop: 1, Password1: 2, "correct horse battery": 3, "vX7$kq2!mZ9#": 3, пароль: 0, "верный конь батарея": 3 };
  for (const [password, strength] of Object.entries(strengths)) assert.equal(strengthOf(password), strength, password);
});

test("the username adds nothing to a password", () => {
  assert.equal(strengthOf("ann.example.7", "ann.example"), 1);
  assert.ok(strengthOf("ann.example.7", "bob") > 1);
});
