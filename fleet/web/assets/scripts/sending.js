// Sends what waits, oldest first, one at a time.  An Idempotency-Key makes a second sending harmless; what was
// done already counts as done; what is refused stays in sight with the reason until it is dismissed.
import { all, keep, remove } from "./queue.js";

const RETRY_MS = 15_000;
const ANSWER_MS = 120_000; // a photo over 2G takes a minute
const DONE_ALREADY = /^ticket\.refused\.(already_|not_paused)/;
const token = () => document.querySelector("input[name=csrf_token]")?.value ?? "";

// What cannot be sent yet: 401 and 403 want a new login, 5xx and silence want patience.
class Later extends Error {}

async function ask(path, options) {
  const signal = AbortSignal.timeout?.(ANSWER_MS);
  const answer = await fetch(path, { credentials: "same-origin", signal, ...options }).catch((error) => {
    throw new Later(error.name);
  });
  if (answer.redirected || answer.status === 401 || answer.status === 403) throw new Later("login");
  if (answer.status >= 500 || answer.status === 429) throw new Later(`${answer.status}`);
  return answer;
}

function post(step) {
  const headers = { "X-CSRF-Token": token(), "Idempotency-Key": step.key };
  if (step.photo) {
    const body = new FormData();
    body.append("file", step.photo, step.name);
    body.append("at_us", String(step.body.at_us));
    return ask(`/api/v1/tickets/${step.ticket}/photos`, { method: "POST", headers, body });
  }
  headers["Content-Type"] = "application/json";
  return ask(`/api/v1/tickets/${step.ticket}/steps`, { method: "POST", headers, body: JSON.stringify(step.body) });
}

// A report is sent when telemetry says that the service is back: nobody else may say so.
async function mayClose(step) {
  const answer = await ask(`/api/v1/tickets/${step.ticket}`);
  if (!answer.ok) return true;
  const { shown } = await answer.json();
  return !["reported", "acknowledged", "en_route", "on_site"].includes(shown.ticket.state);
}

// Returns whether the step has left the queue.
async function sendOne(step) {
  if (step.body.step === "close" && !(await mayClose(step))) {
    await keep({ ...step, held: true });
    return false;
  }
  const answer = await post(step);
  if (answer.ok || DONE_ALREADY.test(answer.headers.get("X-Refusal") ?? "")) {
    await remove(step.id);
    return true;
  }
  const told = await answer.json().catch(() => ({}));
  await keep({ ...step, refused: told.detail ?? `${answer.status}` });
  return false;
}

async function sendAll() {
  let sent = 0;
  for (const step of await all()) if (!step.refused && (await sendOne(step))) sent += 1;
  return sent;
}

let why = "";
let sending = null;

// Returns how many were sent; `reason()` tells why the rest waits.
export function flush() {
  const alone = () => (navigator.locks ? navigator.locks.request("passerelle.steps", sendAll) : sendAll());
  sending ??= alone()
    .then((sent) => { why = ""; return sent; })
    .catch((error) => {
      if (!(error instanceof Later)) throw error;
      why = error.message === "login" ? "login" : "network";
      return 0;
    })
    .finally(() => { sending = null; });
  return sending;
}

export const reason = () => why;

export function keepSending(done) {
  const again = () => flush().then(done);
  addEventListener("online", again);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
  setInterval(again, RETRY_MS);
  again();
}
