import { Alarm } from "./util/clock.js";
import { chatAddress, conversationIn, hashOf } from "./util/route.js";
import { oneLine } from "./util/text.js";
import { words } from "./util/words.js";
import { partnerIn, titleOf } from "./model/conversations.js";
import { Visit } from "./model/visit.js";

const OLDER_SPACING = 2_000;
const TIMES_GROW_OLD = 60_000;

/**
 * What the person does and what they see: turns the address into an open conversation,
 * choices into calls, and changed models into one drawing per turn of the event loop.
 */
export class Chat {
  #models;
  #net;
  #clock;
  #views;
  #visit = null;
  #isDrawing = false;
  #returning = null;
  #olderAt = -Infinity;
  #redraw;

  /** `models`: people, conversations, outbox, drafts; `net`: api, sync, courier, reader. */
  constructor({ models, net, clock }) {
    this.#models = models;
    this.#net = net;
    this.#clock = clock;
    this.#redraw = new Alarm(clock, () => this.draw());
  }

  /** Takes the views (sidebar, pane, announcer, notice) and begins to draw. */
  start(views) {
    this.#views = views;
    const draw = () => this.draw();
    for (const model of [this.#models.people, this.#models.conversations, this.#models.outbox]) model.changed.listen(draw);
    this.#net.sync.changed.listen((id) => id === this.#visit?.id && draw());
    this.#net.sync.arrived.listen((message) => this.#arrived(message));
    window.addEventListener("popstate", draw);
    draw();
  }

  get isWatched() {
    return document.visibilityState === "visible";
  }

  /** Draws once, after everything that is happening now has happened. */
  draw() {
    if (this.#isDrawing) return;
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
    this.#returning = this.#visit?.id ?? null;
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
    this.#models.outbox.add(this.#visit.id, text, this.#clock.now());
    this.#net.courier.deliver();
  }

  retry(messageId) {
    this.#models.outbox.retry(messageId);
    this.#net.courier.deliver();
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
    if (conversations.get(this.#visit.id)) this.#views.announcer.say(words.announce(people.nameOf(message.sender_id), oneLine(message.content)));
  }

  #drawNow() {
    const now = new Date(this.#clock.now());
    const id = conversationIn(location.hash);
    const conversation = id ? this.#models.conversations.get(id) : undefined;
    if (this.#visit?.id !== conversation?.id) this.#turnTo(conversation);
    document.body.dataset.area = id ? "conversation" : "list";
    this.#views.sidebar.show(conversation?.id ?? null, now);
    if (conversation) this.#drawConversation(conversation, now);
    else this.#views.pane.showBlank({ isUnknown: Boolean(id) && this.#models.conversations.isLoaded, isWaiting: Boolean(id) });
    const name = conversation ? titleOf(conversation, this.#models.people, this.#models.people.me.id) : "";
    document.title = words.pageTitle(this.#models.conversations.unreadTotal(), name);
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
    this.#visit = null;
    this.#olderAt = -Infinity;
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
