// The map of communes: shapes where the territory is known, discs where only the place is.  No remote tiles.
import L from "leaflet";
import "leaflet/dist/leaflet.css";

const place = document.getElementById("map");
const REFRESH_MS = 5000;
let layers = [];
let labels = [];
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
const RADIUS = 12;
const RADIUS_LOST = 16;
const radius = (commune) => (commune.state === "LOST" ? RADIUS_LOST : RADIUS);
const sides = (r) => [["bottom", [0, r - 1]], ["right", [r + 1, 0]], ["left", [-r - 1, 0]], ["top", [0, 1 - r]]];
const overlaps = (box) => (other) =>
  box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top;

// The middle of a disc: a name may touch its rim.
function inner(box) {
  const rim = box.width / 6;
  return { left: box.left + rim, right: box.right - rim, top: box.top + rim, bottom: box.bottom - rim };
}

function thin() {
  const taken = [...place.querySelectorAll(".commune-disc, .map-mark")].map((mark) => inner(mark.getBoundingClientRect()));
  const frame = place.getBoundingClientRect();
  for (const { label, fixed, r, worst } of labels) {
    const element = label.getElement();
    if (!element) continue;
    let box = null;
    for (const [direction, offset] of fixed ? [["center", [0, 0]]] : sides(r)) {
      label.options.direction = direction;
      label.options.offset = L.point(offset);
      label.update();
      const found = element.getBoundingClientRect();
      const inside = found.left >= frame.left && found.right <= frame.right;
      if (inside && !taken.some(overlaps(found))) { box = found; break; }
    }
    element.style.visibility = box || worst ? "" : "hidden";
    if (box) taken.push(box);
  }
}

function draw(territory) {
  labels = [];
  for (const layer of layers) layer.remove();
  layers = [];
  for (const commune of territory.communes) {
    if (!commune.polygon && commune.lat === null) continue;
    const layer = shape(commune).addTo(map);
    layer.bindTooltip(text(commune.title));
    layer.on("click", () => { location.href = commune.href; });
    const at = commune.polygon ? layer.getBounds().getCenter() : L.latLng(commune.lat, commune.lon);
    const label = L.tooltip({ permanent: true, className: "map-label" }).setLatLng(at).setContent(text(commune.name));
    const worst = commune.state !== "SERVED" && commune.state !== "NOT_COVERED";
    const named = { label, fixed: Boolean(commune.polygon), r: radius(commune), worst };
    if (worst) labels.unshift(named);
    else labels.push(named);
    layers.push(layer);
  }
  for (const { label } of labels) layers.push(label.addTo(map));
  for (const gateway of territory.gateways) layers.push(mark(gateway).addTo(map));
}

async function load(fit) {
  const answer = await fetch(place.dataset.source, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const territory = await answer.json();
  draw(territory);
  if (fit && territory.bounds) map.fitBounds(territory.bounds, { padding: [Math.min(90, place.clientWidth / 6), 36] });
  thin();
}

if (place) {
  map = L.map(place, { attributionControl: false, zoomSnap: 0.25, scrollWheelZoom: place.dataset.full === "1", zoomControl: false });
  L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
  map.setView([47.4, 0.9], 10);
  map.on("zoomend moveend", thin);
  load(true).catch(() => {});
  let waiting = null;
  document.addEventListener("live:refreshed", () => {
    waiting ??= setTimeout(() => { waiting = null; load(false).catch(() => {}); }, REFRESH_MS);
  });
}
