// Live without reload.  The server says what changed; sections marked data-live are fetched again at most
// every REFRESH_MS, texts marked data-value are set at once.  A refresh never takes what is being typed.
import htmx from "htmx.org/dist/htmx.esm.js";
import { heard } from "./clocks.js";

const REFRESH_MS = 2000;
const RETRY_MS = 5000;
let due = new Set();
let timer = null;

function refresh() {
  timer = null;
  const topics = due;
  due = new Set();
  const sections = [...document.querySelectorAll("[data-live]")].filter(
    (section) => section.dataset.live.split(" ").some((topic) => topics.has(topic)) && !busy(section),
  );
  if (sections.length === 0 || document.hidden) return;
  fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" })
    .then((answer) => (answer.ok && !answer.redirected ? answer.text() : Promise.reject(answer.status)))
    .then((text) => {
      const fresh = new DOMParser().parseFromString(text, "text/html");
      for (const section of sections) replace(section, fresh.getElementById(section.id));
      document.dispatchEvent(new CustomEvent("live:refreshed"));
    })
    .catch(() => setTimeout(() => soon(topics), RETRY_MS));
}

function busy(section) {
  const active = document.activeElement;
  return section.contains(active) && active.matches("input, select, textarea") || section.querySelector("dialog[open]");
}

function replace(section, fresh) {
  if (!fresh || fresh.outerHTML === section.dataset.seen) return;
  const focused = section.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...section.querySelectorAll("details[open][id]")].map((details) => details.id);
  const markup = fresh.outerHTML;
  section.replaceWith(fresh);
  fresh.dataset.seen = markup;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus();
  htmx.process(fresh);
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

export function startLive() {
  const address = document.documentElement.dataset.stream;
  if (!address || typeof EventSource === "undefined") return;
  const stream = new EventSource(address);
  stream.addEventListener("cycle", (event) => {
    const update = JSON.parse(event.data);
    heard(update.at_us);
    values(update.values || {});
    if (update.topics.length) soon(update.topics);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) soon(["network", "tickets"]);
  });
  addEventListener("pagehide", () => stream.close());
}
