import { Problem, problemFrom, unreachable } from "./problem.js";
import { words } from "../util/words.js";

const TIMEOUT = 15_000;

/**
 * Makes the one function through which every request leaves:
 * `exchange(method, path, {body, token, headers})` gives the parsed answer (null for an
 * empty one) or throws a `Problem`, and never waits longer than the timeout.
 */
export function exchanger({ fetch, clock }) {
  return async function exchange(method, path, { body, token, headers = {} } = {}) {
    const abort = new AbortController();
    const timer = clock.setTimeout(() => abort.abort(), TIMEOUT);
    let response;
    let text;
    try {
      response = await fetch(path, {
        method,
        headers: headersFor(headers, body, token),
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        signal: abort.signal,
      });
      text = await response.text();
    } catch {
      throw unreachable();
    } finally {
      clock.clearTimeout(timer);
    }
    if (!response.ok) throw problemFrom(response.status, response.headers, text, clock.now());
    return answerIn(text, response.status);
  };
}

function headersFor(extra, body, token) {
  const headers = { Accept: "application/json", ...extra };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  return headers;
}

function answerIn(text, status) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem({ status: status < 500 ? 502 : status, code: "unreadable", detail: words.unreadable });
  }
}
