// One stream for all tabs of a browser: whoever holds the lock opens it and hands on what comes.  A browser
// opens six connections to a server at most, so streams of their own would block the seventh tab.
//
//   { kind: "open" }            connected: what happened before is unknown
//   { kind: "cycle", update }   one cycle of the engine
//   { kind: "ended" }           the session is over
//   { kind: "lost" }            not connected; tried again and again, further and further apart
const FIRST_MS = 1_000;
const LONGEST_MS = 15_000;
const SILENT_MS = 25_000; // the sparse stream speaks every 10 s

export function backOff(tries) {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 10));
  return whole / 2 + (Math.random() * whole) / 2;
}

function lead(address, hand) {
  let wanted = address;
  let stream = null;
  let tries = 0;
  let retry = 0;
  let watch = 0;

  function alive() {
    clearTimeout(watch);
    watch = setTimeout(lost, SILENT_MS);
  }

  function lost() {
    stream?.close();
    clearTimeout(watch);
    clearTimeout(retry);
    hand({ kind: "lost" });
    retry = setTimeout(open, backOff(tries));
    tries += 1;
  }

  function open() {
    stream = new EventSource(wanted);
    stream.addEventListener("open", () => { hand({ kind: "open" }); alive(); });
    stream.addEventListener("cycle", (event) => {
      tries = 0;
      alive();
      hand({ kind: "cycle", update: JSON.parse(event.data) });
    });
    stream.addEventListener("ended", () => { hand({ kind: "ended" }); lost(); });
    stream.addEventListener("error", lost);
  }

  open();
  return {
    // A tab that shows words of every second makes a sparse stream a full one.
    widen() {
      if (!wanted.includes("sparse=1")) return;
      wanted = wanted.split("?")[0];
      stream?.close();
      open();
    },
    stop() {
      clearTimeout(watch);
      clearTimeout(retry);
      stream?.close();
    },
  };
}

function share(address, told) {
  const name = `passerelle.stream ${address.split("?")[0]}`;
  const channel = new BroadcastChannel(name);
  const stop = new AbortController();
  let leader = null;
  let release = () => {};
  let watch = 0;
  const heard = (message) => {
    clearTimeout(watch);
    watch = setTimeout(() => told({ kind: "lost" }), SILENT_MS);
    told(message);
  };
  channel.onmessage = ({ data }) => {
    if (data.kind === "want") leader?.widen();
    else heard(data);
  };
  heard({ kind: "wait" });
  if (!address.includes("sparse=1")) channel.postMessage({ kind: "want" });
  navigator.locks
    .request(name, { signal: stop.signal }, () => new Promise((resolve) => {
      release = resolve;
      leader = lead(address, (message) => { channel.postMessage(message); heard(message); });
    }))
    .catch(() => {});
  return () => {
    clearTimeout(watch);
    leader?.stop();
    release();
    stop.abort();
    channel.close();
  };
}

// Follows the stream for as long as the page is shown; a page that comes back from the browser's memory too.
export function follow(address, told) {
  const shared = navigator.locks && typeof BroadcastChannel !== "undefined";
  const begin = () => (shared ? share(address, told) : lead(address, told).stop);
  let end = begin();
  addEventListener("pagehide", () => end());
  addEventListener("pageshow", (event) => {
    if (event.persisted) end = begin();
  });
}
