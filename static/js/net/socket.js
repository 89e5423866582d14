import { Alarm } from "../util/clock.js";
import { Signal } from "../util/signal.js";
import { meaningOf } from "./close_codes.js";

const DIALECT = "pneumatic.v2";
const CONNECT_TIMEOUT = 15_000;
const STABLE = 5_000;
const QUIET = 25_000;
const PONG_WITHIN = 10_000;
/** So long a silence means that this page slept, and its connection is likely gone. */
const SLEPT = 120_000;
const NO_CLOSE_FRAME = 1006;

/**
 * The one connection of this tab, kept up. It is `connecting`, `online` from the server's
 * `ready` on, or `offline` while it waits until `retryAt` for the next try. The server's own
 * pings are hidden from scripts, so after a silence it is asked, and a connection that
 * doesn't answer is given up. Losing frames is allowed here: net/sync.js makes up for it.
 */
export class Socket {
  /** Emits the `ready` frame of each connection, before anything else comes. */
  opened = new Signal();
  /** Emits each parsed frame of the server. */
  received = new Signal();
  /** Emits the close code of each connection that ended. */
  closed = new Signal();
  changed = new Signal();

  state = "connecting";
  retryAt = null;

  #auth;
  #ticket;
  #clock;
  #backoff;
  #WebSocket;
  #base;
  #ws = null;
  #attempt = 0;
  #renewed = false;
  #retry;
  #deadline;
  #stable;
  #silence;
  #isAsking = false;
  #heardAt = -Infinity;

  /**
   * `base` is the address up to the path, `ws://host` or `wss://host`; `ticket` asks for what opens one connection,
   * so that no token stands in an address.
   */
  constructor({ auth, ticket, clock, backoff, WebSocket, base }) {
    this.#auth = auth;
    this.#ticket = ticket;
    this.#clock = clock;
    this.#backoff = backoff;
    this.#WebSocket = WebSocket;
    this.#base = base;
    this.#retry = new Alarm(clock, () => this.#connect());
    this.#deadline = new Alarm(clock, () => this.#ended(NO_CLOSE_FRAME));
    this.#stable = new Alarm(clock, () => this.#settle());
    this.#silence = new Alarm(clock, () => (this.#isAsking ? this.#ended(NO_CLOSE_FRAME) : this.probe()));
    auth.lost.listen(() => this.stop());
  }

  get isOnline() {
    return this.state === "online";
  }

  start() {
    this.#connect();
  }

  /** Ends the connection for good. */
  stop() {
    this.#drop();
    this.#retry.clear();
    this.#set("offline", null);
  }

  /** Tries at once instead of waiting on; nothing to do unless it waits. */
  now() {
    if (this.#retry.isSet) this.#connect();
  }

  /** Gives up the present connection, which may be dead without knowing, and makes another. */
  restart() {
    if (!this.#ws) return;
    const wasOnline = this.isOnline;
    this.#connect();
    if (wasOnline) this.closed.emit(NO_CLOSE_FRAME);
  }

  /** Asks the server for a sign of life; without one in time the connection is replaced. */
  probe() {
    if (this.#isAsking || !this.isOnline) return;
    this.#isAsking = true;
    this.#silence.set(PONG_WITHIN);
    this.send({ type: "ping" });
  }

  /** Somebody looks at the page again, which may have slept: makes sure of the connection at once. */
  revive() {
    if (this.isOnline && this.#clock.now() - this.#heardAt > SLEPT) this.restart();
    this.now();
    this.probe();
  }

  /** False when the frame could not be handed to an open connection. */
  send(frame) {
    if (!this.isOnline) return false;
    this.#ws.send(JSON.stringify(frame));
    return true;
  }

  async #connect() {
    this.#drop();
    this.#retry.clear();
    const attempt = this.#attempt;
    this.#set("connecting", null);
    let ticket;
    try {
      ticket = await this.#ticket();
    } catch (problem) {
      if (attempt !== this.#attempt) return;
      if (problem.loginNeeded) this.#auth.end();
      else this.#wait(problem.retryAfter ?? 0);
      return;
    }
    if (attempt !== this.#attempt) return;
    this.#attach(new this.#WebSocket(`${this.#base}/ws?ticket=${encodeURIComponent(ticket)}`, [DIALECT]));
  }

  #attach(ws) {
    this.#ws = ws;
    this.#deadline.set(CONNECT_TIMEOUT);
    ws.onmessage = ({ data }) => {
      this.#isAsking = false;
      this.#heardAt = this.#clock.now();
      this.#silence.set(QUIET);
      const frame = frameIn(data);
      if (frame?.type === "ready") this.#opened(frame);
      else if (frame) this.received.emit(frame);
    };
    ws.onclose = ({ code }) => this.#ended(code);
  }

  #opened(ready) {
    this.#deadline.clear();
    this.#stable.set(STABLE);
    this.#set("online", null);
    this.opened.emit(ready);
  }

  #ended(code) {
    this.#drop();
    this.closed.emit(code);
    const { action, wait } = meaningOf(code);
    if (action === "leave") this.#auth.end();
    else if (action === "renew") this.#renew();
    else this.#wait(wait);
  }

  /** Not authenticated: a new token and one more try; a second refusal ends the login. */
  async #renew() {
    if (this.#renewed) {
      this.#auth.end();
      return;
    }
    this.#renewed = true;
    const attempt = this.#attempt;
    this.#set("connecting", null);
    try {
      await this.#auth.refresh();
    } catch (problem) {
      if (attempt === this.#attempt && problem.passing) {
        this.#renewed = false;
        this.#wait(problem.retryAfter ?? 0);
      }
      return;
    }
    if (attempt === this.#attempt) this.#connect();
  }

  #wait(least) {
    const delay = least + this.#backoff.next();
    this.#set("offline", this.#clock.now() + delay);
    this.#retry.set(delay);
  }

  /** Only a connection that lasts proves that all is well; one that opens and dies doesn't. */
  #settle() {
    this.#backoff.reset();
    this.#renewed = false;
  }

  /** Forgets the present connection and whatever it may still say. */
  #drop() {
    this.#attempt += 1;
    this.#deadline.clear();
    this.#stable.clear();
    this.#silence.clear();
    this.#isAsking = false;
    const ws = this.#ws;
    this.#ws = null;
    if (!ws) return;
    ws.onmessage = ws.onclose = null;
    ws.close();
  }

  #set(state, retryAt) {
    this.state = state;
    this.retryAt = retryAt;
    this.changed.emit();
  }
}

function frameIn(data) {
  try {
    const frame = JSON.parse(data);
    return frame && typeof frame === "object" ? frame : null;
  } catch {
    return null;
  }
}
