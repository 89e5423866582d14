import { gist } from "../util/rich.js";
import { words } from "../util/words.js";
import { titleOf } from "../model/conversations.js";
import { permission } from "./permission.js";
import { playTone } from "./tone.js";

const TONE_SPACING = 1_500;
const ICON = "/icon-192.png";

/**
 * Draws attention to what arrives while nobody looks: a notification per conversation, a
 * tone, and the count on the app's icon. A notification goes when its conversation is read.
 */
export class Notifier {
  #models;
  #isWatched;
  #onopen;
  #shown = new Map();
  #tonedAt = -Infinity;

  /** `isWatched()` tells whether somebody looks at this page; `onopen(conversationId)` when a notification is chosen. */
  constructor({ models, isWatched, onopen }) {
    this.#models = models;
    this.#isWatched = isWatched;
    this.#onopen = onopen;
    models.conversations.changed.listen(() => this.#follow());
    navigator.serviceWorker?.addEventListener("message", ({ data }) => data?.type === "open" && this.#open(data.conversationId));
  }

  /** A live message of a conversation; one's own, muted and watched ones stay quiet. */
  arrived(message, conversation) {
    const { people, preferences } = this.#models;
    if (message.sender_id === people.me.id || preferences.isMuted(conversation.id) || this.#isWatched()) return;
    this.#sound();
    if (preferences.get("notifications") && permission() === "granted") this.#notify(message, conversation);
  }

  /** Offers notifications, once and only to who can have them; good after a first message was sent. */
  async suggest() {
    const { preferences } = this.#models;
    if (preferences.get("suggested") || preferences.get("notifications") || permission() !== "default") return;
    preferences.set("suggested", true);
    const { suggestNotifications } = await import("./panels/suggestion.js");
    await suggestNotifications(preferences);
  }

  #sound() {
    const now = performance.now();
    if (!this.#models.preferences.get("sound") || now - this.#tonedAt < TONE_SPACING) return;
    this.#tonedAt = now;
    playTone();
  }

  async #notify({ sender_id: sender, content }, conversation) {
    const { people } = this.#models;
    const { id, direct } = conversation;
    const text = gist(content);
    const body = direct ? text : words.senderPreview(people.nameOf(sender), text);
    const title = titleOf(conversation, people, people.me.id);
    const options = { body, tag: id, icon: ICON, badge: ICON, renotify: true, silent: this.#models.preferences.get("sound"), data: { conversationId: id } };
    const shown = await show(title, options);
    if (!shown) return;
    this.#shown.set(id, shown);
    shown.onclick = () => {
      window.focus();
      shown.close();
      this.#open(id);
    };
  }

  /** Whatever lies over the page would hide the conversation. */
  #open(id) {
    document.querySelector("dialog:modal")?.close();
    this.#onopen(id);
  }

  #follow() {
    const { conversations, preferences } = this.#models;
    const unread = conversations.unreadTotal((id) => preferences.isMuted(id));
    if (unread > 0) navigator.setAppBadge?.(unread).catch(() => {});
    else navigator.clearAppBadge?.().catch(() => {});
    for (const [id, shown] of this.#shown) {
      if (conversations.unread(id) > 0) continue;
      shown.close();
      this.#shown.delete(id);
    }
  }
}

/** On phones only a service worker may notify; then there is nothing to hold here but the worker's list. */
async function show(title, options) {
  try {
    return new Notification(title, options);
  } catch {
    const worker = await navigator.serviceWorker?.getRegistration();
    if (!worker) return null;
    await worker.showNotification(title, options);
    const [shown] = await worker.getNotifications({ tag: options.tag });
    return shown ?? null;
  }
}
