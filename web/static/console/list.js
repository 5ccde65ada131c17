/* A list of conversations or tickets: pages as they are asked for, and a first page that is kept up to date. */

import { read } from "./api.js";
import { h, keyed, tag, time } from "./draw.js";
import { HANDLERS, PRIORITIES, REASONS, STATUSES, VIEWS, word } from "./words.js";

const PAGE = 25;
export const STATUS_TONES = { open: "warn", pending: "calm", resolved: "good" };
export const PRIORITY_TONES = { urgent: "bad", high: "warn" };

const row = (href, who, moment, subject, tags) => h("li", {}, h("a", { href },
  h("span", { class: "line" }, h("strong", { dir: "auto" }, who), time(moment)),
  h("span", { class: "subject", dir: "auto" }, subject || "(no text)"),
  h("span", { class: "tags" }, tags)));

export const KINDS = {
  conversations: {
    title: "Conversations",
    key: (item) => item.id,
    order: (item) => Date.parse(item.last_message_at),
    empty: () => "No conversations yet. When a customer writes, it appears here.",
    row: (item, href) => row(href, item.customer, item.last_message_at, item.subject, [
      tag(word(HANDLERS, item.handler), item.handler === "person" ? "warn" : "good"),
      item.ticket != null && tag(`Ticket #${item.ticket}`),
      h("span", { class: "faint" }, item.channel),
    ]),
  },
  tickets: {
    title: "Tickets",
    key: (item) => String(item.number),
    order: (item) => item.number,
    empty: (view) => view ? `No tickets under “${VIEWS[view][0]}”.`
      : "No tickets yet. One opens when the assistant hands a customer over.",
    row: (item, href) => row(href, `#${item.number} ${item.customer}`, item.created_at, item.subject, [
      tag(word(STATUSES, item.status), STATUS_TONES[item.status]),
      item.priority !== "normal" && tag(word(PRIORITIES, item.priority), PRIORITY_TONES[item.priority]),
      item.snoozed_until && Date.parse(item.snoozed_until) > Date.now() && tag("Snoozed"),
      h("span", { class: "faint" }, word(REASONS, item.reason)),
      item.assignee && h("span", { class: "faint" }, `· ${item.assignee}`),
    ]),
  },
};

export class List {
  constructor(root, kind, status, hrefOf) {
    Object.assign(this, { root, status, hrefOf, name: kind, kind: KINDS[kind], items: [], next: null, loaded: false });
    this.rows = root.querySelector(".rows");
    this.button = root.querySelector(".more button");
    this.draw();
  }

  // The newest page again. Of what was loaded before, only what is older than that page stays.
  async refresh() {
    const { items, next } = await read(this.name, { limit: PAGE, ...VIEWS[this.status]?.[1] });
    const fresh = new Set(items.map(this.kind.key));
    const oldest = items.length ? this.kind.order(items.at(-1)) : -Infinity;
    const kept = next == null ? [] : this.items.filter(
      (item) => !fresh.has(this.kind.key(item)) && this.kind.order(item) <= oldest);
    this.next = kept.length ? this.next : next;
    this.items = [...items, ...kept];
    this.loaded = true;
  }

  async more() {
    const { items, next } = await read(this.name, { limit: PAGE, ...VIEWS[this.status]?.[1], before: this.next });
    const known = new Set(this.items.map(this.kind.key));
    this.items.push(...items.filter((item) => !known.has(this.kind.key(item))));
    this.next = next;
    this.draw();
  }

  draw() {
    keyed(this.rows, this.items, this.kind.key, (item) => this.kind.row(item, this.hrefOf(this.kind.key(item))));
    const empty = this.root.querySelector(".empty");
    empty.textContent = this.loaded ? this.kind.empty(this.status) : "Loading …";
    empty.hidden = this.items.length > 0;
    this.button.hidden = this.next == null;
  }

  mark(id) {
    for (const link of this.rows.querySelectorAll("a")) {
      const current = link.getAttribute("href") === (id && this.hrefOf(id));
      if (current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}

// Up and down walk the rows, as in a mail program; Enter follows the link by itself.
export const walkWithArrows = (event) => {
  const links = [...event.currentTarget.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement.closest("a"));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
  if (to == null || !links[to] || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  links[to].focus();
};
