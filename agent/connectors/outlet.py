"""One connector's delivery, joined to spool and counters: the half that every protocol shares."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

from agent.connectors.delivery import Delivery, Work
from agent.connectors.ports import Host
from agent.connectors.rules import DeliveryRules
from agent.record import Record
from agent.wire.neighbours import NeighbourDeliveries

READ_AGAIN_S = 5.0
"""A disk that could not be asked is asked again after this."""


class Outlet:
    """Runs ``Delivery``: reads what it wants from the spool, settles what it drops."""

    def __init__(self, name: str, rules: DeliveryRules, host: Host, changed: Callable[[], None]) -> None:
        self.name = name
        self._host = host
        self._changed = changed
        self.delivery = Delivery(rules)
        self._reading: set[asyncio.Task[None]] = set()
        self._closed = False

    def close(self) -> None:
        """Send and settle nothing from here on: another outlet takes what waits."""
        self._closed = True
        for task in self._reading:
            task.cancel()

    def restore(self, entries: Iterable[tuple[int, int, int]]) -> None:
        """Take in what an earlier run left."""
        for record_id, address, kind in entries:
            self.delivery.restore(record_id, address, kind)
        self._changed()

    def frame_received(self, record: Record) -> None:
        """Take in a live frame; whoever gives it has it sent, for several may share a datagram."""
        self.delivery.frame_received(record, self._host.clock.monotonic_us())

    def resume(self, record: Record) -> None:
        """Take in a frame of this boot that another outlet had: it is late when it would have been there."""
        self.delivery.frame_received(record, record.monotonic_us)
        self._changed()

    def evicted(self, entries: Iterable[tuple[int, int]]) -> None:
        """Take in what the spool had no room for."""
        self.delivery.evicted(entries)

    def link(self, *, reachable: bool) -> None:
        """Take in whether the server answers."""
        if reachable != self.delivery.reachable:
            self.delivery.link(reachable=reachable)
            self._host.link_changed(self.name)

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None:
        """Take in what the server has through neighbours."""
        self.delivery.neighbours.answered(word)
        self._changed()

    def acknowledged(self, ids: Iterable[int]) -> None:
        """Settle what the server has."""
        known = self.delivery.acknowledged(ids, self._host.clock.monotonic_us())
        if known and not self._closed:
            self._host.settled(self.name, known, None)

    def give_up(self, record_id: int, reason: str) -> None:
        """Settle a frame that this server's protocol cannot carry."""
        known = self.delivery.acknowledged([record_id], self._host.clock.monotonic_us())
        if known and not self._closed:
            self._host.settled(self.name, known, reason)

    def step(self, now_us: int, retry_us: int | None) -> Work:
        """Return what to send now; the rest is seen to here."""
        if self._closed:
            return Work()
        work = self.delivery.step(now_us, retry_us)
        if work.dropped:
            by_reason: dict[str, list[int]] = defaultdict(list)
            for record_id, reason in work.dropped:
                by_reason[reason].append(record_id)
            for reason, ids in by_reason.items():
                self._host.settled(self.name, ids, reason)
        if work.late:
            self._host.stale(work.late)
        if work.fetch:
            task = asyncio.get_running_loop().create_task(self._read(work.fetch))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
        return work

    async def _read(self, ids: tuple[int, ...]) -> None:
        while (records := await self._host.read(ids)) is None:
            await asyncio.sleep(READ_AGAIN_S)
        self.delivery.fetched(ids, sorted(records, key=lambda record: record.id))
        self._changed()
