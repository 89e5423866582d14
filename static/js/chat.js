import { Alarm } from "./util/clock.js";
import { chatAddress, conversationIn, hashOf } from "./util/route.js";
import { Signal } from "./util/signal.js";
import { gist } from "./util/rich.js";
import { words } from "./util/words.js";
import { partnerIn, titleOf } from "./model/conversations.js";
import { Visit } from "./model/visit.js";

const OLDER_SPACING = 2_000;
const TIMES_GROW_OLD = 60_000;
/** A burst of frames is drawn a few times and not once for each. */
const BURST = 40;

/**
 * What the person does and what they see: turns the address into an open conversation,
 * choices into calls, and changed models into drawings, at once and then not too often.
 */
export class Chat {
  /** Emits the id of the conversation that is open now, or null. */
  turned = new Signal();
  /** Emitted when a message was written. */
  wrote = new Signal();
  #models;
  #net;
  #clock;
  #views;
  #visit = null;
  #isDrawing = false;
  #drawnAt = -Infinity;
  #returning = null;
  #olderAt = -Infinity;
  #redraw;
  #soon;

  /** `models`: see main.js; `net`: api, sync, reader, typist. */
  constructor({ models, net, clock }) {
    this.#models = models;
    this.#net = net;
    this.#clock = clock;
    this.#redraw = new Alarm(clock, () => this.draw());
    this.#soon = new Alarm(clock, () => this.#drawNow());
  }

  /** Takes the views (sidebar, pane, announcer, notice) and begins to draw. */
  start(views) {
    this.#views = views;
    const draw = () => this.draw();
    for (const model of Object.values(this.#models)) model.changed.listen(draw);
    this.#net.sync.changed.listen((id) => id === this.#visit?.id && draw());
    this.#net.sync.arrived.listen((message) => this.#arrived(message));
    window.addEventListener("popstate", draw);
    draw();
  }

  get isWatched() {
    return document.visibilityState === "visible";
  }

  /** The conversation that is open, or null. */
  get openId() {
    return this.#visit?.id ?? null;
  }

  /** Draws once, after everything that is happening now has happened. */
  draw() {
    if (this.#isDrawing || this.#soon.isSet) return;
    const wait = this.#drawnAt + BURST - this.#clock.now();
    if (wait > 0) return this.#soon.set(wait);
    this.#isDrawing = true;
    queueMicrotask(() => {
      this.#isDrawing = false;
      this.#drawNow();
    });
  }

  open(id) {
    if (conversationIn(location.hash) !== id) history.pushState({ fromList: !conversationIn(location.hash) }, "", hashOf(id));
    this.#drawNow();
    if (matchMedia("(pointer: fine)").matches) this.#views.pane.focusComposer();
  }

  /** Back to the list; where we came from it, that is one step back in the history. */
  back() {
    this.#returning = this.#visit?.id ?? conversationIn(location.hash);
    if (history.state?.fromList) return history.back();
    history.replaceState(null, "", chatAddress(""));
    this.draw();
  }

  step(by) {
    const id = this.#views.sidebar.beside(this.#visit?.id, by);
    if (id) this.open(id);
  }

  /** Opens the 1-on-1 with a person, which the server makes if there is none. */
  async openPerson(userId) {
    const { conversations, people } = this.#models;
    const known = conversations.all.find((one) => partnerIn(one, people.me.id) === userId);
    if (known) return this.open(known.id);
    try {
      this.enter(await this.#net.api.createConversation({ memberIds: [userId] }));
    } catch (problem) {
      this.#views.notice.show(problem.sentence);
    }
  }

  /** Opens a conversation that the server has just given us. */
  enter(conversation) {
    this.#models.conversations.put(conversation);
    this.open(conversation.id);
  }

  send(text) {
    this.#visit.wrote();
    this.#net.typist.stop();
    this.#models.outbox.add(this.#visit.id, text, this.#clock.now());
    this.#drawNow();
    this.wrote.emit();
  }

  /** A key was pressed in the composer. */
  typed() {
    this.#net.typist.typed(this.#visit.id);
  }

  retry(messageId) {
    this.#models.outbox.retry(messageId, this.#clock.now());
  }

  remove(messageId) {
    this.#models.outbox.remove(messageId);
  }

  reload() {
    this.#visit.problem = null;
    this.#load(this.#visit);
    this.draw();
  }

  async older() {
    const visit = this.#visit;
    if (!visit || visit.isLoadingOlder || this.#clock.now() - this.#olderAt < 0) return;
    const timeline = this.#net.sync.timeline(visit.id);
    if (!timeline.isLoaded || timeline.isComplete) return;
    visit.isLoadingOlder = true;
    this.draw();
    try {
      await this.#net.sync.older(visit.id);
    } catch (problem) {
      this.#olderAt = this.#clock.now() + (problem.retryAfter ?? OLDER_SPACING);
    } finally {
      visit.isLoadingOlder = false;
      this.draw();
    }
  }

  /** The reader moved, or looks again: whatever is at the bottom is read now. */
  see() {
    const visit = this.#visit;
    if (!visit) return;
    if (this.#isSeen()) {
      visit.seen();
      this.#net.reader.seen(visit.id, this.#net.sync.timeline(visit.id).head);
    }
    this.#views.pane.showJump(visit.below);
  }

  #isSeen() {
    return this.isWatched && document.hasFocus() && this.#views.pane.isAtBottom;
  }

  #arrived(message) {
    const { people, conversations } = this.#models;
    if (message.conversation_id !== this.#visit?.id || message.sender_id === people.me.id) return;
    this.#visit.arrived(message.seq, this.#isSeen());
    if (conversations.get(this.#visit.id)) this.#views.announcer.say(words.announce(people.nameOf(message.sender_id), gist(message.content)));
  }

  #drawNow() {
    const now = new Date(this.#clock.now());
    this.#drawnAt = this.#clock.now();
    this.#soon.clear();
    const id = conversationIn(location.hash);
    const conversation = id ? this.#models.conversations.get(id) : undefined;
    if (this.#visit?.id !== conversation?.id) this.#turnTo(conversation);
    document.body.dataset.area = id ? "conversation" : "list";
    this.#views.sidebar.show(conversation?.id ?? null, now);
    if (conversation) this.#drawConversation(conversation, now);
    else this.#views.pane.showBlank({ isUnknown: Boolean(id) && this.#models.conversations.isLoaded, isWaiting: Boolean(id) });
    const name = conversation ? titleOf(conversation, this.#models.people, this.#models.people.me.id) : "";
    document.title = words.pageTitle(this.#models.conversations.unreadTotal((one) => this.#models.preferences.isMuted(one)), name);
    this.#redraw.set(TIMES_GROW_OLD);
    if (!id && this.#returning) {
      this.#views.sidebar.focusEntry(this.#returning);
      this.#returning = null;
    }
  }

  #drawConversation(conversation, now) {
    const timeline = this.#net.sync.timeline(conversation.id);
    this.#views.pane.show({ conversation, timeline, visit: this.#visit }, now);
    this.see();
    if (this.#views.pane.needsOlder) this.older();
  }

  #turnTo(conversation) {
    this.#net.sync.leave();
    this.#net.typist.stop();
    this.#visit = null;
    this.#olderAt = -Infinity;
    this.turned.emit(conversation?.id ?? null);
    if (!conversation) return;
    const { id, last_seq: lastSeq } = conversation;
    this.#visit = new Visit(id, { lastRead: this.#models.conversations.readUpTo(id), lastSeq });
    this.#load(this.#visit);
  }

  async #load(visit) {
    try {
      await this.#net.sync.open(visit.id);
      visit.problem = null;
    } catch (problem) {
      visit.problem = problem;
    }
    this.draw();
  }
}
