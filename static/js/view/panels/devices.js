import { el, reconcile, setText } from "../../util/dom.js";
import { sinceTime, fullTime } from "../../util/time.js";
import { words } from "../../util/words.js";
import { deviceName } from "./device_name.js";
import { Question } from "./question.js";

/** Where this person is logged in, and a way to end that there. */
export class Devices {
  #api;
  #clock;
  #sessions = [];
  #list = el("ul", { class: "devices" });
  #error = el("p", { class: "form-error", role: "alert" });
  #retry = el("button", { type: "button", class: "small", hidden: true, on: { click: () => this.load() } }, words.tryAgain);
  #heading = el("h3", { tabindex: "-1" }, words.devices);
  node = el("section", {}, this.#heading, el("p", { class: "secondary" }, words.devicesNote), this.#list, this.#error, this.#retry);

  constructor({ net: { api }, clock }) {
    this.#api = api;
    this.#clock = clock;
  }

  open() {
    this.load();
  }

  close() {
    this.#sessions = [];
    this.draw();
  }

  /** This one first, the others as the server has them: the one used last first. */
  draw() {
    const sorted = [...this.#sessions].sort((a, b) => Number(b.current) - Number(a.current));
    reconcile(this.#list, sorted, { key: ({ id }) => id, create: (session) => this.#create(session), update: (node, session) => this.#fill(node, session) });
  }

  async load() {
    try {
      this.#sessions = await this.#api.sessions();
      this.#say("");
      this.draw();
    } catch (problem) {
      this.#say(problem.sentence);
      this.#retry.hidden = false;
    }
  }

  #say(sentence) {
    setText(this.#error, sentence);
    this.#retry.hidden = true;
  }

  #create({ id, current }) {
    const parts = { name: el("strong"), used: el("time", { class: "secondary" }), ending: new Question({ ask: words.endSession, question: words.endQuestion, yes: words.endSession, isSmall: true, onyes: () => this.#end(id) }) };
    const place = el("span", { class: "secondary", dir: "auto" });
    parts.place = place;
    const mark = current ? el("span", { class: "owner-mark" }, words.thisDevice) : null;
    const text = el("div", { class: "device-text" }, el("span", { class: "member-top" }, parts.name, mark), place, parts.used);
    const node = el("li", { class: "device" }, text, current ? null : parts.ending.node);
    node.parts = parts;
    return node;
  }

  #fill({ parts }, { user_agent: agent, address, used_at: used }) {
    const name = deviceName(agent);
    const date = new Date(used);
    setText(parts.name, name);
    parts.name.title = agent ?? "";
    setText(parts.place, address ?? "");
    setText(parts.used, words.lastUsed(sinceTime(date, new Date(this.#clock.now()))));
    parts.used.dateTime = used;
    parts.used.title = fullTime(date);
    parts.ending.say({ label: words.endNamed(name), question: words.endQuestion });
  }

  async #end(id) {
    try {
      await this.#api.endSession(id);
      this.#say("");
    } catch (problem) {
      if (problem.status !== 404) return this.#say(problem.sentence);
    }
    this.#sessions = this.#sessions.filter((session) => session.id !== id);
    this.draw();
    this.#heading.focus();
  }
}
