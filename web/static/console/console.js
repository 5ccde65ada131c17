/* The console: sign in, follow the address after "#", and keep what is shown up to date. */

import { Refused, SignedOut, call, read } from "./api.js";
import { ConversationPage, TicketPage } from "./detail.js";
import { h, markdownReady, refreshTimes } from "./draw.js";
import { KINDS, List, walkWithArrows } from "./list.js";
import { VIEWS } from "./words.js";
import { Alerts, ChannelsPage } from "./channels.js";
import { SettingsPage } from "./settings.js";
import { explainKeys, onKey } from "./keys.js";

const EVERY_MS = 4000;
const UNREACHABLE = "The server cannot be reached. Trying again …";
const at = (id) => document.getElementById(id);
const [signIn, desk, listPane, detailPane] = ["sign-in", "desk", "list", "detail"].map(at);

const alerts = new Alerts(at("alerts"));
let me = null;
let list = null;
let page = null;
let busy = false;

// --- Where we are: #/tickets/12?status=open -------------------------------------------------------------------

const place = () => {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [kind, ...rest] = path.split("/");
  const status = new URLSearchParams(query).get("status");
  return {
    kind: kind in KINDS || kind === "settings" || (kind === "channels" && me?.role === "admin") ? kind : "conversations",
    id: rest.join("/") || null,
    status: kind === "tickets" && status in VIEWS ? status : null,
  };
};
const address = ({ kind, id, status }) =>
  `#/${kind}${id ? `/${encodeURIComponent(id)}` : ""}${status ? `?status=${status}` : ""}`;

const go = async () => {
  if (!me) return;
  const { kind, id, status } = place();
  const link = (target) => address({ kind, status, id: target });
  const Whole = { channels: ChannelsPage, settings: SettingsPage }[kind];
  desk.classList.toggle("channels", Boolean(Whole));
  if (Whole) {
    list = null;
    drawTabs(kind);
    if (!(page instanceof Whole)) {
      page = new Whole(me);
      detailPane.replaceChildren(page.root);
    }
    return refresh();
  }
  if (list?.name !== kind || list.status !== status) {
    list = new List(listPane, kind, status, link);
    listPane.scrollTop = 0;
    drawTop(kind, status);
  }
  desk.classList.toggle("reading", Boolean(id));
  if (!id) {
    page = null;
    detailPane.replaceChildren(h("div", { class: "empty" },
      h("p", {}, `Choose ${kind === "tickets" ? "a ticket to work on it" : "a conversation to read it"}.`)));
  } else if (page?.id !== id || page.kind !== kind) {
    const Shown = kind === "tickets" ? TicketPage : ConversationPage;
    const hrefs = { list: link(null), conversation: (other) => address({ kind: "conversations", id: other }), ticket: (number) => address({ kind: "tickets", id: number }) };
    page = Object.assign(new Shown(id, hrefs, refresh), { kind });
    detailPane.replaceChildren(h("p", { class: "empty" }, "Loading …"));
  }
  list.mark(id);
  await refresh();
};

const drawTabs = (kind) => {
  for (const tab of document.querySelectorAll("[data-tab]")) {
    if (tab.dataset.tab === kind) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
};

const drawTop = (kind, status) => {
  at("list-title").textContent = KINDS[kind].title;
  drawTabs(kind);
  const filter = listPane.querySelector(".filter");
  filter.hidden = kind !== "tickets";
  filter.replaceChildren(...[[null, "All"], ...Object.entries(VIEWS).map(([view, [text]]) => [view, text])].map(([value, text]) =>
    h("a", { href: address({ kind, status: value }), "aria-current": value === status && "true" }, text)));
};

// --- Keeping up to date ----------------------------------------------------------------------------------------

const refresh = async () => {
  const [shownList, shownPage] = [list, page?.missing ? null : page];
  busy = true;
  try {
    await Promise.all([shownList?.refresh(), shownPage?.refresh(), me.role === "admin" && alerts.refresh()]);
    at("offline").hidden = true;
  } catch (error) {
    if (error instanceof SignedOut) return showSignIn(error.message);
    if (error instanceof Refused && shownPage && !shownPage.data) return showMissing(shownPage, error.message);
    at("offline").textContent = error instanceof Refused ? error.message : UNREACHABLE;
    at("offline").hidden = false;
    return;
  } finally {
    busy = false;
  }
  // The person may have moved on while we waited.
  if (shownList === list) list?.draw();
  if (shownPage && shownPage === page) drawPage();
  list?.mark(place().id);
  document.title = `${page?.title || KINDS[list?.name]?.title || "Console"} · ${me.organization} · Deskhand`;
};

const drawPage = () => {
  const isNew = !page.root.isConnected;
  const atEnd = detailPane.scrollHeight - detailPane.scrollTop - detailPane.clientHeight < 60;
  page.draw();
  if (isNew) detailPane.replaceChildren(page.root);
  if (page.kind === "conversations" && (isNew || atEnd)) detailPane.scrollTop = detailPane.scrollHeight;
  else if (isNew) detailPane.scrollTop = 0;
  // On a phone the list is gone, and with it the focus; beside the list it stays where it was.
  if (isNew && getComputedStyle(listPane).display === "none") page.top.querySelector("h2").focus({ preventScroll: true });
};

const showMissing = (asked, text) => {
  if (asked !== page) return;
  asked.missing = true; // asking again and again would not help
  list?.draw();
  detailPane.replaceChildren(h("div", { class: "empty" }, h("p", { role: "alert" }, text),
    h("p", {}, h("a", { href: asked.hrefs.list }, "Back to the list"))));
};

const tick = () => {
  if (document.hidden || !me) return;
  refreshTimes();
  if (!busy) refresh();
};

// --- Signing in and out ----------------------------------------------------------------------------------------

const showSignIn = (problem = "") => {
  [me, list, page] = [null, null, null];
  desk.hidden = true;
  signIn.hidden = false;
  listPane.querySelector(".rows").replaceChildren(); // nobody's words stay behind
  detailPane.replaceChildren();
  document.title = "Sign in · Deskhand";
  showProblem(problem);
  at("password").value = "";
  at(at("email").value ? "password" : "email").focus();
};

const showProblem = (text) => {
  const problem = signIn.querySelector(".problem");
  problem.textContent = text;
  problem.hidden = !text;
};

const enter = async () => {
  me = await read("me");
  at("organization").textContent = me.organization;
  at("name").textContent = me.name;
  signIn.hidden = true;
  desk.hidden = false;
  at("channels-tab").hidden = me.role !== "admin";
  await go();
};

signIn.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = signIn.querySelector("button");
  button.disabled = true;
  showProblem("");
  try {
    await call("POST", "session", { email: at("email").value, password: at("password").value });
    await enter();
    at("password").value = "";
  } catch (error) {
    showProblem(error instanceof SignedOut || error instanceof Refused ? error.message : "The server cannot be reached. Try again in a moment.");
    at("password").select();
  } finally {
    button.disabled = false;
  }
});

at("sign-out").addEventListener("click", async () => {
  await call("DELETE", "session").then(() => showSignIn(), () => {
    at("offline").textContent = "Could not sign out: the server cannot be reached.";
    at("offline").hidden = false;
  });
});

// --- Start -------------------------------------------------------------------------------------------------------

listPane.querySelector(".rows").addEventListener("keydown", walkWithArrows);
document.addEventListener("keydown", (event) => { if (me) onKey(event, listPane, detailPane); });
at("keys").addEventListener("click", explainKeys);
listPane.querySelector(".more button").addEventListener("click", () => list.more().then(() => list.mark(place().id), tick));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // "#list" is no place of ours
  listPane.focus();
});
window.addEventListener("hashchange", go);
document.addEventListener("visibilitychange", tick);
setInterval(tick, EVERY_MS);

await markdownReady;
await enter().catch((error) => showSignIn(error instanceof SignedOut ? "" : "The server cannot be reached. Reload the page in a moment."));
