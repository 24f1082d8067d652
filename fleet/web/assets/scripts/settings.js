// Finds a setting of a long form by its name or path: others step aside, groups open where something fits.
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function seek(form, typed, nothing) {
  const wanted = plain(typed).split(/\s+/).filter(Boolean);
  let found = 0;
  for (const group of form.querySelectorAll("details.settings")) {
    const title = group.querySelector("summary").textContent;
    let here = 0;
    for (const field of group.querySelectorAll(".field")) {
      const text = plain(title + " " + field.querySelector("label").textContent + " " + (field.querySelector(".rule")?.textContent ?? ""));
      field.hidden = !wanted.every((part) => text.includes(part));
      here += field.hidden ? 0 : 1;
    }
    group.dataset.open ??= String(group.open);
    group.hidden = here === 0;
    group.open = wanted.length ? here > 0 : group.dataset.open === "true";
    found += here;
  }
  nothing.hidden = found > 0;
}

export function startSettings() {
  for (const box of document.querySelectorAll("[data-setting-search]")) {
    const field = box.querySelector("input");
    box.hidden = false;
    field.addEventListener("input", () => seek(box.closest("form"), field.value, box.querySelector(".notice")));
    // Enter in the search looks; it does not send the form.
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }
}
