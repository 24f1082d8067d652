// Counts over time as bars; the table behind says the same.  Colours and fonts are the page's.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const HEIGHT_PX = 180;
const root = document.documentElement;
const numbers = new Intl.NumberFormat(root.lang === "fr" ? "fr-FR" : "en-GB");
const paris = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Europe/Paris");
const charts = [];

function draw(place) {
  const told = JSON.parse(place.dataset.chart);
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--ink-soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `12px ${getComputedStyle(document.body).fontFamily}` };
  const names = { timeZone: "Europe/Paris", ...(told.step_s < 86400 && told.span_s < 200000 ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" }) };
  const moments = new Intl.DateTimeFormat(root.lang === "fr" ? "fr-FR" : "en-GB", names);
  place.replaceChildren();
  charts.push(new uPlot({
    width: place.clientWidth, height: HEIGHT_PX, tzDate: paris, legend: { show: false }, cursor: { drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_, __, top) => [0, Math.max(1, top)] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_, ticks) => ticks.map((tick) => moments.format(tick * 1000)) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? numbers.format(tick) : "")) },
    ],
    series: [{}, { stroke: colour("--accent"), fill: colour("--accent-soft"), width: 1, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 40], align: 1 }) }],
  }, [told.at_s, told.counts], place));
}

function all() {
  for (const chart of charts.splice(0)) chart.destroy();
  for (const place of document.querySelectorAll("[data-chart]")) draw(place);
}

let waiting = null;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(all, 150); });
document.addEventListener("live:refreshed", all);
document.addEventListener("htmx:afterSwap", all);
new MutationObserver(all).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
all();
