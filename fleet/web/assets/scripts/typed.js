// What was typed survives a session that ends: kept in this tab until it was sent, and never a secret.
const PREFIX = "passerelle.typed ";
const SENT = "passerelle.sent";
const KEPT = "textarea, input:not([type]), input[type=text], input[type=search], input[type=number], input[type=date], input[type=tel], input[type=email], input[type=datetime-local]";

const nameOf = (form) => PREFIX + location.pathname + " " + (form.getAttribute("action") ?? "");
const onLogin = () => document.querySelector("input[type=password]") !== null;

function keep(form) {
  const typed = {};
  for (const field of form.querySelectorAll(KEPT)) {
    if (field.name && field.value !== field.defaultValue) typed[field.name] = field.value;
  }
  if (Object.keys(typed).length) sessionStorage.setItem(nameOf(form), JSON.stringify(typed));
  else sessionStorage.removeItem(nameOf(form));
}

function restore(form) {
  const typed = JSON.parse(sessionStorage.getItem(nameOf(form)) ?? "{}");
  for (const [name, value] of Object.entries(typed)) {
    const field = form.elements.namedItem(name);
    if (!field?.matches?.(KEPT) || field.value !== field.defaultValue) continue;
    field.value = value;
    field.closest("details")?.setAttribute("open", "");
  }
}

export function startTyped() {
  if (onLogin()) return;
  const address = new URL(location.href);
  const back = address.searchParams.has("retour");
  address.searchParams.delete("retour");
  if (back) history.replaceState(history.state, "", address);
  const sent = sessionStorage.getItem(SENT);
  if (sent) {
    // The page after a form is either what it led to, or, past a login, the page that it was on.
    sessionStorage.removeItem(SENT);
    if (!back) sessionStorage.removeItem(sent);
  }
  const posting = () => [...document.forms].filter((form) => form.method === "post" && !form.dataset.offline);
  for (const form of posting()) restore(form);
  document.addEventListener("input", ({ target }) => {
    if (target.form && posting().includes(target.form) && target.matches(KEPT)) keep(target.form);
  });
  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action")?.endsWith("/deconnexion")) return sessionStorage.clear();
    if (posting().includes(target)) sessionStorage.setItem(SENT, nameOf(target));
  });
}
