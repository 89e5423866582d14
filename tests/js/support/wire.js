/**
 * The class that stands in for `WebSocket` before a fake server. Frames keep their order and
 * may wait on the way in either direction; what waits when the connection is lost is lost.
 */
export function socketClass(server) {
  return class {
    sent = [];
    isOpen = false;
    isClosed = false;
    toServer = [];
    toClient = [];
    /** What the server says bit by bit, with other frames between. */
    answer = [];

    constructor(address, protocols) {
      this.address = address;
      this.protocols = protocols;
      server.sockets.push(this);
      server.calls.push(["socket"]);
    }

    /** What the browser says. */
    send(text) {
      const frame = JSON.parse(text);
      this.sent.push(frame);
      server.calls.push(["frame", frame.message_id ?? frame.type]);
      this.toServer.push(frame);
      if (!server.isSlow) this.arrive(Infinity);
    }

    /** Lets frames of the browser reach the server, the oldest first. */
    arrive(count) {
      this.toClient.push(...this.answer.splice(0, Math.min(count, this.answer.length)));
      for (const frame of this.toServer.splice(0, Math.min(count, this.toServer.length))) {
        if (!server.isDeaf && this.isOpen) server.hear(this, frame);
      }
    }

    /** What the server says. */
    tell(frame) {
      this.toClient.push(structuredClone(frame));
      if (!server.isSlow) this.reach(Infinity);
    }

    /** The same, but not in one piece. */
    tellSlowly(frames) {
      if (server.isSlow) this.answer.push(...structuredClone(frames));
      else for (const frame of frames) this.tell(frame);
    }

    /** Lets frames of the server reach the browser. */
    reach(count) {
      for (const frame of this.toClient.splice(0, Math.min(count, this.toClient.length))) this.receive(frame);
    }

    open() {
      this.isOpen = true;
      this.tell(server.ready());
    }

    receive(frame) {
      this.onmessage?.({ data: JSON.stringify(frame) });
    }

    /** The connection is lost, with all that is on its way. */
    end(code) {
      this.#forget();
      this.onclose?.({ code });
    }

    /** The browser closes it. */
    close() {
      this.isClosed = true;
      this.#forget();
    }

    #forget() {
      this.isOpen = false;
      this.toServer.length = this.toClient.length = this.answer.length = 0;
    }
  };
}
