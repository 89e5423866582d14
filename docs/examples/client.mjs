#!/usr/bin/env node
/**
 * Says something to somebody, then shows what they say. A cut loses nothing and doubles nothing. Ctrl-C ends it.
 *
 * node client.mjs http://127.0.0.1:8000 ann "correct horse" bob "hello bob"
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Knowledge } from "./knowledge.mjs";

const WebSocket = globalThis.WebSocket ?? (await import("./plain_socket.mjs")).PlainSocket;
const [site, username, password, partner, ...words] = process.argv.slice(2);
let tokens = {};

async function call(path, body) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${tokens.access_token}` };
  const request = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) };
  const answer = await fetch(site + path, { ...request, signal: AbortSignal.timeout(30_000) });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.detail), { status: answer.status });
  return said;
}

/** Opens one socket. An access token is good for minutes; the refresh token brings the next pair, once. */
async function ticket() {
  const ask = async () => (await call("/auth/ws-ticket", {})).ticket;
  return ask().catch(async (refusal) => {
    if (refusal.status !== 401) throw refusal;
    tokens = await call("/auth/refresh", { refresh_token: tokens.refresh_token });
    return ask();
  });
}

function take(frame, socket) {
  const say = (said) => socket.send(JSON.stringify(said));
  for (const { type, message } of knowledge.take(frame)) {
    if (message?.conversation_id === room && message.sender_id === them && !shown.has(message.id)) {
      shown.add(message.id);
      console.log(`${partner}: ${message.content}`);
    }
    if (type !== "resumed") continue;
    for (const [message_id, content] of unsent) say({ type: "message", message_id, conversation_id: room, content });
  }
  if (knowledge.isBehind) say(knowledge.resume());
  const mine = ["ack", "error"].includes(frame.type) && unsent.delete(frame.message_id);
  if (frame.type === "error" && mine) console.error(`not sent: ${frame.reason}`);
  else if (frame.type === "error") socket.close();
}

/** Until the connection ends. One on which nothing comes, not even the answer to a ping, is given up. */
function follow(socket) {
  return new Promise((resolve) => {
    let heard = true;
    const watch = setInterval(() => {
      if (!heard) return socket.onclose();
      heard = false;
      return socket.readyState === 1 && socket.send('{"type":"ping"}');
    }, 25_000);
    socket.onmessage = ({ data }) => {
      heard = true;
      take(JSON.parse(data), socket);
    };
    socket.onclose = () => {
      clearInterval(watch);
      socket.onmessage = socket.onclose = null;
      socket.close();
      resolve();
    };
  });
}

tokens = await call("/auth/login", { username, password });
const them = (await call(`/users?q=${partner}`)).users.find((user) => user.username === partner).id;
const room = (await call("/conversations", { member_ids: [them] })).id;
/** What goes out twice under the same name is stored once. */
const unsent = new Map(words.map((text) => [randomUUID(), text]));
const [knowledge, shown] = [new Knowledge(), new Set()];
for (;;) {
  try {
    await follow(new WebSocket(`${site.replace("http", "ws")}/ws?ticket=${await ticket()}`, "pneumatic.v2"));
  } catch ({ status }) {
    if (status === 401) throw new Error("This login has ended.");
  }
  await pause(500 + Math.random() * 2_500);
}
