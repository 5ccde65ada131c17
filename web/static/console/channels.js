/* The channels: what is connected, how it fares, and forms that are drawn from what each kind says it needs. */

import { Refused, call, read } from "./api.js";
import { h, keyed, tag, time } from "./draw.js";
import { Fields } from "./form.js";

const problemOf = (error) => error instanceof Refused ? error.message : "The server cannot be reached. Try again.";

// --- What admins have to know -----------------------------------------------------------------------------------

export class Alerts {
  constructor(root) {
    this.root = root;
  }

  async refresh() {
    const open = await read("alerts");
    this.root.hidden = open.length === 0;
    keyed(this.root, open, (alert) => alert.id, (alert) => h("p", { class: "alert", role: "alert" },
      h("span", {}, alert.text, alert.times > 1 && ` (${alert.times} times)`, " ", time(alert.created_at)),
      h("button", { type: "button", class: "link", onclick: () => call("DELETE", `alerts/${alert.id}`).then(() => this.refresh()) },
        "Put aside")));
  }
}

// --- Forms ------------------------------------------------------------------------------------------------------

const listed = (findings) => findings.map((found) => {
  const [kind, sign] = !found.ok ? ["bad", "✗"] : found.advice ? ["advice", "!"] : ["good", "✓"];
  return h("li", { class: kind }, h("strong", {}, `${sign} ${found.what}`), ` ${found.detail}`);
});

class ChannelForm {
  // `channel` is null for a new one.
  constructor(kind, channel, done) {
    Object.assign(this, { kind, channel, done });
    this.name = h("input", { required: true, maxlength: 200, id: "channel-name" });
    this.name.value = channel?.name ?? kind.title;
    this.fields = new Fields(kind, channel);
    this.hint = h("p", { class: "hint", role: "status", hidden: true });
    this.fields.onsuggest((value, field) => this.suggest(value, field));
    this.findings = h("ul", { class: "findings", role: "status" });
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    const way = (text, work, quiet) => h("button", { type: "button", class: `button ${quiet}`, onclick: () => this.run(work) }, text);
    this.anyway = h("button", { type: "button", class: "link", hidden: true, onclick: () => this.run(() => this.save()) }, "Save it anyway");
    this.root = h("form", { class: "channel-form", "aria-label": channel ? `Change ${channel.name}` : `Connect ${kind.title}`,
      onsubmit: (event) => { event.preventDefault(); this.run(() => this.trySave()); },
      onkeydown: (event) => { if (event.key === "Escape") done(); } },
    h("h3", {}, channel ? `Change ${channel.name}` : `Connect: ${kind.title}`),
    !channel && kind.add_at && h("p", { class: "hint" }, "The short way: ", h("a", { href: kind.add_at }, `add it to ${kind.title} by agreeing there`),
      ". Or by hand:"),
    h("div", { class: "field" }, h("label", { for: "channel-name" }, "Name"), this.name,
      h("p", { class: "faint" }, "For your team; customers do not see it.")),
    this.fields.root, this.findings, this.problem,
    h("p", { class: "buttons" }, h("button", { class: "button", type: "submit" }, channel ? "Save" : "Connect"), way("Test", () => this.test(), "quiet"),
      h("button", { type: "button", class: "button quiet", onclick: done }, "Cancel"), this.anyway));
  }

  // One thing at a time, and what went wrong is said at its field, or here.
  async run(work) {
    const buttons = this.root.querySelectorAll(".buttons button");
    for (const one of buttons) one.disabled = true;
    this.problem.hidden = this.anyway.hidden = true;
    this.fields.forgive();
    try {
      await work();
    } catch (error) {
      this.problem.textContent = error instanceof SyntaxError ? `This is no JSON: ${error.message}` : problemOf(error);
      this.problem.hidden = error instanceof Refused && this.fields.blame(error.message);
    } finally {
      for (const one of buttons) one.disabled = false;
    }
  }

  body() {
    return { name: this.name.value, ...this.fields.values() };
  }

  async test() {
    const { kind, channel } = this;
    this.findings.replaceChildren(h("li", { class: "faint" }, "Trying it …"));
    try {
      const result = await (channel ? call("POST", `channels/${channel.id}/check`, this.body())
        : call("POST", "channels/check", { kind: kind.kind, ...this.body() }));
      this.findings.replaceChildren(...(result.findings.length ? listed(result.findings)
        : [h("li", { class: "faint" }, "There is nothing to try on this kind of channel.")]));
      return result.ok;
    } catch (error) {
      this.findings.replaceChildren();
      throw error;
    }
  }

  async trySave() {
    if (await this.test()) await this.save();
    else this.anyway.hidden = false;
  }

  async save() {
    const { kind, channel } = this;
    const body = { ...this.body(), unchecked: true };
    if (channel) await call("PATCH", `channels/${channel.id}`, body);
    else await call("POST", "channels", { kind: kind.kind, ...body });
    this.done();
  }

  async suggest(value, field) {
    const found = await read(`channel-kinds/${this.kind.kind}/suggestion`, { value }).catch(() => null);
    if (!found || field.control.value !== value) return; // it was changed meanwhile
    this.fields.take(found.settings);
    this.hint.textContent = found.hint;
    this.hint.hidden = !found.hint;
    field.node.append(this.hint);
  }
}

// --- The page ---------------------------------------------------------------------------------------------------

export class ChannelsPage {
  constructor() {
    this.title = "Channels";
    this.rows = h("ul", { class: "channel-rows" });
    this.add = h("p", { class: "buttons" });
    this.form = h("div");
    this.root = h("article", { class: "channels-page" }, h("header", {}, h("h2", { tabindex: "-1" }, "Channels"),
      h("p", { class: "faint" }, "Where your customers write, and where your team works.")), this.rows, this.add, this.form);
    this.top = this.root;
  }

  async refresh() {
    this.kinds ??= await read("channel-kinds");
    this.data = await read("channels");
  }

  draw() {
    if (!this.add.firstChild) {
      this.add.replaceChildren(...this.kinds.filter(({ kind }) => kind !== "api").map((kind) =>
        h("button", { type: "button", class: "button quiet", onclick: () => this.open(kind, null) }, `Connect: ${kind.title}`)),
      ...this.kinds.filter((kind) => kind.add_at).map((kind) => h("a", { class: "button", href: kind.add_at }, `Add to ${kind.title}`)));
    }
    keyed(this.rows, this.data, (channel) => channel.id, (channel) => this.row(channel));
  }

  row(channel) {
    const kind = this.kinds.find((one) => one.kind === channel.kind);
    const findings = h("ul", { class: "findings" });
    const act = (text, work) => h("button", { type: "button", class: "link", onclick: async () => {
      await work().catch((error) => findings.replaceChildren(h("li", { class: "bad" }, problemOf(error))));
      await this.again();
    } }, text);
    const path = `channels/${channel.id}`;
    return h("li", {}, h("p", { class: "line" }, h("strong", {}, channel.name), h("span", { class: "faint" }, kind?.title ?? channel.kind),
      channel.on ? tag(channel.problem ? "Trouble" : "On", channel.problem ? "bad" : "good") : tag("Off", "warn")),
    channel.problem && h("p", { class: "problem" }, channel.problem), ...this.given(channel),
    h("p", { class: "buttons" }, kind && act("Change", async () => this.open(kind, channel)),
      act("Check", async () => {
        const result = await call("POST", `${path}/check`);
        findings.replaceChildren(...(result.findings.length ? listed(result.findings)
          : [h("li", {}, "There is nothing to check on this kind of channel.")]));
      }),
      channel.on ? act("Switch off", () => call("POST", `${path}/off`)) : act("Switch on", () => call("POST", `${path}/on`)),
      act("Delete", async () => (window.confirm(`Delete ${channel.name}?`) ? call("DELETE", path) : null))),
    findings);
  }

  // What the outside has to know of a channel.
  given(channel) {
    return channel.gives.map(({ what, text }) => h("div", { class: "given" }, h("p", { class: "faint" }, what),
      h("pre", { class: "code", tabindex: "0" }, text)));
  }

  open(kind, channel) {
    const done = () => {
      this.form.replaceChildren();
      this.again();
    };
    this.form.replaceChildren(new ChannelForm(kind, channel, done).root);
    this.form.querySelector("input").focus();
    this.form.scrollIntoView({ block: "nearest" });
  }

  async again() {
    await this.refresh();
    this.draw();
  }
}
