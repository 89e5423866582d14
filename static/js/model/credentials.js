import { codePoints } from "../util/text.js";
import { words } from "../util/words.js";

const USERNAME = 150;
const PASSWORD = { fewest: 8, most: 256 };
const FULL_NAME = 200;
const GUEST_NAME = 100;
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const ALPHABETS = [
  [/\p{Ll}/u, 26],
  [/\p{Lu}/u, 26],
  [/\p{N}/u, 10],
  [/[^\p{L}\p{N}]/u, 33],
  [/(?!\p{Ll}|\p{Lu})\p{L}/u, 100],
];
const FAIR_BITS = 45;
const STRONG_BITS = 64;

/**
 * What is wrong with the fields of a form, as `[{field, message}]`, before the server is
 * asked. The server has the last word; this only saves a round trip.
 */
export function loginFaults({ username, password }) {
  return faults({ username: username.trim() === "" && words.needUsername, password: password === "" && words.needPassword });
}

/** `repeat` is the password once more, or undefined where it isn't asked for. */
export function signupFaults({ username, password, repeat, fullName }) {
  return faults({ username: usernameFault(username), password: passwordFault(password), repeat: repeatFault(password, repeat), full_name: fullNameFault(fullName) });
}

export function passwordFaults({ current, password, repeat }) {
  return faults({ current: current === "" && words.needPassword, password: passwordFault(password), repeat: repeatFault(password, repeat) });
}

export function profileFaults({ fullName }) {
  return faults({ full_name: fullNameFault(fullName) });
}

export function guestFaults({ displayName }) {
  const isBlank = displayName.trim() === "";
  return faults({ display_name: isBlank ? words.needName : codePoints(displayName) > GUEST_NAME && words.guestNameTooLong });
}

/** What the server refused, field by field, in the same form; empty when it is about no field. */
export function refusedFields({ code, fields }) {
  if (code === "username_taken") return [{ field: "username", message: words.usernameTaken }];
  if (code === "wrong_password") return [{ field: "current", message: words.wrongPassword }];
  return fields.map(({ field, message }) => ({ field, message: sentence(message) }));
}

/**
 * How hard a password is to guess, from 0 (not allowed) to 3, by its length and variety:
 * what repeats, runs on (abc, 321) or is the username counts for nothing.
 */
export function strengthOf(password, username = "") {
  if (codePoints(password) < PASSWORD.fewest) return 0;
  const own = username.trim().toLowerCase();
  const rest = own ? password.toLowerCase().split(own).join("") : password;
  const letters = Array.from(rest, (letter) => letter.codePointAt(0));
  const leaps = letters.filter((code, at) => at === 0 || Math.abs(code - letters[at - 1]) > 1).length;
  const length = Math.min(leaps, 1.5 * new Set(letters).size);
  const alphabet = ALPHABETS.reduce((sum, [kind, size]) => (kind.test(password) ? sum + size : sum), 0);
  const bits = length * Math.log2(alphabet);
  return bits >= STRONG_BITS ? 3 : bits >= FAIR_BITS ? 2 : 1;
}

function faults(byField) {
  return Object.entries(byField)
    .filter(([, message]) => message)
    .map(([field, message]) => ({ field, message }));
}

function usernameFault(username) {
  if (username.trim() === "") return words.needUsername;
  if (INVISIBLE.test(username) || /\s/u.test(username)) return words.usernameBlank;
  return codePoints(username) > USERNAME ? words.usernameTooLong : "";
}

function passwordFault(password) {
  const length = codePoints(password);
  if (length < PASSWORD.fewest) return words.passwordTooShort;
  return length > PASSWORD.most ? words.passwordTooLong : "";
}

function repeatFault(password, repeat) {
  return repeat === undefined || repeat === password ? "" : words.passwordsDiffer;
}

function fullNameFault(fullName) {
  return codePoints(fullName) > FULL_NAME ? words.fullNameTooLong : "";
}

/** The server tells of fields in halves of sentences: "must be …". */
function sentence(text) {
  const [first = "", ...rest] = text;
  return `${first.toUpperCase()}${rest.join("")}${/[.!?]$/.test(text) ? "" : "."}`;
}
