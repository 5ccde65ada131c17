/* Elements, made here and filled with text nodes only: nothing that a customer or a document says becomes markup. */

export const h = (tag, properties = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
};

// --- Lists that are drawn again and again -------------------------------------------------------------------

const drawn = new WeakMap();

// Makes `parent` hold one child an item, in order. What has not changed keeps its element, and with it focus,
// selection and unfolded parts.
export const keyed = (parent, items, keyOf, build) => {
  const before = drawn.get(parent) ?? new Map();
  const after = new Map();
  const focused = parent.contains(document.activeElement) && document.activeElement;
  for (const item of items) {
    const key = keyOf(item);
    const text = JSON.stringify(item);
    const known = before.get(key);
    after.set(key, known?.text === text ? known : { text, node: build(item), old: known?.node });
  }
  drawn.set(parent, after);
  const nodes = [...after.values()].map(({ node }) => node);
  if (nodes.length === parent.children.length && nodes.every((node, at) => node === parent.children[at])) return;
  parent.replaceChildren(...nodes);
  if (!focused) return;
  const successor = [...after.values()].find(({ node, old }) => node.contains(focused) || old?.contains(focused))?.node;
  (successor?.contains(focused) ? focused : successor?.querySelector("a"))?.focus({ preventScroll: true });
};

// --- Times ---------------------------------------------------------------------------------------------------

const STEPS = [["minute", 60], ["hour", 3600], ["day", 86400], ["week", 604800]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });

const ago = (moment) => {
  const seconds = Math.max(0, (Date.now() - moment) / 1000);
  if (seconds < 60) return "just now";
  if (seconds > 4 * 604800) return moment.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  const [unit, size] = STEPS.findLast(([, step]) => seconds >= step);
  return relative.format(-Math.floor(seconds / size), unit);
};

export const time = (iso) => {
  const moment = new Date(iso);
  const full = moment.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: iso, title: full }, ago(moment));
};

export const refreshTimes = () => {
  for (const node of document.querySelectorAll("time[datetime]:not([data-fixed])")) {
    const text = ago(new Date(node.dateTime));
    if (node.textContent !== text) node.textContent = text;
  }
};

// --- Small parts ---------------------------------------------------------------------------------------------

export const tag = (text, tone = "") => h("span", { class: `tag ${tone}` }, text);

export const linkOr = (text, url) => {
  try {
    const target = new URL(url, document.baseURI);
    if (/^https?:$/.test(target.protocol)) {
      return h("a", { href: target.href, target: "_blank", rel: "noopener noreferrer" }, text);
    }
  } catch {
    // not an address: the text alone
  }
  return document.createTextNode(text);
};

// The widget's own renderer, so that an agent reads what the customer saw. It hands itself to its script tag.
const policy = window.trustedTypes?.createPolicy("deskhand-console", { createScriptURL: () => "/widget/markdown.js" });
let markdown = null;
export const markdownReady = new Promise((resolve) => {
  const script = h("script");
  script.deskhand = (part) => { ({ markdown } = part); };
  script.onload = script.onerror = resolve; // without it, Markdown is shown as it was written
  script.src = policy ? policy.createScriptURL("") : "/widget/markdown.js";
  document.head.append(script);
});

export const prose = (text, citations = []) => h("div", { class: "prose", dir: "auto" },
  markdown ? markdown.render({ h }, text, citations) : h("p", { class: "plain" }, text));
