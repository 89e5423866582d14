import { codePoints } from "../util/text.js";
import { words } from "../util/words.js";

const USERNAME = 150;
const PASSWORD = { fewest: 8, most: 256 };
const FULL_NAME = 200;
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/**
 * What is wrong with the fields of a form, as `[{field, message}]`, before the server is
 * asked. The server has the last word; this only saves a round trip.
 */
export function loginFaults({ username, password }) {
  const faults = [];
  if (username.trim() === "") faults.push({ field: "username", message: words.needUsername });
  if (password === "") faults.push({ field: "password", message: words.needPassword });
  return faults;
}

export function signupFaults({ username, password, fullName }) {
  const fields = { username: usernameFault(username), password: passwordFault(password), full_name: fullNameFault(fullName) };
  return Object.entries(fields)
    .filter(([, message]) => message !== "")
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

function fullNameFault(fullName) {
  return codePoints(fullName) > FULL_NAME ? words.fullNameTooLong : "";
}
