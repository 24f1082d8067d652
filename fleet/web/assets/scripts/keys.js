// j and k walk the rows, Enter opens, / searches, ? explains, g then a letter goes to a page.
const typing = (target) => target.matches("input, select, textarea, [contenteditable]");
let pending = false;

function rows() {
  return [...document.querySelectorAll("main tbody tr[data-href], main a.item")].filter((row) => row.offsetParent);
}

function walk(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.findIndex((row) => row.classList.contains("row-current"));
  const next = all[Math.min(all.length - 1, Math.max(0, at === -1 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  for (const row of all) row.classList.remove("row-current");
  next.classList.add("row-current");
  (next.matches("a") ? next : next.querySelector("a"))?.focus();
  next.scrollIntoView({ block: "nearest" });
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (pending) {
      pending = false;
      const entry = document.querySelector(`.nav a[data-key="${CSS.escape(event.key)}"]`);
      if (entry) { event.preventDefault(); entry.click(); }
      return;
    }
    if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else if (event.key === "g") pending = true;
    else if (event.key === "/") { event.preventDefault(); document.getElementById("search")?.focus(); }
    else if (event.key === "?") document.getElementById("keys")?.showModal();
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input, label") && !String(getSelection())) location.href = row.dataset.href;
  });
}
