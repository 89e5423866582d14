/**
 * The keyboard in the search and its results: Enter opens the first, arrow keys move through
 * them and back into the field, Escape empties it.
 */
export class SearchKeys {
  #search;
  #lists;

  /** `lists` contains the results, links and buttons; `onclear()` empties the search. */
  constructor({ search, lists, onclear }) {
    this.#search = search;
    this.#lists = lists;
    search.addEventListener("keydown", (event) => this.#inField(event, onclear));
    lists.addEventListener("keydown", (event) => this.#inResults(event));
  }

  get #results() {
    return [...this.#lists.querySelectorAll(".entry, .person")];
  }

  #inField(event, onclear) {
    if (event.isComposing || isModified(event)) return;
    const [first] = this.#results;
    if (event.key === "Enter" && this.#search.value.trim() !== "") first?.click();
    else if (event.key === "ArrowDown") first?.focus();
    else if (event.key === "Escape" && this.#search.value !== "") onclear();
    else return;
    event.preventDefault();
  }

  #inResults(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const from = event.target.closest(".entry, .person");
    if (!step || !from || isModified(event)) return;
    event.preventDefault();
    const results = this.#results;
    const to = results.indexOf(from) + step;
    (to < 0 ? this.#search : (results[to] ?? from)).focus();
  }
}

function isModified({ altKey, ctrlKey, metaKey, shiftKey }) {
  return altKey || ctrlKey || metaKey || shiftKey;
}
