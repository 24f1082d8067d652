// A ticket on a phone with a bad connection: every step keeps the time it was taken, waits here in order, in
// sight, and leaves by itself.  With coverage it leaves at once, the same way.
import { clockText, nowMs } from "./clocks.js";
import { soon } from "./live.js";
import { shrunk } from "./photos.js";
import { add, all, remove } from "./queue.js";
import { flush, keepSending, reason } from "./sending.js";

const QUEUE_LIMIT = 50;
const POSITION_MS = 8000;
const PAGES = "passerelle-pages";
const LABEL = "passerelle.label";
const place = () => document.getElementById("offline");
const texts = () => JSON.parse(place()?.dataset.texts ?? "{}");

function name() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function element(kind, text, attributes = {}) {
  const made = Object.assign(document.createElement(kind), attributes);
  made.textContent = text;
  return made;
}

function state(step, words) {
  if (step.refused) return `${words.refused} ${step.refused}`;
  if (step.held) return words.held;
  return reason() ? words[reason()] : words.waiting;
}

function line(step, words) {
  const made = document.createElement("li");
  made.append(element("strong", words.steps[step.body.step]), element("time", clockText(step.body.at_us / 1000)));
  made.append(element("span", state(step, words)));
  if (step.refused) {
    const button = element("button", words.dismiss, { type: "button" });
    button.addEventListener("click", () => remove(step.id).then(show));
    made.append(button);
    made.dataset.refused = "";
  }
  return made;
}

async function show(problem = "") {
  const here = place();
  if (!here) return;
  const words = texts();
  const mine = (await all()).filter((step) => String(step.ticket) === here.dataset.ticket);
  here.querySelector("ol").replaceChildren(...mine.map((step) => line(step, words)));
  here.querySelector("p").textContent = problem || (mine.length ? words.kept : "");
  here.hidden = mine.length === 0 && !problem;
  here.dataset.kind = problem || mine.some((step) => step.refused) ? "error" : "info";
}

function position() {
  return new Promise((resolve) => {
    if (!navigator.geolocation) return resolve(null);
    const told = ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude });
    navigator.geolocation.getCurrentPosition(told, () => resolve(null), { timeout: POSITION_MS, maximumAge: 60_000 });
  });
}

async function presence(values, submitter) {
  if (values.code) return { code: values.code };
  if (submitter?.dataset.label) return { label: submitter.dataset.label };
  return submitter?.dataset.locate === undefined ? null : position();
}

// The form's fields are the API's; a note is its text, parts are a list.
async function bodyOf(form, submitter) {
  const { csrf_token: _, file: __, note, parts, code, ...values } = Object.fromEntries(new FormData(form));
  const body = { step: form.dataset.offline, at_us: Math.round(nowMs() * 1000), ...values };
  if (note !== undefined) body.text = note;
  if (parts !== undefined) body.parts = parts.split(",").map((part) => part.trim()).filter(Boolean);
  const proof = await presence({ code }, submitter);
  return proof ? { ...body, presence: proof } : body;
}

async function take(form, submitter) {
  if ((await all()).length >= QUEUE_LIMIT) return show(texts().full);
  const step = { ticket: form.dataset.ticket, key: name(), body: await bodyOf(form, submitter) };
  const file = form.elements.file?.files[0];
  if (file) Object.assign(step, { photo: await shrunk(file), name: file.name });
  try {
    await add(step);
  } catch {
    return show(texts().no_room);
  }
  form.reset();
  form.closest("details")?.removeAttribute("open");
  if (step.body.presence?.label) sessionStorage.removeItem(LABEL);
  await show();
  await sent(await flush());
}

async function sent(count) {
  await show();
  if (count) soon(["tickets"]);
}

// A label read without coverage leads to the last ticket kept (sw.js): the button says that it was read.
function offerLabel() {
  const read = /^#etiquette=([\w-]{1,64})$/.exec(location.hash)?.[1];
  if (read) sessionStorage.setItem(LABEL, read);
  const label = sessionStorage.getItem(LABEL);
  const button = document.querySelector("button[data-with-label]");
  if (!label || !button) return;
  button.dataset.label = label;
  button.hidden = false;
}

async function startWorker() {
  if (!("serviceWorker" in navigator) || !document.documentElement.dataset.stream) return;
  await navigator.serviceWorker.register("/sw.js");
  const ready = await navigator.serviceWorker.ready;
  const files = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((one) => one.href || one.src);
  if (place()) ready.active.postMessage({ keep: [location.pathname, ...files] });
}

export function startOffline() {
  startWorker().catch(() => {});
  for (const form of document.querySelectorAll("[data-scripted]")) form.hidden = false;
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action")?.endsWith("/deconnexion")) caches?.delete(PAGES);
    if (!event.target.matches("form[data-offline]")) return;
    event.preventDefault();
    take(event.target, event.submitter);
  }, true);
  offerLabel();
  keepSending(sent);
}
