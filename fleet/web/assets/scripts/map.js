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
  return L.circleMarker([feature.lat, feature.lon], { ...options, radius: feature.state === "LOST" ? 16 : 12 });
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

// The worst first; a name that would lie on another waits for a closer look.
function thin() {
  const taken = [];
  for (const label of labels) {
    const element = label.getElement();
    if (!element) continue;
    element.style.visibility = "";
    const box = element.getBoundingClientRect();
    const covered = taken.some((other) => box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top);
    if (covered) element.style.visibility = "hidden";
    else taken.push(box);
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
    const place = { permanent: true, direction: commune.polygon ? "center" : "bottom", className: "map-label", offset: [0, commune.polygon ? 0 : 8] };
    const label = L.tooltip(place).setLatLng(at).setContent(text(commune.name));
    if (commune.state === "SERVED" || commune.state === "NOT_COVERED") labels.push(label);
    else labels.unshift(label);
    layers.push(layer);
  }
  for (const label of labels) layers.push(label.addTo(map));
  for (const gateway of territory.gateways) layers.push(mark(gateway).addTo(map));
}

async function load(fit) {
  const answer = await fetch(place.dataset.source, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const territory = await answer.json();
  draw(territory);
  if (fit && territory.bounds) map.fitBounds(territory.bounds, { padding: [36, 36] });
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
