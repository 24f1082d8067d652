// Tickets that were opened stay readable without coverage; everything else asks the network.
// A kept page is shown only when there is no answer, marked as kept: its own clock says how old it is.
// Bundled files change their address when they change: what is kept of them is never asked for again.
const PAGES = "passerelle-pages";
const FILES = "passerelle-files";
const KEPT_PAGES = 20;
const KEPT_FILES = 40;
const TICKET = /^\/tickets\/\d+$/;
const LABEL = /^\/s\/([\w-]{1,64})$/;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  const addresses = (event.data.keep ?? []).map((one) => new URL(one, location.origin));
  event.waitUntil(Promise.allSettled(addresses.map((url) => (TICKET.test(url.pathname) ? page : file)(new Request(url)))));
});

// One after the other, and readers wait: between delete and put a page is nowhere. A full phone keeps what it has.
let keeping = Promise.resolve();
function keep(name, limit, request, answer) {
  keeping = keeping.then(() => store(name, limit, request, answer)).catch(() => undefined);
  return keeping;
}

async function store(name, limit, request, answer) {
  const cache = await caches.open(name);
  await cache.delete(request);
  await cache.put(request, answer);
  const kept = await cache.keys();
  for (const old of kept.slice(0, Math.max(0, kept.length - limit))) await cache.delete(old);
}

async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok) await keep(FILES, KEPT_FILES, request, fresh.clone());
  return fresh;
}

async function page(request) {
  try {
    const fresh = await fetch(request);
    if (fresh.ok && !fresh.redirected) await keep(PAGES, KEPT_PAGES, new URL(request.url).pathname, fresh.clone());
    return fresh;
  } catch (error) {
    await keeping;
    const old = await caches.match(new URL(request.url).pathname);
    if (!old) throw error;
    return new Response((await old.text()).replace("<html ", "<html data-kept "), { headers: old.headers });
  }
}

// A label read without coverage: the ticket opened last is likeliest the one; its page offers the proof.
async function label(request, token) {
  try {
    return await fetch(request);
  } catch (error) {
    await keeping;
    const kept = await (await caches.open(PAGES)).keys();
    if (kept.length === 0) throw error;
    return Response.redirect(`${new URL(kept[kept.length - 1].url).pathname}#etiquette=${token}`);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const read = LABEL.exec(url.pathname);
  if (read && request.mode === "navigate") event.respondWith(label(request, read[1]));
  else if (TICKET.test(url.pathname)) event.respondWith(page(request));
  else if (url.pathname.startsWith("/static/dist/") && url.searchParams.has("v")) event.respondWith(file(request));
});
