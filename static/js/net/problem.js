import { words } from "../util/words.js";

const LOGIN_NEEDED = 401;
const PASSING = new Set([0, 408, 425, 429]);

/**
 * A request that did not succeed. `message` is a sentence to show; `status` 0 means that
 * no answer came at all.
 */
export class Problem extends Error {
  constructor({ status, code = "", detail, fields = [], retryAfter = null }) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    /** `[{field, message}]`, with the bare name of the field. */
    this.fields = fields;
    /** Milliseconds that the server asks us to wait, or null. */
    this.retryAfter = retryAfter;
  }

  /** True when the same request may succeed later without any change. */
  get passing() {
    return PASSING.has(this.status) || this.status >= 500;
  }

  get loginNeeded() {
    return this.status === LOGIN_NEEDED;
  }

  /** The sentence, with the time to wait when the server gave one. */
  get sentence() {
    if (!this.retryAfter) return this.message;
    return words.retryIn(this.message, Math.ceil(this.retryAfter / 1000));
  }
}

export function unreachable() {
  return new Problem({ status: 0, code: "unreachable", detail: words.unreachable });
}

/** Reads an RFC 9457 answer; a body of another kind (a proxy's page) still becomes a sentence. */
export function problemFrom(status, headers, text, now) {
  const body = parsed(text) ?? {};
  const sentence = typeof body.detail === "string" ? body.detail : body.title;
  return new Problem({
    status,
    code: typeof body.code === "string" ? body.code : "",
    detail: typeof sentence === "string" && sentence ? sentence : words.failed,
    fields: Array.isArray(body.errors) ? body.errors.map(fieldOf) : [],
    retryAfter: waitOf(headers.get("Retry-After"), now),
  });
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function fieldOf({ field, message }) {
  return { field: String(field ?? "").split(".").pop(), message: String(message ?? "") };
}

/** `Retry-After` is either seconds or a date. */
function waitOf(header, now) {
  if (!header) return null;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return wait > 0 ? wait : null;
}
