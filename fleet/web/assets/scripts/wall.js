// The wallboard turns its pages: one view at a time, each for as long as data-cycle says.  Where there is room
// the map stands beside the others and has no turn; a view with nothing in it has none either.
const ROOMY = "(min-width: 1600px)";

export function startWall() {
  const views = document.querySelector(".wall-views");
  if (!views) return;
  const wide = matchMedia(ROOMY);
  const isMap = (view) => view.dataset.kind === "map";
  const turns = () => [...views.children].filter((view) => (isMap(view) ? !wide.matches : !view.querySelector(".empty")));
  function show(next) {
    for (const view of views.children) view.toggleAttribute("data-shown", view === next);
    dispatchEvent(new Event("resize")); // the map measures its place anew
  }
  function turn() {
    const order = turns();
    const now = order.findIndex((view) => view.hasAttribute("data-shown"));
    show(order[(now + 1) % order.length] ?? views.firstElementChild);
  }
  wide.addEventListener("change", turn);
  setInterval(turn, Number(views.dataset.cycle) * 1000);
}
