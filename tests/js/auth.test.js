import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../../static/js/net/api.js";
import { Auth } from "../../static/js/net/auth.js";
import { exchanger } from "../../static/js/net/exchange.js";
import { FakeClock, settled } from "./support/clock.js";

/** A fetch that answers from a table of functions and keeps what was asked. */
function fakeFetch(answers) {
  const asked = [];
  const fetch = async (path, { method, headers, body }) => {
    asked.push({ call: `${method} ${path}`, headers, body: body && JSON.parse(body) });
    const { status = 200, json, headers: extra = {} } = await answers[`${method} ${path}`](headers);
    return { ok: status < 300, status, headers: new Headers(extra), text: async () => (json === undefined ? "" : JSON.stringify(json)) };
  };
  return { fetch, asked, calls: () => asked.map(({ call }) => call) };
}

function login(answers, locks) {
  const clock = new FakeClock();
  let tokens = 0;
  const all = { "POST /auth/refresh": () => ({ json: { access_token: `t${(tokens += 1)}`, expires_in: 900 } }), ...answers };
  const { fetch, asked, calls } = fakeFetch(all);
  const exchange = exchanger({ fetch, clock });
  const auth = new Auth({ exchange, clock, locks });
  let lost = 0;
  auth.lost.listen(() => (lost += 1));
  return { clock, auth, api: new Api({ exchange, auth }), asked, calls, lost: () => lost };
}

test("ten callers at once are one refresh", async () => {
  const { auth, calls } = login({});
  const tokens = await Promise.all(Array.from({ length: 10 }, () => auth.token()));
  assert.deepEqual(new Set(tokens), new Set(["t1"]));
  assert.deepEqual(calls(), ["POST /auth/refresh"]);
});

test("where the browser has locks, tabs take turns", async () => {
  const names = [];
  const { auth } = login({}, { request: (name, work) => (names.push(name), work()) });
  await auth.token();
  assert.deepEqual(names, ["pneumatic-refresh"]);
});

test("the token is renewed shortly before it ends", async () => {
  const { auth, clock, calls } = login({});
  await auth.token();
  await clock.pass(839_000);
  assert.equal(calls().length, 1);
  await clock.pass(1_000);
  assert.equal(calls().length, 2);
  assert.equal(await auth.token(), "t2");
});

test("a refused token is renewed once and the call repeated", async () => {
  const seen = [];
  const me = (headers) => (seen.push(headers.Authorization), headers.Authorization === "Bearer t2" ? { json: { id: "ann" } } : { status: 401, json: { detail: "No." } });
  const { api } = login({ "GET /auth/me": me });
  assert.deepEqual(await api.me(), { id: "ann" });
  assert.deepEqual(seen, ["Bearer t1", "Bearer t2"]);
});

test("a second refusal is the answer, and two refused calls share one renewal", async () => {
  const { api, calls } = login({ "GET /auth/me": () => ({ status: 401, json: { detail: "No." } }) });
  await Promise.all([assert.rejects(api.me(), { status: 401 }), assert.rejects(api.me(), { status: 401 })]);
  assert.equal(calls().filter((call) => call === "POST /auth/refresh").length, 2);
});

test("a refused refresh ends the login once; an unreachable server doesn't", async () => {
  let answer = () => Promise.reject(new TypeError("network"));
  const { auth, lost } = login({ "POST /auth/refresh": () => answer() });
  await assert.rejects(auth.token(), { status: 0, passing: true });
  assert.equal(lost(), 0);
  answer = () => ({ status: 401, json: { detail: "No login." } });
  await assert.rejects(auth.token(), { status: 401, passing: false });
  await assert.rejects(auth.token(), { status: 401 });
  assert.equal(lost(), 1);
});

test("logging in asks for the cookie, and logging out forgets the token and its timer", async () => {
  const { auth, clock, asked } = login({
    "POST /auth/login": () => ({ json: { access_token: "fresh", token_type: "bearer", expires_in: 900 } }),
    "POST /auth/logout": () => ({ status: 204 }),
  });
  await auth.logIn({ username: "ann", password: "secret-secret" });
  assert.deepEqual(asked[0].body, { username: "ann", password: "secret-secret", cookie: true });
  await auth.logOut();
  assert.equal(asked[1].headers.Authorization, "Bearer fresh");
  assert.equal(clock.pending, 0);
});

test("a guest gives a name and is in; what is offered is asked without a login", async () => {
  const { auth, asked } = login({
    "POST /auth/guest": () => ({ json: { access_token: "guest", token_type: "bearer", expires_in: 900 } }),
    "GET /auth/options": () => ({ json: { guests: true } }),
  });
  assert.deepEqual(await auth.options(), { guests: true });
  await auth.enterAsGuest({ displayName: "Gil" });
  assert.deepEqual(asked.map(({ body }) => body), [undefined, { display_name: "Gil", cookie: true }]);
  assert.equal(await auth.token(), "guest");
});

test("an answer that never comes is a problem after fifteen seconds", async () => {
  const clock = new FakeClock();
  const fetch = (path, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const asking = exchanger({ fetch, clock })("GET", "/users").catch((problem) => problem);
  await clock.pass(15_000);
  assert.deepEqual([(await asking).status, (await asking).passing], [0, true]);
});

test("problems: sentence, fields, waiting", async () => {
  const json = { title: "Invalid", status: 422, detail: "Some fields are wrong.", code: "invalid", errors: [{ field: "body.username", message: "Too long." }] };
  const { api } = login({
    "GET /auth/me": () => ({ status: 422, json }),
    "GET /conversations": () => ({ status: 429, json: { detail: "Too many requests." }, headers: { "Retry-After": "7" } }),
    "GET /users": () => ({ status: 502 }),
  });
  const [invalid, limited, proxy] = await Promise.all([api.me(), api.conversations(), api.users()].map((call) => call.catch((problem) => problem)));
  assert.deepEqual(invalid.fields, [{ field: "username", message: "Too long." }]);
  assert.deepEqual([invalid.sentence, invalid.passing], ["Some fields are wrong.", false]);
  assert.deepEqual([limited.retryAfter, limited.passing], [7_000, true]);
  assert.equal(limited.sentence, "Too many requests. Try again in 7 seconds.");
  assert.deepEqual([proxy.passing, proxy.message.length > 0], [true, true]);
  await settled();
});

test("paths and bodies", async () => {
  const { api, asked } = login({
    "GET /conversations/c%2F1/messages?limit=50": () => ({ json: { messages: [] } }),
    "GET /conversations/c1/messages?limit=50&before_seq=51": () => ({ json: { messages: [] } }),
    "POST /conversations": () => ({ json: { id: "g" } }),
    "GET /users?q=a+%26+b&cursor=x": () => ({ json: { users: [] } }),
  });
  await api.messages("c/1");
  await api.messages("c1", { before: 51 });
  await api.createConversation({ title: "T", memberIds: ["b", "c"], key: "wish" });
  await api.createConversation({ memberIds: ["b"] });
  await api.users({ query: "a & b", cursor: "x" });
  assert.deepEqual([asked[3].body, asked[3].headers["Idempotency-Key"]], [{ title: "T", member_ids: ["b", "c"] }, "wish"]);
  assert.deepEqual([asked[4].body, "Idempotency-Key" in asked[4].headers], [{ member_ids: ["b"] }, false]);
});
