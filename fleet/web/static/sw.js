// Tickets that were opened stay readable without coverage; everything else asks the network.
// Network first: a kept page is shown only when there is no answer, and its own clock says how old it is.
const PAGES = "passerelle-pages";
const KEPT_PAGES = 20;

const kept = (url) => url.pathname.startsWith("/tickets/") || url.pathname.startsWith("/static/");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function keep(request, answer) {
  const cache = await caches.open(PAGES);
  await cache.put(request, answer);
  const pages = (await cache.keys()).filter((one) => new URL(one.url).pathname.startsWith("/tickets/"));
  for (const old of pages.slice(0, Math.max(0, pages.length - KEPT_PAGES))) await cache.delete(old);
}

async function answer(request) {
  try {
    const fresh = await fetch(request);
    if (fresh.ok && !fresh.redirected) await keep(request, fresh.clone());
    return fresh;
  } catch (error) {
    const old = await caches.match(request);
    if (old) return old;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === location.origin && kept(url)) event.respondWith(answer(event.request));
});
