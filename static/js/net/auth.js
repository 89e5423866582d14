import { Alarm } from "../util/clock.js";
import { Signal } from "../util/signal.js";

const LOCK = "pneumatic-refresh";
const MARGIN = 60_000;
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * This tab's login. The access token lives in this object only; the refresh token is an
 * HttpOnly cookie that no script can read. `lost` is emitted once when the login is over.
 */
export class Auth {
  lost = new Signal();
  #exchange;
  #clock;
  #locks;
  #alarm;
  #token = null;
  #expires = 0;
  #margin = 0;
  #refreshing = null;
  #over = false;

  /** `locks` is `navigator.locks` where it exists (secure contexts only), else undefined. */
  constructor({ exchange, clock, locks }) {
    this.#exchange = exchange;
    this.#clock = clock;
    this.#locks = locks;
    this.#alarm = new Alarm(clock, () => this.refresh().catch(() => {}));
  }

  signUp({ username, password, fullName }) {
    const body = { username, password };
    if (fullName) body.full_name = fullName;
    return this.#exchange("POST", "/auth/signup", { body });
  }

  async logIn({ username, password }) {
    this.#take(await this.#exchange("POST", "/auth/login", { body: { username, password, cookie: true } }));
  }

  /** A name is all that a guest gives; where guests are allowed, see `options`. */
  async enterAsGuest({ displayName }) {
    this.#take(await this.#exchange("POST", "/auth/guest", { body: { display_name: displayName, cookie: true } }));
  }

  /** What this server offers to whoever isn't logged in: `{guests}`. */
  options() {
    return this.#exchange("GET", "/auth/options");
  }

  /** A token that is good for at least a moment; asks for a new one when it isn't. */
  async token() {
    if (!this.#token || this.#clock.now() >= this.#expires) await this.refresh();
    return this.#token;
  }

  /** A token other than `used`, which the server has just refused. */
  async tokenAfter(used) {
    if (this.#token === used) await this.refresh();
    return this.#token;
  }

  /**
   * Asks for a new token, once at a time in this tab and, where the browser has locks, in
   * all tabs. Rejects with a `Problem`; one that is not passing means that the login is over.
   */
  refresh() {
    this.#refreshing ??= this.#inTurn(() => this.#renew()).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Ends this login on the server: its cookie, its sockets. */
  async logOut() {
    const token = await this.token();
    await this.#exchange("POST", "/auth/logout", { token });
    this.#forget();
  }

  /** Called by whoever learns from the server that the login has ended. */
  end() {
    this.#forget();
    if (this.#over) return;
    this.#over = true;
    this.lost.emit();
  }

  #inTurn(work) {
    return this.#locks ? this.#locks.request(LOCK, work) : work();
  }

  async #renew() {
    try {
      this.#take(await this.#exchange("POST", "/auth/refresh", { body: {} }));
    } catch (problem) {
      if (problem.passing === false) this.end();
      throw problem;
    }
  }

  #take({ access_token: token, expires_in: seconds }) {
    const life = seconds * 1000;
    this.#margin = Math.min(MARGIN, life / 5);
    this.#token = token;
    this.#expires = this.#clock.now() + life - this.#margin / 2;
    this.#alarm.set(Math.min(life - this.#margin, LONGEST_TIMER));
  }

  #forget() {
    this.#token = null;
    this.#alarm.clear();
  }
}
