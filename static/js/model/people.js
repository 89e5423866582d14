import { Signal } from "../util/signal.js";
import { folded } from "../util/text.js";
import { words } from "../util/words.js";

/** Everyone whose name this tab knows, me included. */
export class People {
  changed = new Signal();
  /** False while the server has more people than were loaded. */
  isComplete = false;
  /** True once the first answer has come. */
  isLoaded = false;
  #byId = new Map();
  #me;

  /** `me` is `{id, username, full_name}`. */
  constructor(me) {
    this.#me = me.id;
    this.#byId.set(me.id, me);
  }

  get me() {
    return this.#byId.get(this.#me);
  }

  get all() {
    return [...this.#byId.values()];
  }

  has(id) {
    return this.#byId.has(id);
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** Takes people from the server; whoever isn't named in it stays known. */
  add(users) {
    for (const user of users) this.#byId.set(user.id, user);
    this.isLoaded = true;
    this.changed.emit();
  }

  /** Takes one who was met or has changed, me included. */
  put(user) {
    this.#byId.set(user.id, user);
    this.changed.emit();
  }

  nameOf(id) {
    const user = this.#byId.get(id);
    return user ? user.full_name || user.username : words.unknownPerson;
  }

  /** Everyone but me whose name or username contains the text, by name. */
  found(query) {
    const wanted = folded(query.trim());
    const others = [...this.#byId.values()].filter((user) => user.id !== this.#me && this.matches(user.id, wanted));
    return others.sort((a, b) => this.nameOf(a.id).localeCompare(this.nameOf(b.id)) || (a.id < b.id ? -1 : 1));
  }

  /** `wanted` is folded text (see util/text.js). */
  matches(id, wanted) {
    const user = this.#byId.get(id);
    if (!user) return false;
    return folded(user.username).includes(wanted) || folded(user.full_name ?? "").includes(wanted);
  }
}
