import { Signal } from "../../../static/js/util/signal.js";

/** A login that gives numbered tokens and notes what was asked of it. */
export class FakeAuth {
  lost = new Signal();
  refreshes = 0;
  ended = 0;
  failures = [];

  async token() {
    return `token-${this.refreshes}`;
  }

  async ticket() {
    const failure = this.failures.shift();
    if (failure) throw failure;
    return `ticket-${this.refreshes}`;
  }

  async refresh() {
    this.refreshes += 1;
  }

  end() {
    this.ended += 1;
    this.lost.emit();
  }
}
