/**
 * What the address names. `#/c/<id>` is an open conversation, everything else is the list,
 * so that reload, back and a shared link lead to the same place.
 */
const CONVERSATION = /^#\/c\/([0-9A-Za-z-]{1,64})$/;

/** The conversation id in a location hash, or null. */
export function conversationIn(hash) {
  return CONVERSATION.exec(hash)?.[1] ?? null;
}

export function hashOf(conversationId) {
  return `#/c/${conversationId}`;
}

/** The log-in page, told where to go back to and whether a login has just ended. */
export function loginAddress(hash, ended) {
  const place = conversationIn(hash) ? hash : "";
  return `/${ended ? "?ended" : ""}${place}`;
}

/** The chat page after logging in; only a well-formed conversation hash is carried over. */
export function chatAddress(hash) {
  return `/chat.html${conversationIn(hash) ? hash : ""}`;
}
