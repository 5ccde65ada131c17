/* Forms that are drawn from JSON schemas: which fields there are, which depend on which choice, and which are for the
   few who need them is said by the settings' models (core/forms.py), not here. */

import { h } from "./draw.js";

let made = 0;
const title = (name) => (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");
const KEPT = { keep: "Kept", replace: "Replace", remove: "Remove" };

const plainOf = (schema, root) => {
  const one = schema.$ref ? root.$defs[schema.$ref.split("/").at(-1)] : schema;
  return { ...one, ...one.anyOf?.find(({ type }) => type !== "null"), ...schema, $ref: undefined };
};

// --- Inputs: {node, value(), onchange} ---------------------------------------------------------------------------

const select = (id, choices, was) => {
  const node = h("select", { id }, Object.entries(choices).map(([value, text]) =>
    h("option", { value, selected: value === was }, text)));
  return { node, value: () => node.value };
};

const checkbox = (id, was) => {
  const node = h("input", { id, type: "checkbox", checked: was === true });
  return { node, value: () => node.checked };
};

const number = (id, was) => {
  const node = h("input", { id, type: "number", value: was ?? "" });
  return { node, value: () => (node.value === "" ? null : Number(node.value)) };
};

const lines = (id, was) => {
  const node = h("textarea", { id, rows: 3, placeholder: "One a line" });
  node.value = (was ?? []).join("\n");
  return { node, value: () => node.value.split("\n").map((line) => line.trim()).filter(Boolean) };
};

const text = (id, was, plain, optional) => {
  const long = plain.maxLength >= 1000;
  const node = long ? h("textarea", { id, rows: 3 })
    : h("input", { id, type: plain.format === "email" ? "email" : "text", autocomplete: "off", spellcheck: "false" });
  node.value = was ?? "";
  return { node, value: () => node.value.trim() || (optional ? null : "") };
};

// A secret never comes out of the server: one that is kept can be replaced, or removed where it may be missing.
const secret = (id, kept, required) => {
  const input = h("input", { id, type: "password", autocomplete: "new-password" });
  if (!kept) return { node: input, value: () => input.value.trim() || undefined };
  let becomes = "keep";
  const said = h("span", {}, "•••••••• ", h("span", { class: "tag good" }, KEPT.keep));
  const node = h("div", { class: "kept" });
  const draw = () => {
    const way = (next, words) => h("button", { type: "button", class: "link", onclick: () => {
      becomes = next;
      draw();
      node.querySelector(next === "replace" ? "input" : "button").focus();
    } }, words);
    node.replaceChildren(...{
      keep: () => [said, way("replace", KEPT.replace), ...(required ? [] : [way("remove", KEPT.remove)])],
      replace: () => [input, way("keep", "Keep the old one")],
      remove: () => [h("span", { class: "tag warn" }, "Will be removed"), way("keep", "Keep it")],
    }[becomes]());
  };
  draw();
  return { node, value: () => (becomes === "remove" ? "" : (becomes === "replace" && input.value.trim()) || undefined) };
};

// Several small objects, such as routes: a row each.
const table = (was, plain, root) => {
  const rows = h("div", { class: "table" });
  const parts = [];
  const row = (given) => {
    const inner = plainOf(plain.items, root);
    const fields = Object.entries(inner.properties).map(([name, one]) => field(name, one, given?.[name], root));
    const part = { fields, node: h("div", { class: "table-row" }, fields.map(({ node }) => node),
      h("button", { type: "button", class: "link", onclick: () => {
        parts.splice(parts.indexOf(part), 1);
        part.node.remove();
      } }, "Remove")) };
    parts.push(part);
    rows.append(part.node);
  };
  (was ?? []).forEach(row);
  return { node: h("div", {}, rows, h("button", { type: "button", class: "link", onclick: () => row(null) }, "Add one")),
    value: () => parts.map(({ fields }) => valuesOf(fields)) };
};

const json = (id, was, plain) => {
  const node = h("textarea", { id, rows: 4, class: "code", spellcheck: "false" });
  node.value = JSON.stringify(was ?? (plain.type === "array" ? [] : {}), null, 2);
  return { node, value: () => JSON.parse(node.value) };
};

const inputOf = (id, was, plain, root, optional) => {
  if (plain.enum) {
    const words = plain.form?.choices ?? {};
    return select(id, Object.fromEntries(plain.enum.map((one) => [one, words[one] ?? title(String(one))])), was);
  }
  if (plain.type === "boolean") return checkbox(id, was);
  if (plain.type === "integer" || plain.type === "number") return number(id, was);
  if (plain.type === "array" && plain.items?.type === "string") return lines(id, was);
  if (plain.type === "array" && plain.items) return table(was, plain, root);
  if (plain.type === "object") return json(id, was, plain);
  return text(id, was, plain, optional);
};

// --- Fields ------------------------------------------------------------------------------------------------------

const field = (name, schema, given, root, kept) => {
  const plain = plainOf(schema, root);
  const id = `field-${++made}`;
  const required = root.required?.includes(name);
  const input = kept == null ? inputOf(id, given ?? plain.default, plain, root, Boolean(schema.anyOf))
    : secret(id, kept, required);
  const problem = h("p", { class: "problem", id: `${id}-problem`, hidden: true });
  const hint = plain.description && h("p", { class: "faint", id: `${id}-hint` }, plain.description.replaceAll("`", ""));
  const label = schema.title && !schema.$ref && schema.title !== titled(name) ? schema.title : title(name);
  const control = input.node.matches("input, select, textarea") ? input.node : input.node.querySelector("input");
  control?.setAttribute("aria-describedby", [hint && hint.id, problem.id].filter(Boolean).join(" "));
  if (required && !kept) control?.setAttribute("required", "");
  const check = plain.type === "boolean";
  return { name, ...input, form: plain.form ?? {}, label, problem, control,
    node: h("div", { class: check ? "field check" : "field" },
      h("label", { for: id }, label, required && h("span", { class: "faint" }, " (needed)")), input.node, hint, problem) };
};
// What pydantic makes of a name where nobody gave a title.
const titled = (name) => name.split("_").map((part) => part[0].toUpperCase() + part.slice(1)).join(" ");

const valuesOf = (fields) => Object.fromEntries(fields.map((one) => [one.name, one.value()])
  .filter(([, value]) => value !== undefined));

// A choice that is not stored, on which fields depend.
const question = ({ name, title: words, choices, told_by: toldBy }, hasSecrets, isNew) => {
  const id = `field-${++made}`;
  const first = isNew || hasSecrets.includes(toldBy);
  const input = select(id, Object.fromEntries(choices.map(({ value, text: said }) => [value, said])), choices.at(first ? 0 : -1).value);
  return { name, ...input, form: {}, node: h("div", { class: "field" }, h("label", { for: id }, words), input.node) };
};

// --- The form's body ---------------------------------------------------------------------------------------------

export class Fields {
  // `kind` has the schemas `settings` and `secrets`; `channel` what is set already, or null.
  constructor(kind, channel) {
    const all = (schema, make) => Object.entries(schema.properties ?? {}).map(([name, one]) => make(name, one))
      .filter(({ form }) => !form.noted);
    this.settings = all(kind.settings, (name, one) => field(name, one, channel?.settings[name], kind.settings));
    const has = channel?.has_secrets ?? [];
    this.secrets = all(kind.secrets, (name, one) => field(name, one, null, kind.secrets, has.includes(name)));
    this.asked = [...(kind.settings.asks ?? []), ...(kind.secrets.asks ?? [])].map((one) => question(one, has, !channel));
    this.kept = has;
    this.root = h("div", {}, this.asked.map(({ node }) => node), this.sections(Boolean(channel)));
    this.root.addEventListener("change", () => this.follow());
    this.follow();
  }

  get fields() {
    return [...this.settings, ...this.secrets];
  }

  // In the models' order; within a section what everybody needs comes first, the rest is folded.
  sections(settingsFirst) {
    const names = [...new Set(this.fields.map(({ form }) => form.section ?? ""))];
    // A plain channel's secret (a token) is what one came to enter.
    const sorted = names.length > 1 || settingsFirst ? this.fields : [...this.secrets, ...this.settings];
    this.parts = names.map((name) => {
      const own = sorted.filter(({ form }) => (form.section ?? "") === name);
      const [open, folded] = [own.filter(({ form }) => !form.folded), own.filter(({ form }) => form.folded)];
      const more = folded.length > 0 && h("details", { class: "more-fields" },
        h("summary", {}, open.length || !name ? "More" : "Change"), folded.map(({ node }) => node));
      return { own, more, folded, node: h(name ? "fieldset" : "div", {}, name && h("legend", {}, name),
        open.map(({ node }) => node), more) };
    });
    return this.parts.map(({ node }) => node);
  }

  chosen() {
    return Object.fromEntries([...this.settings, ...this.asked].map((one) => [one.name, one.control?.value ?? one.value()]));
  }

  // Shows what the choices made so far ask for.
  follow() {
    const chosen = this.chosen();
    const holds = (when) => Object.entries(when).every(([name, value]) => chosen[name] === value);
    for (const { form, node, control } of this.fields) {
      node.hidden = Boolean(form.when) && !form.when.some(holds);
      if (control) control.disabled = node.hidden; // what is not shown cannot be missing
    }
    for (const { own, more, folded, node } of this.parts) {
      node.hidden = own.every((one) => one.node.hidden);
      if (more) more.hidden = folded.every((one) => one.node.hidden);
    }
  }

  // What is to be sent. A kept secret that the choice above makes needless is removed.
  values() {
    const used = (fields) => fields.filter(({ node }) => !node.hidden);
    const dropped = this.secrets.filter(({ node, name, form }) => node.hidden && this.kept.includes(name)
      && form.when.some((when) => this.asked.some((one) => one.name in when)));
    return { settings: valuesOf(used(this.settings)),
      secrets: { ...valuesOf(used(this.secrets)), ...Object.fromEntries(dropped.map(({ name }) => [name, ""])) } };
  }

  // Says a refusal at the field that it names; false if it names none.
  blame(detail) {
    const [, group, named, said] = detail.match(/^(settings|secrets)(?:\.(\w+))?[.\w]*: (.*)$/s) ?? [];
    const at = group && this[group].find(({ name, node }) => !node.hidden && name === (named ?? said.match(/^\w+/)?.[0]));
    if (!at) return false;
    at.problem.textContent = named ? said : said.replace(/^\w+ is missing: */, "Missing: ");
    at.problem.hidden = false;
    at.control?.setAttribute("aria-invalid", "true");
    const folded = at.node.closest("details");
    if (folded) folded.open = true;
    at.control?.focus();
    return true;
  }

  forgive() {
    for (const { problem, control } of this.fields) {
      problem.hidden = true;
      control?.removeAttribute("aria-invalid");
    }
  }

  // Fills in what is suggested, where nobody has written anything else.
  take(settings) {
    for (const [name, value] of Object.entries(settings)) {
      const one = this.settings.find((known) => known.name === name);
      if (!one?.control || one.touched) continue;
      one.control.value = value;
    }
    this.follow();
  }

  // Calls `ask(value)` when the field that others follow from was filled in.
  onsuggest(ask) {
    for (const one of this.settings) {
      one.control?.addEventListener("input", () => { one.touched = true; });
      if (one.form.suggests) one.control.addEventListener("change", () => one.control.value && ask(one.control.value, one));
    }
  }
}
