/* One conversation, or one ticket with its drafts and its conversation. */

import { read } from "./api.js";
import { h, keyed, linkOr, prose, tag, time } from "./draw.js";
import { Composer, DraftButtons, TicketBar, ownButtons } from "./work.js";
import { PRIORITY_TONES, STATUS_TONES } from "./list.js";
import { AUTOMATIC, DRAFTS, HANDLERS, MOODS, OUTCOMES, PRIORITIES, REASONS, STATUSES, language, percent, word } from "./words.js";

const NOTABLE = 0.5; // frustration and urgency below this say nothing

const heading = (title, back, ...tags) => [
  h("a", { class: "back", href: back }, "‹ Back to the list"),
  h("h2", { tabindex: "-1", dir: "auto" }, title || "(no text)"),
  h("p", { class: "tags" }, tags),
];

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" }, value));

const confidence = (share) => share != null && h("span", { class: "confidence" },
  h("meter", { min: 0, max: 1, value: share, "aria-hidden": "true" }), `${percent(share)} confident`);

const sources = (citations) => citations.length > 0 && h("ol", { class: "sources", "aria-label": "Sources" },
  citations.map(({ title, url, quote }) => h("li", {}, linkOr(title || url || "Source", url || "javascript:"),
    quote && h("details", {}, h("summary", {}, "Passage"), h("blockquote", { dir: "auto" }, quote)))));

const unproven = (sentences) => sentences.length > 0 && h("div", { class: "unproven" },
  h("p", {}, "No passage proves:"), h("ul", {}, sentences.map((sentence) => h("li", { dir: "auto" }, sentence))));

const moment = (iso) => h("time", { datetime: iso, "data-fixed": true },
  new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }));

const bytes = (size) => (size < 1e6 ? `${Math.ceil(size / 1000)} kB` : `${(size / 1e6).toFixed(1)} MB`);

const files = (attachments) => attachments.length > 0 && h("ul", { class: "files" }, attachments.map((file) =>
  h("li", {}, h("a", { href: `/api/v1/attachments/${file.id}`, download: file.name }, file.name),
    h("span", { class: "faint" }, ` ${bytes(file.size)}`))));

const DELIVERIES = { queued: "On its way", working: "On its way", dead: "Not delivered", undone: "Undone" };
const delivered = (delivery) => delivery && delivery.state !== "sent" && tag(DELIVERIES[delivery.state], delivery.state === "dead" ? "bad" : "");
const failure = (delivery) => delivery?.error && delivery.state !== "sent" && h("p", { class: "problem" },
  delivery.state === "dead" ? `The customer did not get this: ${delivery.error}` : `It is tried again: ${delivery.error}`);

// What was decided, or is out of date, is folded: it is in the way of what is to be done.
const draftText = (draft) => {
  const parts = [prose(draft.text, draft.citations), sources(draft.citations), unproven(draft.unproven)].filter(Boolean);
  return draft.state === "pending" ? parts : [h("details", {}, h("summary", {}, "Read it"), parts)];
};

// --- Around a conversation -----------------------------------------------------------------------------------

// Who gets a copy, what the customer wrote elsewhere, and whether anything arrives.
const surroundings = ({ participants, elsewhere, unreachable }, hrefs) => [
  unreachable && h("p", { class: "problem", role: "alert" }, h("strong", {}, "Nothing arrives at this customer: "), unreachable),
  participants.length > 0 && h("p", { class: "around" }, h("strong", {}, "Copies go to: "),
    participants.map(({ name, address }) => (name ? `${name} <${address}>` : address)).join(", ")),
  elsewhere.length > 0 && h("details", { class: "around" },
    h("summary", {}, elsewhere.length === 1 ? "1 other conversation" : `${elsewhere.length} other conversations`),
    h("ul", {}, elsewhere.map((other) => h("li", {},
      h("a", { href: other.ticket == null ? hrefs.conversation(other.id) : hrefs.ticket(other.ticket), dir: "auto" }, other.subject || "(no text)"), " ",
      h("span", { class: "faint" }, `${other.channel}${other.ticket == null ? "" : `, ticket #${other.ticket}`}${other.linked ? ", grew out of the other" : ""} · `, time(other.last_message_at)))))),
];

// --- Messages ------------------------------------------------------------------------------------------------

const reading = ({ sentiment, frustration, urgency, language: code, category }) => [
  sentiment && sentiment !== "neutral" && tag(word(MOODS, sentiment), sentiment === "negative" ? "warn" : "good"),
  frustration >= NOTABLE && tag(`Upset ${percent(frustration)}`, "bad"),
  urgency >= NOTABLE && tag(`Urgent ${percent(urgency)}`, "warn"),
  code && tag(language(code)),
  category && tag(category),
];

const ending = ({ outcome, analysis }) => {
  if (analysis.automatic) return AUTOMATIC;
  if (!outcome) return "Waiting for the assistant";
  const why = outcome === "escalated" && analysis.reason ? `: ${word(REASONS, analysis.reason).toLowerCase()}` : "";
  const sure = outcome === "escalated" && analysis.confidence != null ? ` (${percent(analysis.confidence)} confident)` : "";
  return `${word(OUTCOMES, outcome)}${why}${sure}`;
};

const verdict = (helpful) => helpful != null &&
  (helpful ? tag("Customer found it helpful", "good") : tag("Customer found it unhelpful", "bad"));

const speaker = ({ author, name }, customer) =>
  ({ customer, ai: `${name || "Assistant"} (assistant)`, agent: name || "Team" })[author] ?? name;

const message = (item, customer, changed) => {
  const { author, text, citations } = item;
  if (author === "system") return h("li", { class: "message system" }, h("p", { dir: "auto" }, text), time(item.created_at));
  const theirs = author === "customer";
  return h("li", { class: `message ${author}` },
    h("p", { class: "who" }, h("strong", { dir: "auto" }, speaker(item, customer)), " ", time(item.created_at)),
    h("div", { class: "bubble" }, item.retracted_at ? h("p", { class: "faint" }, "Taken back")
      : theirs ? h("p", { class: "plain", dir: "auto" }, text) : prose(text, citations),
      sources(citations), files(item.attachments)),
    h("p", { class: "tags" }, theirs ? [h("span", { class: "faint" }, ending(item)), ...reading(item.analysis)]
      : [confidence(item.confidence), verdict(item.helpful), delivered(item.delivery)],
    item.edited_at && h("span", { class: "faint" }, "edited"), changed && item.mine && !item.retracted_at && ownButtons(item, changed)),
    failure(item.delivery));
};

const drawMessages = (list, conversation, changed) =>
  keyed(list, conversation.messages, (item) => item.id, (item) => message(item, conversation.customer, changed));

// --- Pages ---------------------------------------------------------------------------------------------------

class Page {
  constructor(id, hrefs, changed) {
    Object.assign(this, { id, hrefs, onchange: changed, asked: 0, got: 0 });
    this.top = h("header");
    this.facts = h("dl");
    this.around = h("div");
    this.messages = h("ol", { class: "messages" });
  }

  // An answer that a later question has overtaken is old: what was done in between is not in it.
  async refresh() {
    const turn = ++this.asked;
    const found = await this.load();
    if (turn < this.got) return;
    this.got = turn;
    Object.assign(this, found);
  }

  get title() {
    return this.top.querySelector("h2")?.textContent ?? "";
  }

  // Draws only what differs, so that refreshing disturbs nobody who reads or selects.
  changed(data) {
    const { messages, drafts, ...rest } = data;
    const text = JSON.stringify(rest);
    const differs = text !== this.shown;
    this.shown = text;
    return differs;
  }
}

export class ConversationPage extends Page {
  constructor(id, hrefs, changed) {
    super(id, hrefs, changed);
    this.root = h("article", { class: "conversation" }, this.top, this.facts, this.around, this.messages);
  }

  async load() {
    return { data: await read(`conversations/${encodeURIComponent(this.id)}`) };
  }

  draw() {
    const { data } = this;
    if (this.changed(data)) {
      this.top.replaceChildren(...heading(data.subject, this.hrefs.list,
        tag(word(HANDLERS, data.handler), data.handler === "person" ? "warn" : "good"),
        data.ticket != null && h("a", { href: this.hrefs.ticket(data.ticket) }, `Ticket #${data.ticket}`)));
      this.facts.replaceChildren(fact("Customer", data.customer), fact("Channel", data.channel),
        fact("Last message", time(data.last_message_at)));
      this.around.replaceChildren(...surroundings(data.around, this.hrefs).filter(Boolean));
    }
    drawMessages(this.messages, data);
  }
}

export class TicketPage extends Page {
  constructor(id, hrefs, changed) {
    super(id, hrefs, changed);
    this.bar = new TicketBar(id, changed);
    this.composer = new Composer(id, changed);
    this.notes = h("ol", { class: "notes" });
    this.drafts = h("ol", { class: "drafts" });
    this.none = h("p", { class: "faint" }, "There is no draft: the documents held nothing to draft from.");
    this.root = h("article", { class: "ticket" }, this.top, this.facts, this.around,
      this.bar.root,
      h("section", {}, h("h3", {}, "Drafts"), this.none, this.drafts),
      h("section", {}, h("h3", {}, "Conversation"), this.messages, this.notes, this.composer.root));
  }

  async load() {
    const data = await read(`tickets/${encodeURIComponent(this.id)}`);
    const [conversation, members, categories] = await Promise.all([read(`conversations/${data.conversation_id}`),
      this.members ?? read("members"), this.categories ?? read("categories")]);
    return { data, conversation, members, categories };
  }

  // Whom it can be given to, what it can be sorted into, and which tickets of the same customer it may double.
  get choices() {
    return { members: this.members, categories: this.categories,
      tickets: this.conversation.around.elsewhere.filter((other) => other.ticket != null && !other.linked) };
  }

  draw() {
    const { data } = this;
    if (this.changed(data)) {
      this.top.replaceChildren(...heading(data.subject, this.hrefs.list,
        h("span", { class: "faint" }, `Ticket #${data.number}`),
        tag(word(STATUSES, data.status), STATUS_TONES[data.status]),
        tag(`${word(PRIORITIES, data.priority)} priority`, PRIORITY_TONES[data.priority])));
      this.facts.replaceChildren(fact("Why a person", word(REASONS, data.reason)), fact("Customer", data.customer),
        fact("Channel", data.channel), ...(data.category ? [fact("Category", data.category)] : []),
        ...(data.mood ? [fact("Mood", word(MOODS, data.mood))] : []),
        fact("With", data.assignee || "Nobody yet"), fact("Opened", time(data.created_at)),
        ...(data.due_at ? [fact("Reply due", moment(data.due_at))] : []),
        ...(data.snoozed_until ? [fact("Snoozed until", moment(data.snoozed_until))] : []),
        ...(data.rating ? [fact("Rated", `${data.rating} of 5`)] : []));
      this.bar.draw(data, this.choices);
    }
    const beside = JSON.stringify(this.conversation.around);
    if (beside !== this.beside) {
      this.beside = beside;
      this.around.replaceChildren(...surroundings(this.conversation.around, this.hrefs).filter(Boolean));
      this.bar.draw(data, this.choices);
    }
    this.composer.root.hidden = data.status === "resolved";
    keyed(this.notes, data.notes, (note) => note.id, (note) => h("li", { class: "inner-note" },
      h("p", { class: "who" }, h("strong", {}, note.author), " noted ", time(note.created_at)),
      h("p", { class: "plain", dir: "auto" }, note.text)));
    this.none.hidden = data.drafts.length > 0;
    keyed(this.drafts, data.drafts, (draft) => draft.id, (draft) => h("li", { class: `draft ${draft.state}` },
      h("p", { class: "tags" }, tag(word(DRAFTS, draft.state), draft.state === "sent" ? "good" : ""),
        confidence(draft.confidence), time(draft.created_at)),
      ...draftText(draft), draft.state === "pending" && new DraftButtons(draft, this.onchange).root));
    drawMessages(this.messages, this.conversation, this.onchange);
  }
}
