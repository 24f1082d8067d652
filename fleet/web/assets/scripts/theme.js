// Runs before the first paint: light or dark by the person's choice, else as the system says.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const apply = () => {
  const choice = root.dataset.choice;
  root.dataset.theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
};
dark.addEventListener("change", apply);
apply();
