/**
 * What a browser does about each way in which the server ends a socket. `wait` is the
 * least time before coming back.
 */
const RETRY = { action: "retry", wait: 0 };

const MEANING = new Map([
  [1000, RETRY],
  [1001, RETRY],
  [1006, RETRY],
  [1008, { action: "renew", wait: 0 }],
  [1009, RETRY],
  [1011, RETRY],
  [1012, RETRY],
  [4401, { action: "leave", wait: 0 }],
  [4408, RETRY],
  [4429, { action: "retry", wait: 10_000 }],
  [4503, RETRY],
]);

export const FRAME_TOO_BIG = 1009;

/** An unknown code is an ordinary loss of the connection. */
export function meaningOf(code) {
  return MEANING.get(code) ?? RETRY;
}
