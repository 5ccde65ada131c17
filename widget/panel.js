/* The dialog: header, conversation, composer, and how they follow the connection. */
document.currentScript.deskhand((() => {
  "use strict";

  const LIMIT = 10_000; // characters, as the server counts them
  const WARN_AT = 9_000;
  const TYPING_EVERY = 3000;
  const TYPING_LASTS = 6000;
  const UNSENT_AFTER = 15_000;
  const IDLE = 300_000;
  const PATIENCE = 2000; // before a missing connection is worth a line

  const ENGLISH = {
    open: "Open chat", close: "Close chat", placeholder: "Write a message…", send: "Send", log: "Conversation",
    human: "Talk to a person", asking: "Asking for a person…", assistant: "AI assistant", greeting: "Hello! How can we help?",
    escalated: "A person will take it from here. Your ticket number is #{number}.", stay: "You can leave this page: the reply will wait here.",
    sources: "Sources", quote: "Show the passage", helpful: "Helpful", unhelpful: "Not helpful", privacy: "Privacy",
    connecting: "Connecting…", offline: "No connection. Your messages are sent as soon as it is back.",
    unavailable: "The chat is unavailable right now. Please try again later.", sending: "Sending", sent: "Sent", failed: "Not sent",
    unsent: "Not sent yet.", retry: "Try again", typing: "Writing a reply", newer: "New messages", unread: "{count} new messages",
    left: "{count} characters left", too_long: "This is longer than 10,000 characters.", empty: "This message is empty.",
    rate_limited: "That was fast. It is sent again in a moment.", full: "Too many unsent messages. Please wait for the connection.",
  };
  const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
  const PATHS = { close: "M6 6l12 12M18 6L6 18", send: "M12 20V5M5.5 11.500L12 5l6.5 6.5",
    person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.500a7.5 7.5 0 0 1 15 0", down: "M12 5v14M6 13l6 6 6-6" };

  class Panel {
    constructor(kit, parts) {
      const { Connection, Messages, css, words = {} } = parts;
      // One object for good, so that the organization's texts reach who already holds it.
      this.native = { ...ENGLISH, ...words[kit.language] };
      this.words = { ...this.native };
      Object.assign(this, { kit, isOpen: false, state: "connecting", askedHistory: false, thumbs: new Map(), lastTyping: 0 });
      kit.addStyles(css);
      this.messages = new Messages(kit, { ...parts, words: this.words },
        { retry: (id) => this.retry(id), feedback: (id, helpful) => this.feedback(id, helpful) });
      this.line = new Connection(kit, {
        wanted: () => this.isOpen || kit.unfinished(),
        status: (state) => this.follow(state),
        session: (session) => this.dress(session.settings || {}, true),
        frame: (frame) => this.receive(frame),
        oversized: (id) => this.reject(id, this.words.too_long),
      });
      this.build();
      this.dress(kit.read().settings || {});
      this.resume();
      addEventListener("storage", () => this.countUnread()); // read in another tab
      setInterval(() => this.isOpen || kit.unfinished() || this.line.drop(), IDLE);
      document.addEventListener("visibilitychange", () => this.markRead());
    }

    // --- Drawing -----------------------------------------------------------------------------------------

    build() {
      const { h, icon } = this.kit;
      const button = (name, path, onclick, extra) => h("button", { type: "button", class: name, onclick, ...extra }, icon(path));
      this.title = h("div", { class: "title", dir: "auto" });
      this.subtitle = h("div", { class: "subtitle", dir: "auto" });
      this.closer = button("close", PATHS.close, () => this.close());
      this.banner = h("div", { class: "banner", role: "status", hidden: true });
      this.chips = h("div", { class: "chips" });
      this.hello = h("div", { class: "message ai" });
      this.dots = h("div", { class: "dots", role: "status", hidden: true }, h("i"), h("i"), h("i"), h("span", { class: "aside" }));
      this.scroll = h("div", { class: "scroll", tabindex: "0", onscroll: () => { this.newer.hidden = this.newer.hidden || this.atEnd(); } },
        this.hello, this.messages.list, this.chips, this.dots);
      this.newer = h("button", { type: "button", class: "newer", hidden: true, onclick: () => this.toEnd() }, icon(PATHS.down), h("span"));
      this.human = h("button", { type: "button", class: "human", onclick: () => this.askHuman() }, icon(PATHS.person), h("span"));
      this.privacy = h("span", { class: "privacy" });
      this.counter = h("div", { class: "counter", role: "status", hidden: true });
      this.input = h("textarea", { rows: 1, dir: "auto", enterkeyhint: "send", autocomplete: "off",
        oninput: () => this.typed(), onkeydown: (event) => this.key(event) });
      this.sender = h("button", { class: "send" }, icon(PATHS.send));
      this.dialog = h("div", { class: "panel", role: "dialog", tabindex: "-1", hidden: true },
        h("header", {}, h("div", {}, this.title, this.subtitle), this.closer), this.banner, this.scroll, this.newer,
        h("div", { class: "bar" }, this.human, this.counter, this.privacy),
        h("form", { onsubmit: (event) => { event.preventDefault(); this.submit(); } }, this.input, this.sender));
      this.kit.frame.append(this.dialog);
      this.kit.frame.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing) this.close(); });
      this.dialog.dir = RIGHT_TO_LEFT.includes(this.kit.language) ? "rtl" : "ltr";
      this.dialog.lang = this.kit.language;
    }

    // The organization's name, colour, texts and suggestions; kept, so that the next page starts dressed.
    dress(settings, keep = false) {
      const { kit, words } = this;
      Object.assign(words, this.native, settings.texts);
      if (keep) kit.write({ settings, words: { unavailable: words.unavailable } });
      kit.paint(kit.options.color || settings.color);
      this.settings = settings;
      this.messages.assistant = settings.assistant_name || words.assistant;
      this.title.textContent = settings.name || words.log;
      this.subtitle.textContent = [settings.assistant_name, words.assistant].filter(Boolean).join(" · ");
      this.human.lastChild.textContent = words.human;
      this.newer.lastChild.textContent = words.newer;
      this.dots.lastChild.textContent = words.typing;
      this.input.placeholder = words.placeholder;
      const labels = [[this.dialog, settings.name || words.log], [this.closer, words.close],
        [this.input, words.placeholder], [this.sender, words.send]];
      for (const [node, label] of labels) node.setAttribute("aria-label", label);
      this.privacy.replaceChildren(settings.privacy_url ? this.messages.markdown.link(kit, words.privacy, settings.privacy_url) : "");
      this.greet();
      this.hello.hidden = !keep && !settings.name; // rather nothing for a moment than a stranger's greeting
      this.countUnread();
    }

    greet() {
      const { h } = this.kit;
      const { greeting, suggestions = [] } = this.settings;
      this.hello.replaceChildren(this.messages.who({ author: "ai" }),
        h("div", { class: "bubble" }, ...this.messages.markdown.render(this.kit, greeting || this.words.greeting)));
      this.chips.replaceChildren(...suggestions.slice(0, 6).map((text) =>
        h("button", { type: "button", class: "chip", dir: "auto", onclick: () => this.say(text) && this.focus() }, text)));
      this.suggest();
    }

    suggest() {
      this.chips.hidden = this.messages.entries.length > 0;
    }

    // --- Opening and closing -----------------------------------------------------------------------------

    // `focus` is for somebody who asked: a panel that a new page brings back must not steal the page's focus.
    open(focus = true) {
      this.line.refused = false;
      this.line.start();
      if (this.isOpen) return;
      this.show(true);
      this.fit();
      const viewport = window.visualViewport;
      if (viewport) viewport.onresize = viewport.onscroll = () => this.fit();
      if (!this.input.value && this.kit.tab.read().draft) this.input.value = this.kit.tab.read().draft;
      this.typed(true);
      if (focus) this.focus();
      this.askHistory();
      this.toEnd();
      this.kit.emit("open");
    }

    // On a touch screen the keyboard would cover what there is to read.
    focus() {
      const target = matchMedia("(pointer: coarse)").matches ? this.dialog : this.input;
      target.focus({ preventScroll: true });
    }

    close() {
      if (!this.isOpen) return;
      const inside = this.dialog.contains(this.dialog.getRootNode().activeElement);
      this.show(false);
      if (inside) this.kit.launcher.focus({ preventScroll: true });
      this.kit.emit("close");
    }

    show(open) {
      this.isOpen = open;
      this.dialog.hidden = !open;
      this.kit.frame.classList.toggle("open", open);
      this.kit.launcher.setAttribute("aria-expanded", String(open));
      this.kit.keepOpen(open);
      this.markRead();
    }

    // A phone's keyboard shrinks the visual viewport only; the panel has to follow it.
    fit() {
      const { height, offsetTop } = window.visualViewport || { height: innerHeight, offsetTop: 0 };
      this.dialog.style.setProperty("--height", `${height}px`);
      this.dialog.style.setProperty("--top", `${offsetTop}px`);
    }

    // Another visitor: another conversation.
    reset() {
      this.line.forget();
      this.messages.clear();
      this.thumbs.clear();
      this.input.value = this.kit.tab.read().draft || "";
      this.askedHistory = false;
      this.recall(false);
      this.typing(false);
      this.asking(false);
      this.resume();
      this.greet();
      if (this.isOpen) this.line.start();
    }

    // What an earlier page left behind.
    resume() {
      for (const { id, text } of this.line.queue()) this.pend(id, text);
      if (this.kit.unfinished()) this.line.start();
    }

    // --- What the visitor does ---------------------------------------------------------------------------

    key(event) {
      // keyCode 229: Safari ends a composition before the Enter that chose the word arrives.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.submit();
    }

    typed(quiet = false) {
      const { input, counter } = this;
      const length = [...input.value].length;
      input.dir = input.value ? "auto" : this.dialog.dir; // the placeholder follows the panel
      this.grow(() => {
        input.style.height = "auto";
        input.style.height = `${Math.min(input.scrollHeight, 132)}px`;
      });
      counter.hidden = length < WARN_AT;
      counter.classList.toggle("over", length > LIMIT);
      counter.textContent = length < WARN_AT ? "" : this.words.left.replace("{count}", (LIMIT - length).toLocaleString());
      this.sender.disabled = !input.value.trim() || length > LIMIT || this.state === "refused";
      if (quiet) return;
      this.kit.tab.write({ draft: input.value });
      if (!input.value || Date.now() - this.lastTyping < TYPING_EVERY) return;
      this.lastTyping = Date.now();
      this.line.send({ type: "typing" });
    }

    submit() {
      if (this.sender.disabled || !this.say(this.input.value.trim())) return;
      this.input.value = "";
      this.typed();
      this.lastTyping = 0;
      this.input.focus({ preventScroll: true });
    }

    say(text, human = false) {
      if (this.state === "refused") return false;
      const id = this.line.enqueue(text, { human });
      if (!id) this.tell(this.words.full, true);
      else {
        this.kit.write({ active: Date.now(), waiting: true });
        this.pend(id, text);
        this.toEnd();
        this.kit.emit("message", { id, author: "customer", text });
      }
      return id !== null;
    }

    pend(id, text) {
      this.messages.pend(id, text);
      this.suggest();
      setTimeout(() => {
        const entry = this.messages.get(id);
        if (entry && entry.state === "sending") this.messages.fail(id, this.words.unsent);
      }, UNSENT_AFTER);
    }

    retry(id) {
      const { message } = this.messages.get(id);
      const queued = this.line.queue().some((entry) => entry.id === id);
      this.pend(id, message.text);
      if (!queued) this.line.enqueue(message.text, { id });
      else if (this.line.online) this.line.flush();
      else this.line.hurry();
      this.focus();
    }

    reject(id, reason) {
      this.line.settle(id);
      this.messages.fail(id, reason, "refused");
    }

    askHuman() {
      if (this.human.getAttribute("aria-busy") !== "true" && this.say(this.words.human, true)) this.asking(true);
    }

    asking(yes) {
      clearTimeout(this.askTimer);
      this.human.setAttribute("aria-busy", String(yes));
      this.human.lastChild.textContent = yes ? this.words.asking : this.words.human;
      if (yes) this.askTimer = setTimeout(() => this.asking(false), UNSENT_AFTER);
    }

    feedback(id, helpful) {
      if (!this.line.send({ type: "feedback", message_id: id, helpful })) this.thumbs.set(id, helpful);
    }

    // --- What the server says ----------------------------------------------------------------------------

    follow(state) {
      this.state = state;
      this.recall(false);
      if (state !== "connecting") this.hello.hidden = false;
      if (state === "online") {
        this.tell("");
        this.askedHistory = false;
        if (this.isOpen) this.askHistory();
        for (const [id, helpful] of this.thumbs) this.line.send({ type: "feedback", message_id: id, helpful });
        this.thumbs.clear();
      } else if (state === "refused") this.tell(this.words.unavailable);
      else this.bannerTimer = this.bannerTimer || setTimeout(() => this.tell(this.words[this.state]), PATIENCE);
      this.typed(true);
    }

    tell(text, briefly = false) {
      clearTimeout(this.bannerTimer);
      this.bannerTimer = briefly ? setTimeout(() => this.tell(""), UNSENT_AFTER) : 0;
      if (this.banner.textContent !== text) this.banner.textContent = text; // or it is read out again
      this.grow(() => { this.banner.hidden = !text; });
    }

    // Once a connection, and only for somebody who looks: a closed panel needs no more than the replay.
    askHistory() {
      if (this.askedHistory || !this.line.send({ type: "history" })) return;
      this.askedHistory = true;
      this.recall(true);
    }

    // Old messages are neither read out nor announced to the page, and laid out all at once.
    recall(yes) {
      if (yes) this.followed = this.atEnd();
      this.inHistory = yes;
      this.messages.list.setAttribute("aria-busy", String(yes));
    }

    receive(frame) {
      const handlers = {
        ack: () => this.messages.acknowledge(frame.id),
        typing: () => this.typing(true),
        chunk: () => this.grow(() => this.messages.stream(frame.message_id, frame.text)),
        message: () => this.arrive(frame.message),
        edited: () => this.messages.rewrite(frame.id, frame.text),
        retracted: () => this.messages.remove(frame.id),
        history_end: () => this.historyEnd(),
        escalated: () => this.escalated(frame.ticket),
        error: () => this.failed(frame),
      };
      if (Object.hasOwn(handlers, frame.type)) handlers[frame.type]();
    }

    arrive(message) {
      if (this.inHistory) return this.messages.store(message);
      const known = this.messages.get(message.id);
      const fresh = (!known || known.streaming) && message.author !== "customer";
      this.grow(() => this.messages.store(message), fresh && !known && message.id);
      this.suggest();
      if (message.author === "customer") return;
      this.typing(false);
      this.markRead();
      if (!fresh) return;
      this.kit.write({ active: Date.now(), waiting: false });
      this.kit.emit("message", { id: message.id, author: message.author, text: message.text });
    }

    historyEnd() {
      const { entries } = this.messages;
      const last = entries[entries.length - 1];
      this.kit.write({ waiting: Boolean(last) && last.message.author === "customer" });
      this.recall(false);
      this.suggest();
      this.markRead();
      if (this.followed) this.toEnd();
    }

    // Comes again with the history, after the message it belongs to.
    escalated({ number }) {
      const { h, icon } = this.kit;
      this.asking(false);
      this.grow(() => this.messages.notice(`ticket:${number}`, this.messages.newest(), icon(PATHS.person), h("div", {},
        h("p", { dir: "auto" }, this.words.escalated.replace("{number}", number)), h("p", { dir: "auto", class: "faint" }, this.words.stay))));
      if (this.inHistory || this.kit.read().ticket === number) return;
      this.kit.write({ ticket: number, waiting: true, active: Date.now() });
      this.kit.emit("escalated", { number });
    }

    // Errors stand at the message they are about. Only a flood may be guessed at: a message is given up by name.
    failed({ id, code, detail }) {
      const waiting = this.messages.entries.filter(({ state }) => state === "sending");
      const about = id || (waiting.length ? waiting[waiting.length - 1].id : null);
      const text = this.words[code] || detail || this.words.failed;
      if (code === "rate_limited" && about) this.messages.fail(about, text, "sending");
      else if (id) this.reject(id, text);
      else this.tell(text, true);
    }

    typing(yes) {
      clearTimeout(this.dotsTimer);
      const atEnd = this.atEnd();
      this.dots.hidden = !yes;
      if (yes) this.dotsTimer = setTimeout(() => this.typing(false), TYPING_LASTS);
      if (yes && atEnd) this.toEnd();
    }

    // --- Scrolling and unread ----------------------------------------------------------------------------

    atEnd() {
      const { scrollHeight, scrollTop, clientHeight } = this.scroll;
      return scrollHeight - scrollTop - clientHeight < 60;
    }

    toEnd() {
      this.scroll.scrollTop = this.scroll.scrollHeight;
      this.newer.hidden = true;
    }

    // Follows what is added, unless the reader has scrolled up. A long answer is shown from its first line.
    grow(change, id) {
      const follows = this.atEnd();
      change();
      if (!follows) this.newer.hidden = this.newer.hidden && !id;
      else {
        this.toEnd();
        const { node } = id && this.messages.get(id) || {};
        if (node && node.offsetHeight > this.scroll.clientHeight) this.scroll.scrollTop = node.offsetTop - 12;
      }
    }

    markRead() {
      if (this.isOpen && !document.hidden) this.kit.write({ seen: Math.max(this.messages.newest(), this.kit.read().seen || 0) });
      this.countUnread();
    }

    countUnread() {
      const count = this.messages.unread(this.kit.read().seen || 0);
      this.kit.setUnread(count);
      this.kit.launcher.setAttribute("aria-label", this.isOpen ? this.words.close
        : this.words.open + (count ? ` (${this.words.unread.replace("{count}", count)})` : ""));
      if (count !== this.count) this.kit.emit("unread", count);
      this.count = count;
    }
  }

  return { Panel };
})());
