// Dialogs that ask once, messages that go away by themselves.  Without scripts the same forms post to pages.
const TOAST_MS = 8000;

export function startDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
    if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog")?.close();
    if (event.target.closest("[data-print]")) print();
    for (const menu of document.querySelectorAll("details.person[open]")) {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.dataset.offline) return;
    for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) {
      setTimeout(() => { button.disabled = true; });
    }
    form.querySelector("progress")?.removeAttribute("hidden");
  });
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form button[disabled]:not([data-off])")) button.disabled = false;
  });
  for (const toast of document.querySelectorAll(".toast")) setTimeout(() => toast.remove(), TOAST_MS);
}
