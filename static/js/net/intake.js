import { Signal } from "../util/signal.js";

/** The conversation that a frame is about, or undefined. */
export function conversationOf(frame) {
  return frame.conversation_id ?? frame.conversation?.id ?? frame.message?.conversation_id;
}

export function revOf(frame) {
  return frame.rev ?? frame.conversation?.rev ?? frame.message?.rev ?? 0;
}

/** Puts what the server tells into the models; whether it is the turn of a frame is net/sync.js's to know. */
export class Intake {
  /** Emits `(message, isNews)` for each message. */
  arrived = new Signal();
  /** Emits the id of a conversation whose timeline changed. */
  changed = new Signal();
  #models;
  #timelines;
  #courier;
  #roster;
  #isHeld;

  /** `isHeld(id)`: whether messages of a conversation are to be collected, or come with its first page. */
  constructor({ models, timelines, courier, roster, isHeld }) {
    this.#models = models;
    this.#timelines = timelines;
    this.#courier = courier;
    this.#roster = roster;
    this.#isHeld = isHeld;
  }

  apply(frame, isNews) {
    const { conversations } = this.#models;
    if (frame.type === "message") this.#take(frame.message, isNews);
    else if (frame.type === "ack") this.#take(this.#stored(frame), false);
    else if (frame.type === "read") conversations.read(frame.conversation_id, frame.user_id, frame.seq);
    else if (frame.type === "conversation") {
      conversations.put(frame.conversation);
      this.#roster.meet(frame.conversation.members);
    }
  }

  /** An `ack` says where a message stands, not what is in it. */
  canApply(frame) {
    return frame.type !== "ack" || this.#models.outbox.has(frame.message_id);
  }

  /**
   * The `ack` of a repeat comes out of order: the message is shown where it belongs, and what
   * lies between is still to come.
   */
  repeated(ack) {
    if (this.canApply(ack)) this.#show(this.#stored(ack));
  }

  /** The whole list: what isn't in it is gone. */
  list(conversations) {
    this.#models.conversations.replaceAll(conversations);
    this.#roster.meet(conversations.flatMap(({ members }) => members));
  }

  /** Conversations of which nothing was known, `{conversation, messages}`, with their latest page. */
  begin(openings) {
    this.#models.conversations.putAll(openings.map(({ conversation }) => conversation));
    for (const { conversation, messages } of openings) {
      this.#timelines.restart(conversation.id, messages);
      this.#roster.meet(conversation.members);
      this.noticed(conversation.id, messages);
    }
  }

  /** Its latest page has to come anew. */
  unload(id) {
    this.#timelines.forget(id);
    this.changed.emit(id);
  }

  /** It isn't this person's any more. */
  remove(id) {
    this.#timelines.forget(id);
    this.#models.conversations.remove(id);
  }

  /** Forgets the conversations that aren't among these. */
  keepOnly(ids) {
    for (const { id } of this.#models.conversations.all) if (!ids.has(id)) this.#timelines.forget(id);
    this.#models.conversations.keepOnly(ids);
  }

  /** Stored messages came from the server: the list, the outbox and the names follow. */
  noticed(id, messages) {
    const { people, conversations } = this.#models;
    for (const message of messages) {
      conversations.apply(message);
      if (message.sender_id === people.me.id) this.#courier.acknowledged(message.message_id);
    }
    this.#roster.meet(messages.map((message) => message.sender_id));
    this.changed.emit(id);
  }

  #take(message, isNews) {
    this.#models.typing.wrote(message.conversation_id, message.sender_id);
    this.#show(message);
    this.arrived.emit(message, isNews);
  }

  #show(message) {
    const id = message.conversation_id;
    if (this.#isHeld(id)) this.#timelines.of(id).add(message);
    this.noticed(id, [message]);
  }

  /** A message of mine as the server has stored it. */
  #stored({ message_id, id, conversation_id, seq, rev, created_at }) {
    const { content } = this.#models.outbox.get(message_id);
    return { id, message_id, sender_id: this.#models.people.me.id, conversation_id, content, created_at, seq, rev };
  }
}
