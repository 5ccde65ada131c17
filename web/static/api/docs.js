/* Draws openapi.json. Nothing comes from elsewhere: this page shares its origin with the console's session. */

const at = (id) => document.getElementById(id);
const h = (tag, properties = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) node.setAttribute(name, value);
  node.append(...children.flat().filter(Boolean));
  return node;
};

const LIMITS = { minLength: "at least {} characters", maxLength: "at most {} characters", minimum: "from {}", maximum: "to {}", format: "{}" };

class Description {
  constructor(content) {
    this.content = content;
  }

  resolve(schema) {
    return schema?.$ref ? this.content.components.schemas[schema.$ref.split("/").pop()] : schema ?? {};
  }

  // A type in words: "text", "list of objects", "a or b".
  words(schema) {
    const { type, anyOf, enum: values, const: only, items, title } = this.resolve(schema);
    if (anyOf) return anyOf.map((one) => this.words(one)).join(" or ");
    if (values) return values.map((value) => `"${value}"`).join(" or ");
    if (only !== undefined) return `"${only}"`;
    if (type === "array") return `list of ${this.words(items)}`;
    if (type === "object") return schema.$ref ? title : "object";
    return { string: "text", integer: "whole number", number: "number", boolean: "true or false", null: "null" }[type] ?? "anything";
  }

  limits(schema) {
    const { anyOf, ...rest } = this.resolve(schema);
    return [rest, ...(anyOf ?? []).map((one) => this.resolve(one))].flatMap((one) =>
      Object.entries(LIMITS).filter(([name]) => name in one).map(([name, text]) => text.replace("{}", one[name]))).join(", ");
  }

  fact(name, schema, required, description) {
    const text = [this.words(schema), this.limits(schema), required && "required"].filter(Boolean).join(", ");
    return [h("dt", {}, h("code", {}, name)), h("dd", {}, text, description && h("div", {}, description))];
  }

  fields(schema, prefix = "", depth = 0) {
    const { properties = {}, required = [], anyOf, items } = this.resolve(schema);
    const inner = [...(anyOf ?? []), ...(items ? [items] : [])].flatMap((one) => this.fields(one, prefix, depth));
    return [...inner, ...Object.entries(properties).flatMap(([name, one]) => [
      ...this.fact(prefix + name, one, required.includes(name), one.description),
      ...(depth < 2 ? this.fields(one, `${prefix + name}.`, depth + 1) : []),
    ])];
  }

  body(title, content) {
    const schema = content?.["application/json"]?.schema;
    const fields = schema ? this.fields(schema) : [];
    return fields.length > 0 && [h("h3", {}, title), h("dl", {}, fields)];
  }

  operation(method, path, { summary, description, parameters = [], requestBody, responses }) {
    const good = Object.entries(responses).filter(([status, { content }]) => status < 300 && content);
    return h("details", { id: `${method}-${path}` },
      h("summary", {}, h("b", {}, method.toUpperCase()), h("code", {}, path), h("span", {}, summary)),
      h("div", {}, description && h("p", {}, description),
        parameters.length > 0 && [h("h3", {}, "Parameters"), h("dl", {}, parameters.flatMap((one) =>
          this.fact(`${one.name} (${one.in})`, one.schema, one.required, one.description ?? one.schema.description)))],
        this.body("Body", requestBody?.content),
        good.map(([status, { content }]) => this.body(`Answer ${status}`, content))));
  }
}

try {
  const answer = await fetch("/api/openapi.json");
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const description = new Description(await answer.json());
  at("operations").replaceChildren(...Object.entries(description.content.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => description.operation(method, path, operation))));
  at("state").hidden = true;
} catch (error) {
  at("state").textContent = `The description could not be read (${error.message}). Reload the page to try again.`;
}
