import { el, find, setText } from "../../util/dom.js";
import { sinceTime, fullTime } from "../../util/time.js";
import { conversationIn } from "../../util/route.js";
import { words } from "../../util/words.js";
import { faceOf, partnerIn, titleOf } from "../../model/conversations.js";
import { avatar, showFace } from "../avatar.js";
import { MemberList } from "./member_list.js";
import { NewMembers } from "./new_members.js";
import { Panel } from "./panel.js";
import { Question } from "./question.js";
import { Rename } from "./rename.js";
import { switchField } from "./switch_field.js";

const WIDE = "(min-width: 1100px)";
const TIMES_GROW_OLD = 60_000;

/**
 * Who or what a conversation is, and what can be done about it: a column beside the
 * timeline where there is room, over the page where there isn't. It follows the models
 * while it is open.
 */
export class Details {
  #context;
  #id = null;
  #ends = [];
  #frame = 0;
  #width = matchMedia(WIDE);
  #panel = new Panel({ name: "details", title: words.details, isLight: true, onclose: () => this.#closed() });
  #face = avatar();
  #title = el("h3", { dir: "auto", class: "details-title" });
  #about = el("p", { class: "secondary" });
  #mute = switchField({ label: words.mute, hint: words.muteHint, onchange: (isOn) => this.#context.models.preferences.mute(this.#id, isOn) });
  #error = el("p", { class: "form-error", role: "alert" });
  #rename;
  #newMembers;
  #members;
  #leaving;
  #group;

  constructor(context) {
    this.#context = context;
    this.#rename = new Rename({ onsave: (title) => this.#change((api) => api.rename(this.#id, title)) });
    this.#newMembers = new NewMembers(context, { onadd: (ids) => this.#change((api) => api.addMembers(this.#id, ids)) });
    this.#members = new MemberList(context.models, { onremove: (userId) => this.#remove(userId), onlost: () => this.#panel.focus() });
    this.#leaving = new Question({ ask: words.leaveGroup, question: words.leaveQuestion, yes: words.leave, onyes: () => this.#leave() });
    this.#group = el("section", { "aria-label": words.groupMembers }, el("h3", {}, words.groupMembers), this.#newMembers.node, this.#members.node, this.#leaving.node);
    const head = el("div", { class: "details-head" }, this.#face, this.#title, this.#rename.node, this.#about);
    this.#panel.body.append(head, this.#mute.node, this.#error, this.#group);
    this.#width.addEventListener("change", () => this.#reopen());
  }

  get isOpen() {
    return this.#panel.isOpen;
  }

  /** Shows a conversation; asked for the one that is shown already, it closes. */
  async open(conversationId) {
    if (this.isOpen && this.#id === conversationId) return this.close();
    if (this.isOpen) return this.follow(conversationId);
    this.#id = conversationId;
    this.#startOver();
    const { people, conversations, presence, preferences } = this.#context.models;
    this.#ends = [people, conversations, presence, preferences].map(({ changed }) => changed.listen(() => this.#drawSoon()));
    const timer = setInterval(() => this.#draw(), TIMES_GROW_OLD);
    this.#ends.push(() => clearInterval(timer));
    await this.#show();
  }

  /** Another conversation is on the page now, or none: null. */
  follow(conversationId) {
    if (!this.isOpen || this.#id === conversationId) return;
    if (!conversationId) return this.close();
    this.#id = conversationId;
    this.#startOver();
  }

  close() {
    return this.#panel.close();
  }

  #show() {
    return this.#width.matches ? this.#panel.openBeside(find("#areas")) : this.#panel.open();
  }

  /** The window has another width now, so that there is room, or none any more. */
  async #reopen() {
    if (!this.isOpen) return;
    const id = this.#id;
    await this.#panel.close();
    await this.open(id);
  }

  #closed() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#id = null;
  }

  #startOver() {
    setText(this.#error, "");
    this.#rename.close();
    this.#newMembers.close();
    this.#members.close();
    this.#leaving.close();
    this.#draw();
  }

  /** Models change many times in a moment; a person sees them once per frame. */
  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const { people, conversations, preferences } = this.#context.models;
    const conversation = conversations.get(this.#id);
    if (!conversation) return this.close();
    const me = people.me.id;
    const partner = partnerIn(conversation, me);
    const mayChange = !conversation.direct && conversations.isOwner(this.#id);
    showFace(this.#face, faceOf(conversation, people, me));
    setText(this.#title, titleOf(conversation, people, me));
    this.#mute.show(preferences.isMuted(this.#id));
    this.#group.hidden = conversation.direct;
    this.#rename.show(conversation.title ?? "", mayChange);
    this.#newMembers.show(conversation.members, mayChange);
    if (partner) this.#showPerson(partner);
    else this.#showGroup(conversation, mayChange);
  }

  #showPerson(id) {
    const { people, presence } = this.#context.models;
    const user = people.get(id);
    const now = new Date(this.#context.clock.now());
    const seen = presence.lastSeen(id);
    const state = presence.isOnline(id) ? words.partnerOnline : seen ? words.lastSeen(sinceTime(seen, now)) : "";
    setText(this.#about, [user?.full_name ? user.username : "", state].filter(Boolean).join(" · "));
    this.#about.title = seen ? fullTime(seen) : "";
  }

  #showGroup({ members, owners = [] }, mayRemove) {
    setText(this.#about, words.members(members.length));
    this.#about.title = "";
    this.#members.show({ members, owners, mayRemove });
  }

  /** Asks the server; what it refuses is said here. True when it is done. */
  async #change(ask) {
    setText(this.#error, "");
    const id = this.#id;
    try {
      const conversation = await ask(this.#context.net.api);
      if (conversation) this.#context.models.conversations.put(conversation);
      return true;
    } catch (problem) {
      if (this.#id === id) setText(this.#error, problem.sentence);
      return false;
    }
  }

  async #remove(userId) {
    const { conversations } = this.#context.models;
    const id = this.#id;
    if (!(await this.#change((api) => api.removeMember(id, userId)))) return;
    const conversation = conversations.get(id);
    if (!conversation) return;
    const without = (ids = []) => ids.filter((one) => one !== userId);
    conversations.put({ ...conversation, members: without(conversation.members), owners: without(conversation.owners) });
  }

  async #leave() {
    const { models, chat } = this.#context;
    const id = this.#id;
    if (!(await this.#change((api) => api.removeMember(id, models.people.me.id)))) return;
    await this.close();
    models.conversations.remove(id);
    if (conversationIn(location.hash) === id) chat.back();
  }
}
