// What every page runs.  Pages work without it; with it they are live, quick and driven by keys.
import htmx from "htmx.org/dist/htmx.esm.js";
import { startClocks } from "./clocks.js";
import { startDialogs } from "./dialogs.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startOffline } from "./offline.js";
import { startSettings } from "./settings.js";
import { startTyped } from "./typed.js";
import { startWall } from "./wall.js";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;
window.htmx = htmx;

startClocks();
startDialogs();
startKeys();
startLive();
startOffline();
startSettings();
startTyped();
startWall();

// A question that gets no answer says so where the answer would stand.
for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failure, ({ detail }) => {
    const unknown = detail.target?.dataset.unknown;
    if (unknown) detail.target.replaceChildren(Object.assign(document.createElement("p"), { className: "notice", textContent: unknown }));
  });
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
