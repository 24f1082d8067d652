// Clocks that run between two words of the server: Paris time, freshness, countdowns in words.
// The server's time rules: `data-now` on <html> corrects a wrong clock of this machine.
const NARROW = "\u202f";
const OFFSET = "passerelle.offset_ms";
const root = document.documentElement;
const french = root.lang === "fr";

// The server wrote its time when it began to answer: a slow link must not date steps back.
// A page that was kept (sw.js) carries the time of then: the offset that was found with coverage holds.
function offset() {
  if (!root.dataset.now) return 0;
  if (root.dataset.kept !== undefined) return Number(localStorage.getItem(OFFSET) || 0);
  const [visit] = performance.getEntriesByType("navigation");
  const answeredMs = performance.timeOrigin + (visit?.responseStart ?? performance.now());
  const found = Number(root.dataset.now) / 1000 - answeredMs;
  localStorage.setItem(OFFSET, String(found));
  return found;
}

const offsetMs = offset();
export const nowMs = () => Date.now() + offsetMs;

// The same words as fleet.web.format.duration.
function duration(ms) {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600);
  const days = Math.floor(seconds / 86400);
  let text;
  if (minutes === 0) text = `${seconds} s`;
  else if (hours === 0) text = `${minutes} min` + (seconds % 60 ? ` ${seconds % 60} s` : "");
  else if (days < 2) text = `${hours} h` + (minutes % 60 ? ` ${String(minutes % 60).padStart(2, "0")}` : "");
  else text = `${days} ${french ? "j" : "d"}` + (hours % 24 ? ` ${hours % 24} h` : "");
  return text.replaceAll(" ", NARROW);
}

// Above an hour seconds would only flicker; the server rounds the same way.
const calm = (ms) => duration(Math.abs(ms) >= 600_000 ? Math.floor(ms / 60_000) * 60_000 : ms);

const paris = new Intl.DateTimeFormat(french ? "fr-FR" : "en-GB", {
  timeZone: "Europe/Paris", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export const clockText = (ms) => paris.format(ms).slice(0, 5);

function level(leftMs, totalMs) {
  if (leftMs < 0) return "missed";
  if (leftMs <= totalMs * 0.1) return "red";
  return leftMs <= totalMs * 0.25 ? "amber" : "calm";
}

function tick() {
  const now = nowMs();
  for (const face of document.querySelectorAll("[data-paris-clock]")) face.textContent = paris.format(now);
  for (const face of document.querySelectorAll(".countdown[data-due]")) {
    const left = Number(face.dataset.due) / 1000 - now;
    const words = left < 0 ? face.dataset.missed : face.dataset.left;
    const state = level(left, Number(face.dataset.total) / 1000);
    face.textContent = words.replace("{time}", calm(Math.abs(left)));
    face.dataset.level = state;
    const bar = face.closest("[data-clock]")?.querySelector(".countdown-bar");
    if (bar) bar.dataset.level = state;
  }
  for (const age of document.querySelectorAll("[data-age-of]")) {
    const since = Number(age.dataset.ageOf) / 1000;
    age.textContent = age.dataset.words.replace("{time}", calm(Math.max(0, now - since)));
  }
  freshness(now);
}

const narrow = matchMedia("(max-width: 52rem)");

function freshness(now) {
  const place = document.getElementById("freshness");
  if (!place) return;
  const age = now - Number(place.dataset.at) / 1000;
  const frozen = age > Number(place.dataset.limit) / 1000;
  const words = narrow.matches ? place.dataset.brief : place.dataset.words;
  place.textContent = words.replace("{time}", duration(Math.max(0, age)));
  place.hidden = frozen || why === "login";
  band(Number(place.dataset.at) / 1000, !place.hidden);
}

// Says since when what is shown is not known to be true, why, and what to do.
function band(sinceMs, fresh) {
  const loud = document.getElementById("frozen");
  if (!loud) return;
  loud.hidden = fresh;
  const words = loud.dataset[why || "words"].replace("{since}", clockText(sinceMs));
  const text = loud.querySelector("span");
  if (sinceMs > 0 && text.textContent !== words) text.textContent = words;
  const login = loud.querySelector("a");
  login.hidden = why !== "login";
  if (login.dataset.fixed === undefined) login.href = `/connexion?back=${encodeURIComponent(location.pathname + location.search)}`;
}

// "login": the session is over; "away": no answer; "": nothing is known to hinder.
let why = "";

export function frozenBy(reason) {
  why = reason;
  freshness(nowMs());
}

// What is shown was true at this instant.
export function heard(atUs) {
  const place = document.getElementById("freshness");
  if (!place || atUs < Number(place.dataset.at)) return;
  place.dataset.at = atUs;
  freshness(nowMs());
}

export function startClocks() {
  tick();
  setInterval(tick, 1000);
}
