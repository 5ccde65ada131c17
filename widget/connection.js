/* The line to the server: session, WebSocket, reconnecting, and the queue of what is not yet acknowledged. */
document.currentScript.deskhand((() => {
  "use strict";

  const FIRST_RETRY = 1000;
  const LONGEST_RETRY = 30_000;
  const FLOOD_RETRY = 10_000;
  const ACK_WITHIN = 10_000; // a socket silent for so long after a message is dead, whatever the browser says
  const STALE_AFTER = 60_000; // a page hidden for so long may have slept through its socket's end
  const QUEUE_LIMIT = 20;

  // crypto.randomUUID() exists on https pages only.
  const uuid = () => crypto.randomUUID ? crypto.randomUUID()
    : "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
      (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16));

  /* `on` receives status("connecting" | "online" | "offline" | "refused"), session(answer), frame(object) and
   * oversized(id); wanted() tells whether anybody still needs the line. */
  class Connection {
    constructor(kit, on) {
      Object.assign(this, { kit, on, socket: null, session: null, tries: 0, attempt: 0, refused: false, hiddenAt: 0 });
      addEventListener("online", () => this.hurry());
      addEventListener("pageshow", (event) => event.persisted && this.hurry());
      addEventListener("pagehide", () => this.drop()); // an open socket keeps the page out of the back/forward cache
      document.addEventListener("visibilitychange", () => {
        if (document.hidden) this.hiddenAt = Date.now();
        else if (!this.online || Date.now() - this.hiddenAt > STALE_AFTER) this.hurry();
      });
    }

    get online() {
      return this.socket !== null && this.socket.readyState === WebSocket.OPEN;
    }

    start() {
      if (!this.socket && !this.starting && !this.refused) this.connect();
    }

    hurry() {
      if (this.refused || !this.on.wanted()) return;
      this.drop();
      this.connect();
    }

    // Lets go of socket and timers; a late answer to an earlier attempt is ignored.
    drop() {
      this.attempt++;
      clearTimeout(this.retry);
      clearTimeout(this.watch);
      const { socket } = this;
      this.socket = null;
      this.starting = false;
      if (socket) socket.close();
    }

    // Another visitor: nothing of the old one may be used.
    forget() {
      this.drop();
      Object.assign(this, { session: null, refused: false, tries: 0 });
    }

    async connect() {
      clearTimeout(this.retry);
      const attempt = ++this.attempt;
      this.starting = true;
      this.on.status(this.tries ? "offline" : "connecting");
      try {
        if (!this.session) {
          const session = await this.openSession();
          if (attempt !== this.attempt) return;
          this.session = session;
          this.kit.write({ token: session.token });
          this.on.session(session);
        }
        this.openSocket(attempt);
      } catch (problem) {
        if (attempt !== this.attempt) return;
        if (problem.refused) this.refuse();
        else this.later();
      }
    }

    async openSession(withToken = true) {
      const { kit } = this;
      const token = withToken ? kit.read().token : undefined;
      const answer = await fetch(new URL("api/widget/session", kit.base), {
        method: "POST",
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ site_key: kit.options.siteKey, visitor_token: token, identity: kit.identity() || undefined }),
        signal: AbortSignal.timeout && AbortSignal.timeout(15_000),
      });
      if (answer.ok) return answer.json();
      if (answer.status === 401 && token) return this.openSession(false); // not our token any more: begin anew
      const passing = answer.status >= 500 || answer.status === 429 || answer.status === 408;
      const { error } = await answer.json().catch(() => ({}));
      if (!passing) console.warn(`Deskhand: ${error ? error.detail : answer.status}`); // for whoever embeds us
      throw Object.assign(new Error("Deskhand: no session."), { refused: !passing });
    }

    openSocket(attempt) {
      const url = new URL("ws/widget", this.kit.base);
      url.protocol = url.protocol.replace("http", "ws");
      url.searchParams.set("token", this.session.token);
      const socket = new WebSocket(url);
      this.socket = socket;
      this.starting = false;
      this.expect();
      socket.onopen = () => {
        clearTimeout(this.watch);
        this.on.status("online");
        this.flush();
      };
      socket.onmessage = (event) => {
        this.tries = 0;
        clearTimeout(this.watch);
        this.receive(JSON.parse(event.data));
      };
      socket.onclose = (event) => {
        if (attempt !== this.attempt) return;
        this.socket = null;
        this.closed(event.code);
      };
    }

    closed(code) {
      clearTimeout(this.watch);
      if (code === 4403) return this.refuse();
      // A proxy may turn the refusal of a token into a bare handshake failure: ask for a new one now and then.
      if (code === 4401 || this.tries % 3 === 2) this.session = null;
      const [first] = this.queue();
      if (code === 1009 && first) this.on.oversized(first.id);
      this.later(code === 4429 ? FLOOD_RETRY : 0);
    }

    refuse() {
      this.refused = true;
      this.drop();
      this.on.status("refused");
    }

    later(wait) {
      this.drop();
      this.on.status("offline");
      if (!this.on.wanted()) return;
      const backoff = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** this.tries++);
      // Jitter, so that a restarted server does not meet every page at the same moment.
      this.retry = setTimeout(() => this.connect(), (wait || backoff) * (0.5 + Math.random()));
    }

    // Something has to come back soon, or this socket is given up.
    expect() {
      clearTimeout(this.watch);
      this.watch = setTimeout(() => this.later(), ACK_WITHIN);
    }

    receive(frame) {
      if (frame.type === "ack") this.settle(frame.id);
      if (frame.type === "message" && frame.message.author === "customer") this.settle(frame.message.id);
      if (frame.type === "error" && frame.code === "rate_limited") {
        clearTimeout(this.again);
        this.again = setTimeout(() => this.flush(), FLOOD_RETRY / 2);
      }
      this.on.frame(frame);
    }

    send(frame) {
      if (!this.online) return false;
      this.socket.send(JSON.stringify(frame));
      return true;
    }

    // --- The queue: kept in storage until acknowledged, always sent under the same id --------------------

    queue() {
      return this.kit.read().queue || [];
    }

    // `human`: not a text, but the wish for a person. Null when the queue is full.
    enqueue(text, { id = uuid(), human } = {}) {
      const queue = this.queue();
      if (queue.length >= QUEUE_LIMIT) return null;
      const entry = { id, text, human };
      this.kit.write({ queue: [...queue, entry] });
      this.start();
      this.transmit(entry);
      return id;
    }

    settle(id) {
      const queue = this.queue();
      if (queue.some((entry) => entry.id === id)) this.kit.write({ queue: queue.filter((entry) => entry.id !== id) });
    }

    transmit({ id, text, human }) {
      if (this.send(human ? { type: "human", id } : { type: "message", id, text })) this.expect();
    }

    flush() {
      this.queue().forEach((entry) => this.transmit(entry));
    }
  }

  return { Connection };
})());
