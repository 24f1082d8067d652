"""The live feed: the engine publishes each cycle's network, every open page hears what changed.

``publish`` is called from the engine's thread, ``subscribe`` from the web's event loop.  A slow client never
slows the engine: each has a queue of ``CLIENT_QUEUE_LIMIT``; at the limit the oldest update is dropped and
the next one says ``lagged``, on which a page reloads itself once.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from fleet.live.model import NetworkNow

CLIENT_QUEUE_LIMIT = 8
"""Updates; 8 s of cycles."""
CLIENTS_LIMIT = 200
"""Open pages of one process; the next one is refused (HTTP 503) and polls instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUpdate:
    """One cycle: the network, and which parts differ from the cycle before."""

    cycle: int
    network: NetworkNow
    changed_gateways: tuple[str, ...] = ()
    changed_communes: tuple[str, ...] = ()
    lagged: bool = False
    """Updates before this one were dropped for this client."""


class FeedFull(RuntimeError):
    """More clients than ``CLIENTS_LIMIT``."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One client's updates, oldest first."""

    loop: asyncio.AbstractEventLoop
    queue: "asyncio.Queue[LiveUpdate | None]" = field(
        default_factory=lambda: asyncio.Queue(CLIENT_QUEUE_LIMIT)
    )
    lagged: bool = False

    def offer(self, update: LiveUpdate | None) -> None:
        """Add ``update``, dropping the oldest at the limit; in the loop's thread."""
        if self.queue.full():
            self.queue.get_nowait()
            self.lagged = True
        if update is not None and self.lagged:
            update, self.lagged = replace(update, lagged=True), False
        self.queue.put_nowait(update)

    async def __aiter__(self) -> AsyncIterator[LiveUpdate]:
        while (update := await self.queue.get()) is not None:
            yield update


class Feed:
    """The broadcaster; one per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: set[Subscription] = set()
        self._latest: LiveUpdate | None = None
        self._closed = False

    @property
    def latest(self) -> LiveUpdate | None:
        """The newest update; None before the first cycle."""
        return self._latest

    @property
    def clients(self) -> int:
        """How many pages listen."""
        return len(self._clients)

    def publish(self, network: NetworkNow) -> LiveUpdate:
        """Send ``network`` with what changed to every client, and return the update."""
        before = self._latest
        update = LiveUpdate(
            cycle=1 if before is None else before.cycle + 1,
            network=network,
            changed_gateways=_changed(before.network.gateways if before else {}, network.gateways),
            changed_communes=_changed(before.network.communes if before else {}, network.communes),
        )
        self._latest = update
        self._send(update)
        return update

    def close(self) -> None:
        """End every subscription, so that the server can stop."""
        self._closed = True
        self._send(None)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Give a subscription of the running event loop; the newest update comes at once.

        Raises:
            FeedFull: more than ``CLIENTS_LIMIT`` clients.
        """
        client = Subscription(asyncio.get_running_loop())
        with self._lock:
            if len(self._clients) >= CLIENTS_LIMIT:
                raise FeedFull(f"live feed: {CLIENTS_LIMIT} pages are open")
            self._clients.add(client)
        if self._latest is not None:
            client.offer(self._latest)
        if self._closed:
            client.offer(None)
        try:
            yield client
        finally:
            with self._lock:
                self._clients.discard(client)

    def _send(self, update: LiveUpdate | None) -> None:
        with self._lock:
            clients = tuple(self._clients)
        for client in clients:
            if not client.loop.is_closed():
                client.loop.call_soon_threadsafe(client.offer, update)


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(
        sorted(key for key in before.keys() | after.keys() if _differ(before.get(key), after.get(key)))
    )


def _differ(before: object, after: object) -> bool:
    return before is not after and before != after
