/** A sessionStorage in memory. */
export class FakeStorage {
  entries = new Map();
  getItem = (name) => this.entries.get(name) ?? null;
  setItem = (name, value) => this.entries.set(name, String(value));
  removeItem = (name) => this.entries.delete(name);
}
