const CHANNEL = "pneumatic";

/** The other tabs of this browser that show this page. Where there is no channel, nobody is there. */
export class Neighbours {
  #channel = null;
  #listeners = new Map();

  /** `Channel` is `BroadcastChannel` where it exists, else undefined. */
  constructor(Channel) {
    if (!Channel) return;
    this.#channel = new Channel(CHANNEL);
    this.#channel.onmessage = ({ data }) => this.#listeners.get(data?.kind)?.(data.value);
  }

  /** Says something to all others. */
  tell(kind, value = null) {
    this.#channel?.postMessage({ kind, value });
  }

  /** Calls `listener(value)` whenever another tab says something of this kind; one for each kind. */
  listen(kind, listener) {
    this.#listeners.set(kind, listener);
  }
}
