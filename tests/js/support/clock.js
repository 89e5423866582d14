/** A clock that only moves when a test moves it. */
export class FakeClock {
  #now;
  #timers = new Map();
  #next = 1;

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now = () => this.#now;

  setTimeout = (callback, delay) => {
    const handle = this.#next;
    this.#next += 1;
    this.#timers.set(handle, { callback, at: this.#now + delay });
    return handle;
  };

  clearTimeout = (handle) => this.#timers.delete(handle);

  /** Time passes while no timer runs, as on a computer that sleeps. */
  sleep(duration) {
    this.#now += duration;
  }

  get pending() {
    return this.#timers.size;
  }

  /** Lets time pass, with all timers in their order and the promises behind each settled. */
  async pass(duration) {
    const end = this.#now + duration;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].callback();
      await settled();
    }
    this.#now = end;
  }
}

/** Resolves when every promise chain that can move has moved. */
export async function settled() {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
