/**
 * Which refusals of a message pass by themselves. The list is closed: a code that isn't in
 * it is final, so that a message never waits for ever for something that can't happen.
 */
const TRANSIENT = new Set(["busy", "unavailable", "shutting_down", "request_timeout", "internal", "rate_limited", "too_many_connections"]);

export function transient(code) {
  return TRANSIENT.has(code);
}
