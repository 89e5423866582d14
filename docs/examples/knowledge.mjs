/** What a client of `pneumatic.v2` knows, and so which frames are new to it ("Staying exact" in API.md). */
export class Knowledge {
  epoch = null;
  /** Up to which `rev` everything is known, by conversation. */
  cursors = {};
  /** Whether a `resume` has to be sent now. */
  isBehind = false;
  /** What came live since a `resume` was called for. What called for it will come in the answer. */
  #kept = null;

  resume() {
    this.isBehind = false;
    return { type: "resume", epoch: this.epoch, cursors: this.cursors };
  }

  /** The frames that can be applied now, in order. */
  take(frame) {
    const about = frame.message ?? frame.conversation ?? frame;
    const [conversation, rev] = [about.conversation_id ?? about.id, about.rev ?? 0];
    const next = (this.cursors[conversation] ?? 0) + 1;
    if (frame.type === "resumed") {
      const kept = this.#kept;
      this.#kept = null;
      [this.epoch, this.cursors] = [frame.epoch, frame.heads];
      return [frame, ...kept.flatMap((late) => this.take(late))];
    }
    if (frame.resumed || frame.type === "reset") return [frame];
    if (frame.type === "ready" || (!this.#kept && rev > next)) {
      this.#kept = [];
      this.isBehind = true;
    } else if (this.#kept) this.#kept.push(frame);
    else if (rev === next) {
      this.cursors[conversation] = rev;
      return [frame];
    }
    return [];
  }
}
