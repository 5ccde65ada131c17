/* Keyboard shortcuts: single letters, wherever nobody is typing. */

const shortcuts = document.getElementById("shortcuts");

export const explainKeys = () => shortcuts.showModal();

// The next row, or the one before; the first if none is open.
const step = (list, by) => {
  const links = [...list.querySelectorAll(".rows a")];
  const at = links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[at < 0 ? 0 : at + by];
  next?.click();
  next?.scrollIntoView({ block: "nearest" });
};

const press = (detail, name) => [...detail.querySelectorAll(".act > .buttons > button")]
  .find((button) => button.textContent === name)?.click();

const KEYS = {
  j: (list) => step(list, 1),
  k: (list) => step(list, -1),
  t: (_, detail) => press(detail, "Take it"),
  e: (_, detail) => press(detail, "Resolve"),
  r: (_, detail) => detail.querySelector(".composer:not([hidden]) textarea")?.focus(),
  "?": explainKeys,
};

export const onKey = (event, list, detail) => {
  // A dialog just closed may keep the focus until the page is drawn again.
  const typing = event.target.closest?.("input, textarea, select, dialog[open]");
  if (event.key === "Escape" && typing && !event.defaultPrevented && !event.target.closest("dialog")) typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const work = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
  if (!work) return;
  event.preventDefault();
  work(list, detail);
};
