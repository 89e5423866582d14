/** The REST calls of a logged-in person; paths and field names of the server end here. */
export const PAGE = 50;

export class Api {
  #exchange;
  #auth;

  constructor({ exchange, auth }) {
    this.#exchange = exchange;
    this.#auth = auth;
  }

  me() {
    return this.#call("GET", "/auth/me");
  }

  /** What opens one socket, once, within half a minute. */
  async ticket() {
    return (await this.#call("POST", "/auth/ws-ticket")).ticket;
  }

  /** One page of everyone but me: `{users, next_cursor}`. */
  users({ query = "", cursor = null } = {}) {
    const search = new URLSearchParams();
    if (query) search.set("q", query);
    if (cursor) search.set("cursor", cursor);
    return this.#call("GET", withQuery("/users", search));
  }

  async conversations() {
    return (await this.#call("GET", "/conversations")).conversations;
  }

  /** Gives the conversation; `key` makes retries of one wish give one group. */
  createConversation({ title, memberIds, key }) {
    const body = { member_ids: memberIds };
    if (title) body.title = title;
    return this.#call("POST", "/conversations", { body, headers: key ? { "Idempotency-Key": key } : {} });
  }

  /** A page in ascending order: the latest one, or the one before a message. */
  async messages(conversationId, { before } = {}) {
    const search = new URLSearchParams({ limit: String(PAGE) });
    if (before !== undefined) search.set("before_seq", String(before));
    return (await this.#call("GET", withQuery(`${place(conversationId)}/messages`, search))).messages;
  }

  rename(conversationId, title) {
    return this.#call("PATCH", place(conversationId), { body: { title } });
  }

  addMembers(conversationId, userIds) {
    return this.#call("POST", `${place(conversationId)}/members`, { body: { user_ids: userIds } });
  }

  /** Removes somebody; oneself: leaves. */
  removeMember(conversationId, userId) {
    return this.#call("DELETE", `${place(conversationId)}/members/${encodeURIComponent(userId)}`);
  }

  user(id) {
    return this.#call("GET", `/users/${encodeURIComponent(id)}`);
  }

  updateMe({ fullName }) {
    return this.#call("PATCH", "/auth/me", { body: { full_name: fullName } });
  }

  changePassword({ current, next }) {
    return this.#call("POST", "/auth/password", { body: { current_password: current, new_password: next } });
  }

  async sessions() {
    return (await this.#call("GET", "/auth/sessions")).sessions;
  }

  endSession(id) {
    return this.#call("DELETE", `/auth/sessions/${encodeURIComponent(id)}`);
  }

  /** A refused token is renewed once and the call repeated; a second refusal is the answer. */
  async #call(method, path, options = {}) {
    const token = await this.#auth.token();
    try {
      return await this.#exchange(method, path, { ...options, token });
    } catch (problem) {
      if (!problem.loginNeeded) throw problem;
      return this.#exchange(method, path, { ...options, token: await this.#auth.tokenAfter(token) });
    }
  }
}

function place(conversationId) {
  return `/conversations/${encodeURIComponent(conversationId)}`;
}

function withQuery(path, search) {
  const query = search.toString();
  return query ? `${path}?${query}` : path;
}
