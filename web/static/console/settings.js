/* The settings: who is away, what messages are sorted into, and what the assistant's confidence has proved to be worth. */

import { Refused, call, read } from "./api.js";
import { h, tag } from "./draw.js";
import { Fields } from "./form.js";
import { AUTONOMY, percent, word } from "./words.js";

const problemOf = (error) => error instanceof Refused ? error.message : "The server cannot be reached. Try again.";

// The API's body of a category, as a form.
const CATEGORY = {
  required: ["name"],
  properties: {
    name: { type: "string" },
    description: { type: "string", description: "One sentence: what its messages are about." },
    examples: { type: "array", items: { type: "string" }, description: "A few messages as customers write them; three to five do most of the work." },
    autonomy: { enum: ["", "auto", "draft", "off"], title: "What the assistant may do", default: "", form: { choices: AUTONOMY } },
  },
};

class CategoryForm {
  constructor(category, done) {
    const known = category && { settings: { ...category, autonomy: category.autonomy ?? "" }, has_secrets: [] };
    const fields = new Fields({ settings: CATEGORY, secrets: {} }, known);
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.root = h("form", { class: "channel-form", "aria-label": category ? `Change ${category.name}` : "New category",
      onkeydown: (event) => { if (event.key === "Escape") done(); },
      onsubmit: async (event) => {
        event.preventDefault();
        const { settings } = fields.values();
        try {
          await call(category ? "PATCH" : "POST", category ? `categories/${category.id}` : "categories",
            { ...settings, autonomy: settings.autonomy || null });
          done();
        } catch (error) {
          problem.textContent = problemOf(error);
          problem.hidden = false;
        }
      } },
    h("h3", {}, category ? `Change ${category.name}` : "New category"), fields.root, problem,
    h("p", { class: "buttons" }, h("button", { class: "button", type: "submit" }, "Save"),
      h("button", { type: "button", class: "button quiet", onclick: done }, "Cancel")));
  }
}

export class SettingsPage {
  constructor(me) {
    Object.assign(this, { title: "Settings", isAdmin: me.role === "admin" });
    this.team = h("ul", { class: "channel-rows" });
    this.categories = h("ul", { class: "channel-rows" });
    this.form = h("div");
    this.learned = h("div");
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.root = h("article", { class: "channels-page" }, h("header", {}, h("h2", { tabindex: "-1" }, "Settings")), this.problem,
      h("section", { "aria-label": "Team" }, h("h3", {}, "Team"),
        h("p", { class: "faint" }, "Whoever is away gets no tickets by themselves."), this.team),
      h("section", { "aria-label": "Categories" }, h("h3", {}, "Categories"),
        h("p", { class: "faint" }, "New messages are sorted into these. When an agent corrects a ticket’s category, the next one like it follows."),
        this.categories, this.isAdmin && h("p", { class: "buttons" },
          h("button", { type: "button", class: "button quiet", onclick: () => this.open(null) }, "Add a category")), this.form),
      h("section", { "aria-label": "Confidence" }, h("h3", {}, "How sure is sure enough"), this.learned));
    this.top = this.root;
  }

  async refresh() {
    [this.members, this.sorted, this.data] = await Promise.all(["members", "categories", "organization/calibration"].map((path) => read(path)));
  }

  draw() {
    const text = JSON.stringify([this.members, this.sorted, this.data]);
    if (text === this.shown) return;
    this.shown = text;
    this.team.replaceChildren(...this.members.map((member) => this.person(member)));
    this.categories.replaceChildren(...(this.sorted.length ? this.sorted.map((category) => this.category(category))
      : [h("li", { class: "faint" }, "None yet: every message is treated alike.")]));
    this.learned.replaceChildren(...this.calibration());
  }

  // Does it, says what went wrong, and shows what is so now.
  act(words, work, label = words) {
    return h("button", { type: "button", class: "link", "aria-label": label, onclick: async () => {
      this.problem.hidden = true;
      await work().catch((error) => {
        this.problem.textContent = problemOf(error);
        this.problem.hidden = false;
      });
      await this.again();
    } }, words);
  }

  person({ id, name, email, role, away }) {
    const words = away ? "Is back" : "Is away";
    return h("li", {}, h("p", { class: "line" }, h("strong", { dir: "auto" }, name), h("span", { class: "faint" }, email), role === "admin" && tag("Admin"),
      away && tag("Away", "warn"), this.act(words, () => call("PUT", `members/${id}/away`, { away: !away }), `${name}: ${words}`)));
  }

  category(category) {
    const { id, name, description, examples, learned, autonomy } = category;
    return h("li", {}, h("p", { class: "line" }, h("strong", { dir: "auto" }, name), autonomy && tag(word(AUTONOMY, autonomy)),
      h("span", { class: "faint" }, `${examples.length} examples, ${learned} corrections learned`)),
    description && h("p", { class: "faint", dir: "auto" }, description),
    this.isAdmin && h("p", { class: "buttons" }, this.act("Change", async () => this.open(category), `Change ${name}`),
      this.act("Delete", async () => (window.confirm(`Delete ${name}? Tickets keep its name.`) ? call("DELETE", `categories/${id}`) : null), `Delete ${name}`)));
  }

  calibration() {
    const { outcomes, outcomes_needed: needed, wanted, promises } = this.data;
    const enough = outcomes >= needed;
    return [
      h("p", {}, `An answer goes out by itself if it is at least ${percent(wanted)} likely to be right.`),
      h("p", { class: "faint" }, enough ? `Fitted to ${outcomes} decisions and ratings of yours:`
        : `${outcomes} of the ${needed} decisions and ratings are there from which on this is fitted to your helpdesk.`),
      enough && h("table", { class: "promises" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Confidence shown"), h("th", { scope: "col" }, "Right here, expected"))),
        h("tbody", {}, promises.map(({ given, means }) => h("tr", {}, h("td", {}, percent(given)), h("td", {}, percent(means)))))),
    ].filter(Boolean);
  }

  open(category) {
    const done = () => {
      this.form.replaceChildren();
      this.again();
    };
    this.form.replaceChildren(new CategoryForm(category, done).root);
    this.form.querySelector("input").focus();
    this.form.scrollIntoView({ block: "nearest" });
  }

  async again() {
    await this.refresh();
    this.draw();
  }
}
