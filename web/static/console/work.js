/* What a person does with a ticket: take it, answer, decide on a draft, note, close. */

import { Refused, call } from "./api.js";
import { h } from "./draw.js";

const HOLD_S = 10; // in which a reply can be undone, where it has to be sent first

const REJECTIONS = { wrong: "It is wrong", tone: "The tone is off", outdated: "The source is outdated",
  should_not_answer: "This should not be answered" };
const SNOOZES = { 1: "1 hour", 4: "4 hours", 24: "Tomorrow", 168: "Next week" };

// Does something once however often it is clicked, and says what went wrong where it was clicked.
const button = (text, work, kind = "quiet") => {
  const node = h("button", { type: "button", class: `button ${kind}`, onclick: async () => {
    node.disabled = true;
    const problem = node.closest(".act")?.querySelector(".problem");
    if (problem) problem.hidden = true;
    try {
      await work();
    } catch (error) {
      if (!problem) throw error;
      problem.textContent = error instanceof Refused ? error.message : "The server cannot be reached. Try again.";
      problem.hidden = false;
    } finally {
      node.disabled = false;
    }
  } }, text);
  return node;
};

const choice = (label, options, onpick) => {
  const select = h("select", { "aria-label": label, onchange: () => {
    const picked = select.value;
    select.value = "";
    if (picked) onpick(picked);
  } }, h("option", { value: "" }, label), Object.entries(options).map(([value, text]) => h("option", { value }, text)));
  return select;
};

export class TicketBar {
  constructor(number, changed) {
    Object.assign(this, { path: `tickets/${number}`, changed });
    this.buttons = h("div", { class: "buttons" });
    this.root = h("div", { class: "act" }, this.buttons, h("p", { class: "problem", role: "alert", hidden: true }));
  }

  async do(verb, body) {
    await call("POST", `${this.path}/${verb}`, body);
    await this.changed();
  }

  draw(ticket, { members, categories, tickets }) {
    const verb = (text, name) => button(text, () => this.do(name));
    const picked = (work) => (value) => {
      const run = button("", () => work(value));
      this.root.append(run); // so that it finds where to say what went wrong
      run.click();
      run.remove();
    };
    this.buttons.replaceChildren(...(ticket.status === "resolved"
      ? [verb("Reopen", "reopen"), ticket.blocked ? verb("Unblock the sender", "unblock")
        : ticket.resolution === "spam" && verb("Block the sender", "block")].filter(Boolean)
      : [!ticket.assignee && button("Take it", () => this.do("claim"), ""), verb("Resolve", "resolve"), verb("Hand back to the assistant", "hand-back"),
        choice("Give to …", Object.fromEntries(members.map(({ id, name, away }) => [id, away ? `${name} (away)` : name])),
          picked((id) => this.do("assign", { member_id: id }))),
        choice("Snooze …", SNOOZES, picked((hours) => this.do("snooze", { until: new Date(Date.now() + hours * 3600e3).toISOString() }))),
        choice("Priority …", { low: "Low", normal: "Normal", high: "High", urgent: "Urgent" },
          picked((priority) => this.do("priority", { priority }))),
        categories.length > 0 && choice("Category …", { ...Object.fromEntries(categories.map(({ name }) => [name, name])), "-": "None" },
          picked((category) => this.do("category", { category: category === "-" ? null : category }))),
        tickets.length > 0 && choice("Merge into …", Object.fromEntries(tickets.map(({ ticket: number, subject }) =>
          [number, `#${number} ${subject.slice(0, 40)}`])), picked((into) => this.do("merge", { into: Number(into) }))),
        verb("Spam", "spam")].filter(Boolean)));
  }
}

export class DraftButtons {
  constructor(draft, changed) {
    Object.assign(this, { draft, changed });
    this.edit = h("textarea", { rows: 6, "aria-label": "The draft, to be edited", dir: "auto", hidden: true });
    this.edit.value = draft.text;
    this.editing = button("Edit", () => {
      this.edit.hidden = !this.edit.hidden;
      this.editing.textContent = this.edit.hidden ? "Edit" : "Discard my changes";
      if (this.edit.hidden) this.edit.value = draft.text;
      else this.edit.focus();
    });
    this.root = h("div", { class: "act" }, this.edit, h("div", { class: "buttons" },
      button("Send", () => this.send(false), ""), button("Send and resolve", () => this.send(true)), this.editing,
      choice("Reject …", REJECTIONS, (reason) => this.rejecting(reason)),
      button("Another draft", () => this.post("regenerate", {}))),
    h("p", { class: "problem", role: "alert", hidden: true }));
  }

  async post(verb, body) {
    await call("POST", `drafts/${this.draft.id}/${verb}`, { version: this.draft.version, ...body });
    await this.changed();
  }

  send(resolve) {
    const text = this.edit.hidden ? null : this.edit.value;
    return this.post("approve", { text, resolve, hold: resolve ? 0 : HOLD_S });
  }

  rejecting(reason) {
    const run = button("", () => this.post("reject", { reason }));
    this.root.append(run);
    run.click();
    run.remove();
  }
}

// Correcting what one wrote oneself, or taking it back; where it was sent, there too.
export const ownButtons = (message, changed) => {
  const edit = h("textarea", { rows: 4, dir: "auto", "aria-label": "Your reply, to be corrected", hidden: true });
  edit.value = message.text;
  const open = (shown) => {
    edit.hidden = save.hidden = cancel.hidden = !shown;
    start.hidden = back.hidden = shown;
    (shown ? edit : start).focus();
  };
  const path = `messages/${message.id}`;
  const save = button("Save", async () => { await call("PUT", path, { text: edit.value }); await changed(); }, "");
  const cancel = button("Cancel", () => open(false));
  const start = h("button", { type: "button", class: "link", onclick: () => open(true) }, "Edit");
  const back = button("Take back", async () => {
    if (!window.confirm("Take this reply back? The customer will no longer see it, where that is possible.")) return;
    await call("DELETE", path);
    await changed();
  }, "plain");
  save.hidden = cancel.hidden = true;
  edit.addEventListener("keydown", (event) => { if (event.key === "Escape") open(false); });
  return h("div", { class: "act own" }, edit, h("div", { class: "buttons" }, start, back, save, cancel),
    h("p", { class: "problem", role: "alert", hidden: true }));
};

export class Composer {
  constructor(number, changed) {
    Object.assign(this, { path: `tickets/${number}`, changed });
    this.text = h("textarea", { rows: 4, dir: "auto", "aria-label": "Your reply or note", placeholder: "Write to the customer, or a note among yourselves …" });
    this.undo = h("p", { class: "undo", role: "status", hidden: true });
    this.root = h("div", { class: "act composer" }, this.text, h("div", { class: "buttons" },
      button("Send to customer", () => this.send(false), ""), button("Send and resolve", () => this.send(true)),
      button("Note for the team", () => this.note()), h("span", { class: "faint keys" }, "Ctrl+Enter sends")),
    h("p", { class: "problem", role: "alert", hidden: true }), this.undo);
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.sender.click();
    });
  }

  get sender() {
    return this.root.querySelector(".buttons button");
  }

  async send(resolve) {
    const hold = resolve ? 0 : HOLD_S;
    const { message_id: id, can_undo: held } = await call("POST", `${this.path}/reply`, { text: this.text.value, resolve, hold });
    const words = this.text.value;
    this.text.value = "";
    if (held) this.offerUndo(id, words);
    await this.changed();
  }

  offerUndo(id, words) {
    const end = setTimeout(() => { this.undo.hidden = true; }, HOLD_S * 1000);
    this.undo.replaceChildren("Sent. ", h("button", { type: "button", class: "link", onclick: async () => {
      clearTimeout(end);
      this.undo.hidden = true;
      const undone = await call("POST", `messages/${id}/undo`).then(() => true, () => false);
      if (undone && !this.text.value) this.text.value = words;
      if (!undone) this.undo.replaceChildren("It was too late: the customer has it.");
      this.undo.hidden = undone;
      await this.changed();
    } }, "Undo"));
    this.undo.hidden = false;
  }

  async note() {
    await call("POST", `${this.path}/notes`, { text: this.text.value });
    this.text.value = "";
    await this.changed();
  }
}
