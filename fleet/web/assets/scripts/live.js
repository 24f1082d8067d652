// Live without reload.  The server says what changed; sections marked data-live are fetched again at most
// every REFRESH_MS, texts marked data-value are set at once.  A refresh never takes what is being typed.
//
// What the page calls « à jour » is its content: as long as something that changed is not yet shown, or nobody
// can say whether anything changed, its age grows, and past the limit the page says so loudly.
import htmx from "htmx.org/dist/htmx.esm.js";
import { frozenBy, heard } from "./clocks.js";
import { backOff, follow } from "./stream.js";

const REFRESH_MS = 2_000;
const POLL_MS = 10_000; // without a stream: the server is full, or away
const EVERYTHING = ["network", "figures", "tickets"];
let due = new Set();
let timer = null;
let asking = false;
let tries = 0;
let polling = null;
let seen = false; // an event has come since the page was shown

class NotNow extends Error {}

async function ask() {
  const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" }).catch(() => {
    throw new NotNow("away");
  });
  if (answer.redirected || answer.status === 401 || answer.status === 403) throw new NotNow("login");
  if (!answer.ok) throw new NotNow("away");
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function refresh() {
  timer = null;
  if (document.hidden || asking) return;
  const topics = due;
  due = new Set();
  asking = true;
  try {
    const fresh = await ask();
    if (outdated(fresh)) return location.reload();
    const left = show(fresh, topics);
    tries = 0;
    frozenBy("");
    if (left.size) later(left, REFRESH_MS);
    else heard(Number(fresh.getElementById("freshness")?.dataset.at ?? 0));
    document.dispatchEvent(new CustomEvent("live:refreshed"));
  } catch (error) {
    if (!(error instanceof NotNow)) throw error;
    frozenBy(error.message);
    later(topics, backOff((tries += 1)));
  } finally {
    asking = false;
    if (due.size) timer ??= setTimeout(refresh, REFRESH_MS);
  }
}

// Returns the topics of sections that must wait, because somebody types in them.
function show(fresh, topics) {
  const left = new Set();
  for (const section of document.querySelectorAll("[data-live]")) {
    const mine = section.dataset.live.split(" ").filter((topic) => topics.has(topic));
    if (mine.length === 0) continue;
    if (busy(section)) mine.forEach((topic) => left.add(topic));
    else replace(section, fresh.getElementById(section.id));
  }
  return left;
}

// A wall that hangs for months takes the pages of a new release by itself.
function outdated(fresh) {
  const script = (page) => page.querySelector("script[type=module][src]")?.getAttribute("src");
  return document.documentElement.dataset.wall !== undefined && script(fresh) !== script(document);
}

function busy(section) {
  const active = document.activeElement;
  return section.contains(active) && active.matches("input, select, textarea") || section.querySelector("dialog[open]");
}

// Who walks the rows by keys keeps the row and the focus when the section is written anew.
function replace(section, fresh) {
  if (!fresh || fresh.outerHTML === section.dataset.seen) return;
  const focused = section.contains(document.activeElement) ? selectorOf(document.activeElement) : "";
  const current = section.querySelector("tr.row-current[data-href], a.row-current");
  const walked = current ? selectorOf(current) : "";
  const open = [...section.querySelectorAll("details[open][id]")].map((details) => details.id);
  const markup = fresh.outerHTML;
  section.replaceWith(fresh);
  fresh.dataset.seen = markup;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (walked) fresh.querySelector(walked)?.classList.add("row-current");
  if (focused) fresh.querySelector(focused)?.focus({ preventScroll: true });
  htmx.process(fresh);
}

function selectorOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.dataset.href) return `tr[data-href="${CSS.escape(element.dataset.href)}"]`;
  const address = element.getAttribute("href");
  return address ? `a[href="${CSS.escape(address)}"]` : "";
}

function later(topics, ms) {
  for (const topic of topics) due.add(topic);
  clearTimeout(timer);
  timer = setTimeout(refresh, ms);
}

export function soon(topics) {
  for (const topic of topics) due.add(topic);
  timer ??= setTimeout(refresh, REFRESH_MS);
}

function values(changed) {
  for (const [name, text] of Object.entries(changed)) {
    for (const place of document.querySelectorAll(`[data-value="${CSS.escape(name)}"]`)) {
      if (place.textContent !== text) place.textContent = text;
    }
  }
}

function cycle(update) {
  values(update.values || {});
  if (!seen) {
    seen = true; // what changed between the page and its first event is not known; a phone pays for asking
    if (!document.documentElement.dataset.stream.includes("sparse=1")) soon(EVERYTHING);
  }
  if (update.topics.length) soon(update.topics);
  if (due.size === 0 && !asking) heard(update.at_us);
}

function told({ kind, update }) {
  if (kind === "cycle") return cycle(update);
  if (kind === "open") {
    clearInterval(polling);
    polling = null;
    if (seen) soon(EVERYTHING);
  }
  if (kind === "ended") later(EVERYTHING, 0);
  if (kind === "lost") polling ??= setInterval(() => soon(EVERYTHING), POLL_MS);
}

export function startLive() {
  const address = document.documentElement.dataset.stream;
  if (!address || typeof EventSource === "undefined") return;
  follow(address, told);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) later(EVERYTHING, 0);
  });
}
