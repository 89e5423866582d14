import { Alarm } from "../util/clock.js";

const PAUSE = 300;

/**
 * What this person wrote and the server hasn't got: messages that wait, and drafts. Both
 * outlive the page, and all tabs have the same.
 */
export class Shelf {
  #vault;
  #neighbours;
  #turn;
  #outbox;
  #drafts;
  #typed = new Map();
  #pause;
  #isOver = false;

  constructor({ vault, neighbours, turn, clock, outbox, drafts }) {
    this.#vault = vault;
    this.#neighbours = neighbours;
    this.#turn = turn;
    this.#outbox = outbox;
    this.#drafts = drafts;
    this.#pause = new Alarm(clock, () => this.flush());
    outbox.kept.listen((item) => this.#share("outbox", item.message_id, item));
    outbox.gone.listen((id) => this.#share("outbox", id, undefined));
    drafts.typed.listen((id, text) => this.#draft(id, text));
    neighbours.listen("outbox", ({ key, value }) => (value ? outbox.adopt(value, { isForeign: !turn.isShared }) : outbox.drop(key)));
    neighbours.listen("drafts", ({ key, value }) => drafts.adopt(key, value ?? ""));
    turn.changed.listen(() => this.#lookAgain());
  }

  /** Takes what an earlier page has left; see `Vault.read`. */
  restore({ outbox, drafts }) {
    for (const item of outbox.values()) this.#outbox.adopt(item);
    for (const [id, text] of drafts) this.#drafts.adopt(id, text);
  }

  /** Drafts are kept after a pause; this keeps them now. */
  flush() {
    this.#pause.clear();
    for (const [id, text] of this.#typed) this.#share("drafts", id, text || undefined);
    this.#typed.clear();
  }

  /** Nothing is kept any more: this person has logged out. */
  end() {
    this.#isOver = true;
    this.#pause.clear();
  }

  /** Whose turn it is delivers everything, also what a tab wrote that was closed at once. */
  async #lookAgain() {
    const { outbox } = await this.#vault.read(["outbox"]);
    for (const [id, item] of outbox) if (!this.#outbox.has(id)) this.#outbox.adopt(item);
  }

  #draft(id, text) {
    this.#typed.set(id, text);
    if (!this.#pause.isSet) this.#pause.set(PAUSE);
  }

  #share(store, key, value) {
    if (this.#isOver) return;
    this.#vault.write([[store, key, value]]);
    this.#neighbours.tell(store, { key, value });
  }
}
