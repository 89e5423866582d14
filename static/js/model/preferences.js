import { Signal } from "../util/signal.js";

const NAME = "pneumatic.preferences";

/** What each choice may be; the first is what holds until something is chosen. `""` leaves it to the browser. */
export const CHOICES = {
  theme: ["system", "light", "dark"],
  textSize: ["normal", "small", "large", "larger"],
  language: ["", "ar", "cs", "da", "de", "el", "en-GB", "en-US", "es", "fi", "fr", "he", "hi", "hu", "it", "ja", "ko", "nb", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh"],
  sound: [false, true],
  notifications: [false, true],
  /** Whether notifications were suggested; that is done once. */
  suggested: [false, true],
};

/** How this person wants it, in this browser: kept beside the login, shared by all tabs. */
export class Preferences {
  changed = new Signal();
  #storage;
  #values = {};
  #muted = new Set();

  /** `storage` is a localStorage. */
  constructor({ storage }) {
    this.#storage = storage;
    this.reload();
  }

  get(name) {
    return this.#values[name] ?? CHOICES[name][0];
  }

  set(name, value) {
    this.#values[name] = value;
    this.#save();
  }

  isMuted(conversationId) {
    return this.#muted.has(conversationId);
  }

  mute(conversationId, isMuted) {
    if (isMuted) this.#muted.add(conversationId);
    else this.#muted.delete(conversationId);
    this.#save();
  }

  /** Reads what is stored: at the start, and when another tab has changed it. */
  reload() {
    const { muted, ...values } = restored(this.#storage);
    this.#values = Object.fromEntries(Object.entries(values).filter(([name, value]) => Object.hasOwn(CHOICES, name) && CHOICES[name].includes(value)));
    this.#muted = new Set(Array.isArray(muted) ? muted : []);
    this.changed.emit();
  }

  /** Where storage is forbidden, a choice holds for this page. */
  #save() {
    try {
      this.#storage.setItem(NAME, JSON.stringify({ ...this.#values, muted: [...this.#muted] }));
    } catch (refusal) {
      console.warn("preferences not kept", refusal);
    }
    this.changed.emit();
  }
}

function restored(storage) {
  try {
    const values = JSON.parse(storage.getItem(NAME) ?? "{}");
    return values && typeof values === "object" ? values : {};
  } catch {
    return {};
  }
}
