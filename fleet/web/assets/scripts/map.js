// The map of communes: shapes where the territory is known, discs where only the place is.  No remote tiles.
import L from "leaflet";
import "leaflet/dist/leaflet.css";

const place = document.getElementById("map");
const REFRESH_MS = 5000;
const RETRY_MS = 5_000;
let layers = [];
let names = [];
let labels = [];
let gateways = [];
let marks = [];
let drawn = "";
let map = null;

function shape(feature) {
  const options = { className: `commune-shape state-${feature.state}`, keyboard: true };
  if (feature.polygon) return L.geoJSON(feature.polygon, { style: () => options });
  options.className += " commune-disc";
  return L.circleMarker([feature.lat, feature.lon], { ...options, radius: radius(feature) });
}

function mark(gateway) {
  const icon = L.divIcon({ className: "map-mark", html: gateway.shape, iconSize: [16, 16] });
  const marker = L.marker([gateway.lat, gateway.lon], { icon, title: gateway.title, alt: gateway.title, zIndexOffset: gateway.rank });
  marker.on("add", () => { marker.getElement().dataset.state = gateway.state; });
  marker.on("click keypress", (event) => {
    if (event.type === "click" || event.originalEvent.key === "Enter") location.href = gateway.href;
  });
  return marker;
}

// Names are text, never markup.
function text(words) {
  const element = document.createElement("span");
  element.textContent = words;
  return element;
}

// The worst first; a name stands below its place, else beside or above it, else waits for a closer look.
// Places are reckoned from numbers, not from the page: five hundred names must not cost a layout each.
const RADIUS = 12;
const RADIUS_LOST = 16;
const MARK_RADIUS = 8;
let namePx = 12; // --map-label of the stylesheet; the wall writes larger
const LINE = 1.5;
const MARKS_LIMIT = 300; // beyond, gateways that serve are drawn only from this zoom on
const MARKS_ZOOM = 11;
const radius = (commune) => (commune.state === "LOST" ? RADIUS_LOST : RADIUS);
const pen = document.createElement("canvas").getContext("2d");

function boxAround(x, y, halfWidth, halfHeight) {
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight };
}

const overlaps = (box) => (other) =>
  box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top;

function sides({ at, r, fixed, halfWidth }) {
  const { x, y } = map.latLngToContainerPoint(at);
  const half = (namePx * LINE) / 2;
  if (fixed) return [["center", [0, 0], boxAround(x, y, halfWidth, half)]];
  return [
    ["bottom", [0, r - 1], boxAround(x, y + r + half, halfWidth, half)],
    ["right", [r + 1, 0], boxAround(x + r + 4 + halfWidth, y, halfWidth, half)],
    ["left", [-r - 1, 0], boxAround(x - r - 4 - halfWidth, y, halfWidth, half)],
    ["top", [0, 1 - r], boxAround(x, y - r - half, halfWidth, half)],
  ];
}

// The middle of a disc: a name may touch its rim.
function discs() {
  const bounds = map.getBounds().pad(0.1);
  const seen = [...names.filter((name) => !name.fixed), ...marks].filter(({ at }) => bounds.contains(at));
  return seen.map(({ at, r }) => {
    const { x, y } = map.latLngToContainerPoint(at);
    return boxAround(x, y, r * 0.67, r * 0.67);
  });
}

function write() {
  for (const label of labels) label.remove();
  labels = [];
  const { x: width, y: height } = map.getSize();
  const taken = discs();
  for (const name of names) {
    const choices = sides(name).filter(([, , box]) => box.left >= 0 && box.right <= width && box.bottom >= 0 && box.top <= height);
    const chosen = choices.find(([, , box]) => !taken.some(overlaps(box))) ?? (name.worst ? choices[0] : undefined);
    if (!chosen) continue;
    const [direction, offset, box] = chosen;
    taken.push(box);
    labels.push(L.tooltip({ permanent: true, className: "map-label", direction, offset }).setLatLng(name.at).setContent(text(name.words)).addTo(map));
  }
}

function draw(territory) {
  for (const layer of layers) layer.remove();
  layers = [];
  names = [];
  const style = getComputedStyle(place);
  namePx = parseFloat(style.getPropertyValue("--map-label")) || namePx;
  pen.font = `600 ${namePx}px ${style.fontFamily}`;
  for (const commune of territory.communes) {
    if (!commune.polygon && commune.lat === null) continue;
    const layer = shape(commune).addTo(map);
    layer.bindTooltip(text(commune.title));
    layer.on("click", () => { location.href = commune.href; });
    const at = commune.polygon ? layer.getBounds().getCenter() : L.latLng(commune.lat, commune.lon);
    const worst = commune.state !== "SERVED" && commune.state !== "NOT_COVERED";
    const name = { at, words: commune.name, r: radius(commune), fixed: Boolean(commune.polygon), worst, halfWidth: pen.measureText(commune.name).width / 2 + 4 };
    if (worst) names.unshift(name);
    else names.push(name);
    layers.push(layer);
  }
  gateways = territory.gateways;
}

// What is fine takes little room: in a large network the gateways that serve wait for a closer look.
function point() {
  for (const { layer } of marks) layer.remove();
  const all = gateways.length <= MARKS_LIMIT || map.getZoom() >= MARKS_ZOOM;
  const bounds = map.getBounds().pad(0.1);
  const shown = gateways.filter((gateway) => (all || gateway.state !== "SERVING") && bounds.contains([gateway.lat, gateway.lon]));
  marks = shown.map((gateway) => ({ at: L.latLng(gateway.lat, gateway.lon), r: MARK_RADIUS, layer: mark(gateway).addTo(map) }));
}

function settle() {
  point();
  write();
}

// A map on a view that has no turn yet has no size either: it finds its frame when it is shown.
let wanted = null;
function frame() {
  if (!wanted || place.clientWidth === 0) return;
  map.invalidateSize(false);
  const beside = Math.min(90, place.clientWidth / 6);
  map.fitBounds(wanted, { paddingTopLeft: [beside, 36], paddingBottomRight: [beside, 36 + 2 * namePx], animate: false });
  wanted = null;
}

async function load(fit) {
  const answer = await fetch(place.dataset.source, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const received = await answer.text();
  if (received === drawn) return;
  drawn = received;
  const territory = JSON.parse(received);
  draw(territory);
  if (fit) wanted = territory.bounds;
  frame();
  settle();
}

// What was not answered is asked again: the map is part of what the page says to be fresh.
function keepLoading(fit) {
  load(fit).catch(() => setTimeout(() => keepLoading(fit), RETRY_MS));
}

if (place) {
  map = L.map(place, { attributionControl: false, zoomSnap: 0.25, scrollWheelZoom: place.dataset.full === "1", zoomControl: false });
  L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
  map.setView([47.4, 0.9], 10);
  map.on("zoomend moveend", settle);
  keepLoading(true);
  addEventListener("resize", frame);
  let waiting = null;
  document.addEventListener("live:refreshed", () => {
    waiting ??= setTimeout(() => { waiting = null; keepLoading(false); }, REFRESH_MS);
  });
}
