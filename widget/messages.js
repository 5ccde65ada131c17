/* The conversation as a list: order, bubbles, citations, ticks, thumbs and notices. */
document.currentScript.deskhand((() => {
  "use strict";

  const ICONS = {
    ai: "M12 3l1.9 5.100L19 10l-5.1 1.900L12 17l-1.9-5.100L5 10l5.1-1.900zM19 16v4M17 18h4",
    up: "M7 11v9H4v-9zM7 11l4-8a2 2 0 0 1 2.5 2.300L13 9h5.500a2 2 0 0 1 2 2.300l-1.2 7A2 2 0 0 1 17.3 20H7",
    down: "M17 13V4h3v9zM17 13l-4 8a2 2 0 0 1-2.5-2.300L11 15H5.500a2 2 0 0 1-2-2.300l1.2-7A2 2 0 0 1 6.7 4H17",
    quote: "M6 9l6 6 6-6",
  };

  /* `act` offers retry(id) and feedback(id, helpful). An entry is {id, at, message, state?, problem?, helpful?,
   * streaming?, node}; `at` orders it: the server's time in milliseconds, Infinity while it waits here. */
  class Messages {
    constructor(kit, parts, act) {
      Object.assign(this, { kit, act, markdown: parts.markdown, words: parts.words, assistant: "" });
      this.list = kit.h("div", { class: "items", role: "log", "aria-live": "polite", "aria-relevant": "additions",
        "aria-label": this.words.log });
      this.clear();
    }

    clear() {
      this.entries = [];
      this.list.replaceChildren();
    }

    get(id) {
      return this.entries.find((entry) => entry.id === id);
    }

    // The newest time the server told us. Our own clock may be wrong, so it is never mixed in.
    newest() {
      return this.entries.reduce((most, { at }) => (at < Infinity && at > most ? at : most), 0);
    }

    unread(seen) {
      return this.entries.filter(({ at, message }) => at > seen && at < Infinity && /^(ai|agent)$/.test(message.author)).length;
    }

    // From the server: adds a message, or completes what its id already stands for.
    store(message) {
      if (message.author !== "customer") this.dropStreams(message.id);
      const at = Date.parse(message.created_at);
      const known = this.get(message.id);
      // History repeats what is here; drawing it again would take the focus from who stands on it.
      if (known && known.at === at && known.state === "sent" && !known.streaming && known.message.text === message.text) return;
      this.put(message.id, { message, at: at >= 0 ? at : this.newest(), state: "sent", problem: null, streaming: false,
        helpful: known && known.helpful != null ? known.helpful : message.helpful });
    }

    // From here: waits below everything else until acknowledged.
    pend(id, text) {
      this.put(id, { message: { id, author: "customer", text, created_at: new Date().toISOString() }, at: Infinity, state: "sending", problem: null });
    }

    acknowledge(id) {
      const entry = this.get(id);
      if (entry && entry.at === Infinity) this.put(id, { at: this.newest(), state: "sent", problem: null });
    }

    fail(id, problem, state = "failed") {
      if (this.get(id)) this.put(id, { problem, state });
    }

    stream(id, text) {
      const { message } = this.get(id) || { message: { id, author: "ai", text: "" } };
      this.put(id, { message: { ...message, text: message.text + text }, at: this.newest(), streaming: true });
    }

    // A streamed answer that another message overtook was withdrawn by the server's checks.
    dropStreams(except) {
      for (const { id, streaming } of this.entries) if (streaming && id !== except) this.remove(id);
    }

    // An agent corrected what they had written.
    rewrite(id, text) {
      const entry = this.get(id);
      if (entry) this.put(id, { message: { ...entry.message, text } });
    }

    remove(id) {
      const entry = this.get(id);
      if (!entry) return;
      entry.node.remove();
      this.entries = this.entries.filter((other) => other !== entry);
    }

    notice(id, at, ...content) {
      if (this.get(id)) return;
      this.put(id, { message: { id, author: "notice" }, at, content });
    }

    put(id, change) {
      const entry = this.get(id) || { id, node: this.kit.h("div") };
      const moves = entry.at !== change.at && change.at !== undefined || !entry.node.isConnected;
      Object.assign(entry, change);
      if (moves) this.place(entry);
      this.draw(entry);
    }

    // Moves a node only if it must: screen readers read out what is moved.
    place(entry) {
      const others = this.entries.filter((other) => other !== entry);
      let index = others.length;
      while (index > 0 && others[index - 1].at > entry.at) index--;
      const next = others[index] ? others[index].node : null;
      this.entries = [...others.slice(0, index), entry, ...others.slice(index)];
      if (!entry.node.parentNode || entry.node.nextSibling !== next) this.list.insertBefore(entry.node, next);
    }

    // --- Drawing -----------------------------------------------------------------------------------------

    draw(entry) {
      const { h } = this.kit;
      const { message, node } = entry;
      node.className = `message ${message.author}`;
      node.setAttribute("aria-busy", entry.streaming ? "true" : "false");
      if (message.author === "notice") return node.replaceChildren(...entry.content);
      const sources = message.citations || [];
      const theirs = message.author === "ai" || message.author === "agent";
      const bubble = h("div", { class: "bubble" }, ...(theirs ? this.markdown.render(this.kit, message.text || "", sources)
        : [h("p", { dir: "auto", class: "plain" }, message.text || "")]));
      node.replaceChildren(...[theirs && this.who(message), bubble, sources.length > 0 && this.sources(sources),
        message.author !== "system" && this.meta(entry), entry.problem && this.problem(entry)].filter(Boolean));
    }

    who({ author, name }) {
      const { h, icon } = this.kit;
      const shown = name || this.assistant;
      return h("div", { class: "who" }, h("span", { class: "face", "aria-hidden": "true" },
        author === "ai" ? icon(ICONS.ai) : [...shown][0] || "•"), h("span", { dir: "auto" }, shown));
    }

    meta(entry) {
      const { h } = this.kit;
      const { message, state } = entry;
      const label = this.words[state] || this.words.failed;
      const time = message.created_at && new Date(message.created_at);
      const today = time && time.toDateString() === new Date().toDateString();
      const clock = { hour: "2-digit", minute: "2-digit" };
      return h("div", { class: "meta" },
        time && h("time", { datetime: message.created_at }, time.toLocaleString([], today ? clock : { day: "numeric", month: "short", ...clock })),
        message.author === "customer" && h("span", { class: `tick ${state}`, role: "img", "aria-label": label, title: label }),
        message.author === "ai" && !entry.streaming && this.thumbs(entry));
    }

    thumbs(entry) {
      const { h, icon } = this.kit;
      const thumb = (helpful, label, path) => h("button", { type: "button", class: "thumb", "aria-label": label, title: label,
        "aria-pressed": String(entry.helpful === helpful), onclick: ({ currentTarget }) => {
          entry.helpful = helpful;
          for (const other of currentTarget.parentNode.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === currentTarget));
          this.act.feedback(entry.id, helpful);
        } }, icon(path));
      return h("span", { class: "thumbs" }, thumb(true, this.words.helpful, ICONS.up), thumb(false, this.words.unhelpful, ICONS.down));
    }

    problem({ id, problem, state }) {
      const { h } = this.kit;
      return h("div", { class: "problem" }, problem, state === "failed" && h("button", { type: "button", class: "retry",
        onclick: () => this.act.retry(id) }, this.words.retry));
    }

    // Numbered links, each with the passage it rests on folded beneath.
    sources(citations) {
      const { h, icon } = this.kit;
      return h("ol", { class: "sources", "aria-label": this.words.sources }, ...citations.map(({ title, url, quote }, at) => {
        const passage = quote && h("blockquote", { dir: "auto", hidden: true }, quote);
        const unfold = ({ currentTarget }) => {
          passage.hidden = !passage.hidden;
          currentTarget.setAttribute("aria-expanded", String(!passage.hidden));
        };
        return h("li", {}, h("span", { class: "number", "aria-hidden": "true" }, at + 1),
          h("span", { class: "source", dir: "auto" }, this.markdown.link(this.kit, title || url || "", url || "javascript:", { title: quote })),
          quote && h("button", { type: "button", class: "unfold", "aria-expanded": "false", "aria-label": this.words.quote,
            title: this.words.quote, onclick: unfold }, icon(ICONS.quote)),
          passage);
      }));
    }
  }

  return { Messages };
})());
