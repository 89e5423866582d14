/**
 * The least of a `WebSocket` (RFC 6455) for a Node.js that has none of its own, of its standard library alone. It reads whole
 * messages, which is what Pneumatic's server sends.
 */
import { randomBytes } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";

const [TEXT, CLOSE, PING, PONG] = [0x1, 0x8, 0x9, 0xa];

export class PlainSocket {
  onmessage = null;
  onclose = null;
  #socket = null;
  #unread = Buffer.alloc(0);
  #code = 1006;

  constructor(url, subprotocol) {
    const asked = new URL(url.replace(/^ws/, "http"));
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": 13,
      "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
      "Sec-WebSocket-Protocol": subprotocol,
    };
    const request = (asked.protocol === "https:" ? https : http).request(asked, { headers });
    request.on("upgrade", (_, socket, head) => this.#open(socket, head));
    request.on("response", (response) => {
      response.resume();
      this.#end();
    });
    request.on("error", () => this.#end());
    request.end();
  }

  /** 1 while it is open. */
  get readyState() {
    return this.#socket?.writable ? 1 : 3;
  }

  send(text) {
    this.#write(TEXT, Buffer.from(text));
  }

  /** Says goodbye, and waits a moment for the answer. */
  close() {
    this.#write(CLOSE, Buffer.from([1000 >> 8, 1000 & 0xff]));
    setTimeout(() => this.#socket?.destroy(), 2_000).unref();
  }

  #open(socket, head) {
    this.#socket = socket;
    socket.on("data", (data) => this.#read(data));
    socket.on("error", () => {});
    socket.on("close", () => this.#end());
    this.#read(head);
  }

  #end() {
    this.onclose?.({ code: this.#code });
  }

  #read(data) {
    this.#unread = Buffer.concat([this.#unread, data]);
    for (let frame = this.#next(); frame; frame = this.#next()) {
      const [opcode, payload] = frame;
      if (opcode === TEXT) this.onmessage?.({ data: payload.toString() });
      else if (opcode === PING) this.#write(PONG, payload);
      else if (opcode === CLOSE) {
        this.#code = payload.length > 1 ? payload.readUInt16BE() : 1005;
        this.#socket.end();
      }
    }
  }

  /** A whole frame of what was read, if there is one. */
  #next() {
    const data = this.#unread;
    if (data.length < 2) return null;
    const head = { 126: 4, 127: 10 }[data[1]] ?? 2;
    if (data.length < head) return null;
    const size = head === 4 ? data.readUInt16BE(2) : head === 10 ? Number(data.readBigUInt64BE(2)) : data[1];
    if (data.length < head + size) return null;
    this.#unread = data.subarray(head + size);
    return [data[0] & 0x0f, data.subarray(head, head + size)];
  }

  #write(opcode, payload) {
    if (!this.#socket?.writable) return;
    const [size, mask] = [payload.length, randomBytes(4)];
    const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (size < 126 ? size : size < 65_536 ? 126 : 127);
    if (head.length === 4) head.writeUInt16BE(size, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
    this.#socket.write(Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at % 4])]));
  }
}
