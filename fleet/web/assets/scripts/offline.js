// Steps of a ticket on a phone without coverage: each keeps the time it was taken, waits here in order, and is
// sent when the network is back.  An Idempotency-Key makes a second sending harmless.
import { nowMs } from "./clocks.js";

const KEY = "passerelle.steps";
const QUEUE_LIMIT = 50;
const RETRY_MS = 15_000;
const PAGES = "passerelle-pages";
let sending = false;

const read = () => JSON.parse(localStorage.getItem(KEY) || "[]");
const write = (steps) => localStorage.setItem(KEY, JSON.stringify(steps));
const texts = () => document.getElementById("offline")?.dataset ?? {};
const token = () => document.querySelector("input[name=csrf_token]")?.value ?? "";

function name() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function show(words, kind = "info") {
  const place = document.getElementById("offline");
  if (!place) return;
  place.hidden = !words;
  place.dataset.kind = kind;
  place.textContent = words;
}

function waiting() {
  const count = read().length;
  if (count) show(texts().waiting.replace("{count}", count));
}

// Sends the oldest; returns whether there may be more to send.
async function sendOne() {
  const [step, ...rest] = read();
  if (!step) return false;
  const answer = await fetch(`/api/v1/tickets/${step.ticket}/steps`, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token(), "Idempotency-Key": step.key },
    body: JSON.stringify(step.body),
  });
  if (answer.status >= 500 || answer.status === 401 || answer.status === 403) throw new Error(`${answer.status}`);
  write(rest);
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    show(`${texts().refused} ${told.detail ?? answer.status}`, "error");
    return false;
  }
  return true;
}

async function flush() {
  if (sending || read().length === 0) return;
  sending = true;
  let sent = 0;
  try {
    while (await sendOne()) sent += 1;
  } catch {
    waiting();
  } finally {
    sending = false;
  }
  if (sent && read().length === 0) location.reload();
}

function here() {
  return new Promise((resolve) => {
    if (!navigator.geolocation) return resolve(null);
    const told = ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude });
    navigator.geolocation.getCurrentPosition(told, () => resolve(null), { timeout: 8000, maximumAge: 60_000 });
  });
}

async function take(form, submitter) {
  const steps = read();
  if (steps.length >= QUEUE_LIMIT) return show(texts().full, "error");
  const body = { step: form.dataset.offline, at_us: Math.round(nowMs() * 1000) };
  if (submitter?.dataset.locate !== undefined) {
    const presence = await here();
    if (presence) body.presence = presence;
  }
  write([...steps, { ticket: form.dataset.ticket, key: name(), body }]);
  await flush();
}

export function startOffline() {
  if ("serviceWorker" in navigator && document.documentElement.dataset.stream) {
    navigator.serviceWorker.register("/sw.js").catch(() => {});
  }
  document.addEventListener("submit", (event) => {
    if (event.target.action.endsWith("/deconnexion")) caches?.delete(PAGES);
    if (!event.target.matches("form[data-offline]")) return;
    event.preventDefault();
    take(event.target, event.submitter);
  }, true);
  addEventListener("online", flush);
  setInterval(flush, RETRY_MS);
  waiting();
  flush();
}
