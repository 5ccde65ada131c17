/* The channels: what is connected, how it fares, and forms that are drawn from what each kind says it needs. */

import { Refused, call, read } from "./api.js";
import { h, keyed, tag, time } from "./draw.js";

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

const title = (name) => (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");

// One field of a JSON schema: {input, value()}. Nested objects are written as JSON.
const field = (schema, name, given, secret, root) => {
  const plain = schema.$ref ? root.$defs[schema.$ref.split("/").at(-1)] : schema;
  const choices = plain.enum ?? plain.anyOf?.find((one) => one.enum)?.enum;
  const type = plain.type ?? plain.anyOf?.find((one) => one.type !== "null")?.type;
  const was = given ?? plain.default;
  const id = `field-${name}-${Math.random().toString(36).slice(2)}`;
  let input;
  let value;
  if (choices) {
    input = h("select", { id }, choices.map((one) => h("option", { value: one, selected: one === was }, title(String(one)))));
    value = () => input.value;
  } else if (type === "boolean") {
    input = h("input", { id, type: "checkbox", checked: was === true });
    value = () => input.checked;
  } else if (type === "integer" || type === "number") {
    input = h("input", { id, type: "number", value: was ?? "" });
    value = () => (input.value === "" ? null : Number(input.value));
  } else if (type === "array" && (plain.items?.type === "string")) {
    input = h("textarea", { id, rows: 3, placeholder: "One a line" });
    input.value = (was ?? []).join("\n");
    value = () => input.value.split("\n").map((line) => line.trim()).filter(Boolean);
  } else if (type === "object" || type === "array" || plain.properties) {
    input = h("textarea", { id, rows: 4, class: "code", spellcheck: "false" });
    input.value = JSON.stringify(was ?? (type === "array" ? [] : {}), null, 2);
    value = () => JSON.parse(input.value);
  } else {
    input = h("input", { id, type: secret ? "password" : "text", autocomplete: "off", value: secret ? "" : was ?? "",
      placeholder: secret && given ? "Set; leave empty to keep it" : "" });
    value = () => input.value.trim() || (secret ? undefined : plain.anyOf ? null : "");
  }
  const hint = plain.description || schema.description;
  return { name, value, node: h("div", { class: "field" }, h("label", { for: id }, plain.title && !plain.enum ? plain.title : title(name)), input,
    hint && h("p", { class: "faint" }, hint)) };
};

const fields = (schema, given, secret) => Object.entries(schema.properties ?? {}).map(
  ([name, one]) => field(one, name, given?.[name], secret, schema));

const collect = (made) => Object.fromEntries(made.map((one) => [one.name, one.value()]).filter(([, value]) => value !== undefined));

class ChannelForm {
  // `channel` is null for a new one.
  constructor(kind, channel, done) {
    const name = h("input", { required: true, maxlength: 200, id: "channel-name" });
    name.value = channel?.name ?? kind.title;
    const settings = fields(kind.settings, channel?.settings, false);
    const known = Object.fromEntries((channel?.has_secrets ?? []).map((secret) => [secret, true]));
    const secrets = fields(kind.secrets, known, true);
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    const anyway = h("button", { type: "button", class: "link", hidden: true, onclick: () => save(true) }, "Save it anyway");
    const submit = h("button", { class: "button", type: "submit" }, channel ? "Save" : "Connect");
    const save = async (unchecked) => {
      submit.disabled = true;
      submit.textContent = "Trying it …";
      problem.hidden = anyway.hidden = true;
      try {
        const body = { name: name.value, settings: collect(settings), secrets: collect(secrets), unchecked };
        if (channel) await call("PATCH", `channels/${channel.id}`, body);
        else await call("POST", "channels", { kind: kind.kind, ...body });
        done();
      } catch (error) {
        problem.textContent = error instanceof SyntaxError ? `This is no JSON: ${error.message}` : problemOf(error);
        problem.hidden = false;
        anyway.hidden = !(error instanceof Refused);
      } finally {
        submit.disabled = false;
        submit.textContent = channel ? "Save" : "Connect";
      }
    };
    this.root = h("form", { class: "channel-form", onsubmit: (event) => { event.preventDefault(); save(false); } },
      h("h3", {}, channel ? `Change ${channel.name}` : `Connect: ${kind.title}`),
      h("div", { class: "field" }, h("label", { for: "channel-name" }, "Name"), name),
      [...secrets, ...settings].map((one) => one.node), problem,
      h("p", { class: "buttons" }, submit, h("button", { type: "button", class: "button quiet", onclick: done }, "Cancel"), anyway));
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
    channel.problem && h("p", { class: "problem" }, channel.problem), ...this.addresses(channel),
    h("p", { class: "buttons" }, kind && act("Change", async () => this.open(kind, channel)),
      act("Check", async () => {
        const result = await call("POST", `${path}/check`);
        findings.replaceChildren(...(result.findings.length ? result.findings.map((found) =>
          h("li", { class: found.ok ? "good" : "bad" }, `${found.ok ? "✓" : "✗"} ${found.what}: ${found.detail}`))
          : [h("li", {}, "There is nothing to check on this kind of channel.")]));
      }),
      channel.on ? act("Switch off", () => call("POST", `${path}/off`)) : act("Switch on", () => call("POST", `${path}/on`)),
      act("Delete", () => (window.confirm(`Delete ${channel.name}?`) ? call("DELETE", path) : Promise.resolve()))),
    findings);
  }

  // What the outside has to know of a channel.
  addresses(channel) {
    if (channel.kind !== "widget") return [];
    const line = `<script src="${location.origin}/widget.js" data-site-key="${channel.public_key}" async></script>`;
    return [h("pre", { class: "code" }, line)];
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
