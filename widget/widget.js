/* Deskhand chat widget: the part every page loads. It draws the launcher, offers `window.Deskhand` and keeps
 * what must survive between pages. The rest is fetched when a visitor opens the chat, or has one under way:
 *   style.js  markdown.js  messages.js  connection.js  panel.js  (+ words.js where English is not spoken)
 * How to embed it, its options and the CSP lines: README.md beside this file. */
(() => {
  "use strict";

  const script = document.currentScript || document.querySelector("script[data-site-key]");
  const early = window.Deskhand;
  if (!script || (early && early.open)) return; // a tag manager may load us twice
  const options = script.dataset;
  if (!options.siteKey) return console.warn("Deskhand: the script tag needs data-site-key.");

  const base = new URL(".", script.src);
  const language = (options.lang || navigator.language || "en").slice(0, 2).toLowerCase();
  const TRANSLATED = ["ar", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "tr"];
  const PARTS = ["style", "markdown", "messages", "connection", "panel"];
  const MINUTE = 60_000;

  // --- Storage: one record a site key and visitor, shared by tabs; one a tab. ------------------------------
  // Private windows and blockers refuse storage. Then memory serves: the chat works, and ends with the page.

  const record = (area) => {
    const memory = {};
    let refused = false;
    const read = (key) => {
      if (!refused) {
        try {
          return JSON.parse(window[area].getItem(key)) || {};
        } catch (problem) {
          if (problem instanceof SyntaxError) return {};
          refused = true;
        }
      }
      return memory[key] || {};
    };
    // Reads again before it writes, because another tab may have written since.
    const write = (key, patch) => {
      memory[key] = { ...read(key), ...patch };
      try {
        if (!refused) window[area].setItem(key, JSON.stringify(memory[key]));
      } catch {
        refused = true; // full: an old record would hide the new one
      }
    };
    const remove = (key) => {
      delete memory[key];
      try {
        window[area].removeItem(key);
      } catch {
        refused = true;
      }
    };
    return { read, write, remove };
  };
  const shared = record("localStorage");
  const perTab = record("sessionStorage");
  const anonymous = `deskhand:${options.siteKey}`;
  let slot = anonymous;
  let identity = null;

  const read = () => shared.read(slot);
  const write = (patch) => shared.write(slot, patch);
  const tab = { read: () => perTab.read(slot), write: (patch) => perTab.write(slot, patch) };
  const keepOpen = (open) => perTab.write(`${anonymous}#`, { open }); // whoever it is that writes

  // Worth a connection that nobody asked for: something unsent, an answer due, or a chat of minutes ago.
  const unfinished = () => {
    const { queue = [], active = 0, waiting, ticket } = read();
    return queue.length > 0 || Date.now() - active < (waiting || ticket ? 7 * 24 * 60 : 30) * MINUTE;
  };

  // --- Drawing ---------------------------------------------------------------------------------------------

  // Elements are only ever made here and filled with text nodes: nothing a message says becomes markup.
  const h = (tag, properties = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value != null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child != null && child !== false));
    return node;
  };
  const icon = (path) => {
    const [svg, line] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };

  const host = document.createElement("deskhand-chat");
  const root = host.attachShadow({ mode: "open" });
  const frame = h("div", { class: `frame ${options.position === "left" ? "left" : "right"}` });
  root.append(frame);
  // A page's shortcuts ("/" searches, "j" scrolls) must not fire while somebody types to us.
  for (const type of ["keydown", "keypress", "keyup"]) host.addEventListener(type, (event) => event.stopPropagation());

  // A constructed sheet needs no leave from the page's CSP; the fallback brings the script's nonce.
  const addStyles = (css) => {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    } catch {
      const style = h("style", {}, css);
      style.nonce = script.nonce;
      root.prepend(style);
    }
  };

  // Relative luminance as WCAG 2 defines it; the text on the shop's colour is whichever of black and white reads better.
  const luminance = (hex) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const paint = (color) => {
    if (!/^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(color || "")) return;
    const hex = color.length === 4 ? color.replace(/[0-9a-f]/gi, "$&$&") : color;
    frame.style.setProperty("--accent", hex);
    frame.style.setProperty("--on-accent", luminance(hex) < 0.179 ? "#fff" : "#000");
  };

  addStyles(`
    :host { all: initial !important; position: fixed !important; z-index: 2147483000 !important; }
    * { box-sizing: border-box; }
    .frame { --accent: #1f5eff; --on-accent: #fff; --edge: 20px; --side: max(var(--edge), env(safe-area-inset-right));
      --foot: max(var(--edge), env(safe-area-inset-bottom));
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer; }
    svg { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
      stroke-linejoin: round; display: block; }
    .launcher { position: fixed; bottom: var(--foot); right: var(--side); width: 58px; height: 58px;
      border-radius: 50%; background: var(--accent); color: var(--on-accent); display: grid; place-items: center;
      box-shadow: 0 6px 20px rgb(0 0 0 / .22), 0 1px 3px rgb(0 0 0 / .2); transition: transform .15s ease; }
    .left .launcher { right: auto; left: max(var(--edge), env(safe-area-inset-left)); }
    .launcher:hover { transform: scale(1.06); }
    .launcher:focus-visible { outline: 3px solid #1d2026; outline-offset: 2px; box-shadow: 0 0 0 2px #fff; }
    .launcher svg { grid-area: 1 / 1; width: 28px; height: 28px; transition: opacity .15s, transform .2s; }
    .launcher[aria-expanded=true] svg:first-child, .launcher[aria-expanded=false] svg + svg { opacity: 0; transform: rotate(45deg) scale(.6); }
    .launcher[aria-busy=true] svg { animation: wait 1s ease-in-out infinite alternate; }
    .badge { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
      background: #d5132c; color: #fff; font-size: 13px; font-weight: 600; line-height: 22px; text-align: center; box-shadow: 0 0 0 2px #fff; }
    .hint { position: fixed; bottom: calc(var(--foot) + 70px); right: var(--side); max-width: 260px; padding: 10px 14px;
      border-radius: 12px; background: #1d2026; color: #fff; box-shadow: 0 6px 20px rgb(0 0 0 / .25); }
    .left .hint { right: auto; left: var(--side); }
    [hidden] { display: none !important; }
    @keyframes wait { to { opacity: .35; } }
    @media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
    @media (forced-colors: active) { .launcher { border: 2px solid; } }
    @media print { :host { display: none !important; } }
  `);

  const badge = h("span", { class: "badge", hidden: true, "aria-hidden": "true" });
  const launcher = h("button", { class: "launcher", type: "button", "aria-label": "Chat", "aria-haspopup": "dialog",
    "aria-expanded": "false", onclick: () => toggle() },
    icon("M21 12a8.5 8.5 0 0 1-8.5 8.5c-1.5 0-3-.4-4.2-1L3 21l1.5-5A8.5 8.5 0 1 1 21 12z"),
    icon("M6 9.500l6 6 6-6"), badge);
  const hint = h("div", { class: "hint", role: "status", hidden: true });
  frame.append(launcher, hint);
  paint(options.color || (read().settings || {}).color);

  const setUnread = (count) => {
    badge.hidden = !count;
    badge.textContent = count > 9 ? "9+" : count;
  };

  // --- The rest of the widget, fetched on demand -----------------------------------------------------------

  // Pages that enforce Trusted Types want a policy before they let a script tag be made.
  let policy;
  const trusted = (url) => {
    if (!window.trustedTypes) return url;
    policy = policy || window.trustedTypes.createPolicy("deskhand", { createScriptURL: (text) => text });
    return policy.createScriptURL(url);
  };

  // A part hands itself over through its own tag. That needs no global and, unlike import(), neither CORS
  // headers nor a new URL to try again after a failure.
  const fetchPart = (name) => new Promise((resolve, reject) => {
    const tag = h("script", {});
    const fail = () => reject(new Error(`Deskhand: ${name}.js did not load.`));
    tag.deskhand = resolve;
    tag.nonce = script.nonce;
    tag.onload = tag.onerror = () => {
      tag.remove();
      fail(); // changes nothing once resolved
    };
    tag.src = trusted(new URL(`widget/${name}.js`, base).href);
    document.head.append(tag);
  });

  let panel = null;
  let loading = null;
  const load = () => {
    if (loading) return loading;
    const words = TRANSLATED.includes(language) && fetchPart("words").catch(() => ({})); // English will do
    loading = Promise.all([...PARTS.map(fetchPart), words]).then((parts) => {
      const { Panel, ...rest } = Object.assign({}, ...parts);
      panel = new Panel(kit, rest);
      return panel;
    });
    loading.catch(() => { loading = null; });
    return loading;
  };

  const unavailable = () => {
    launcher.removeAttribute("aria-busy");
    hint.textContent = (read().words || {}).unavailable || "The chat is unavailable right now. Please try again later.";
    hint.hidden = false;
    setTimeout(() => { hint.hidden = true; }, 6000);
  };
  const open = (focus = true) => {
    if (panel) return panel.open(focus);
    hint.hidden = true;
    launcher.setAttribute("aria-busy", "true");
    const slow = setTimeout(unavailable, 12_000); // a server that hangs never fails
    load().then(() => panel.open(focus), unavailable).finally(() => {
      clearTimeout(slow);
      launcher.removeAttribute("aria-busy");
    });
  };
  const close = () => panel && panel.close();
  const toggle = () => (panel && panel.isOpen ? close() : open());

  // --- The page's side -------------------------------------------------------------------------------------

  // An EventTarget, so that a listener that throws reports its own error and hurts nobody else.
  const bus = new EventTarget();
  const emit = (type, detail) => bus.dispatchEvent(new CustomEvent(type, { detail }));
  const on = (type, listener) => {
    const handler = (event) => listener(event.detail);
    bus.addEventListener(type, handler);
    return () => bus.removeEventListener(type, handler);
  };

  // Each person has a record of their own, so nobody sees the chat of whoever used this browser before.
  // What was said before signing in goes along, unless that person already has a chat here.
  const identify = (person) => {
    identity = person || null;
    const name = person && (person.id || person.email);
    const next = name ? `${anonymous}:${name}` : anonymous;
    if (next === slot) return;
    const before = read();
    if (slot === anonymous && before.token && !shared.read(next).token) {
      shared.write(next, before);
      shared.remove(anonymous);
    }
    slot = next;
    setUnread(0);
    if (panel) panel.reset();
    else if (unfinished()) load().catch(() => {});
  };

  const kit = { base, options, language, frame, launcher, h, icon, addStyles, paint, setUnread, emit, read, write, tab, keepOpen,
    unfinished, identity: () => identity };
  const api = { open: () => open(), close: () => close(), identify, on };
  // Calls made before we arrived, and by pages that do not care: Deskhand.push(["identify", {...}]).
  api.push = ([name, ...values]) => api[name] && api[name](...values);
  window.Deskhand = Object.freeze(api);

  const start = () => {
    document.body.append(host);
    // Turbo and friends swap the whole body; the chat stays.
    new MutationObserver(() => host.isConnected || document.body.append(host))
      .observe(document.documentElement, { childList: true });
    if (Array.isArray(early)) early.forEach(api.push);
    const wasOpen = perTab.read(`${anonymous}#`).open;
    const small = matchMedia("(max-width: 480px), (max-height: 480px)").matches; // there it would hide the page
    const wanted = "open" in options && options.open !== "false" && wasOpen !== false;
    if (wasOpen && !small || wanted) open(false);
    else if (unfinished()) load().catch(() => {});
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
