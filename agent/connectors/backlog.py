"""Stored frames of one connector, drained address by address, pure.

One frame of an address is under way at a time, the next at least half a second after it.  Addresses that
began to drain are finished first, then those whose live frames wait behind their stored ones, then the
rest in the order of their oldest frame: an address is back to live as early as can be.
"""

import heapq
from array import array
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.connectors.rules import (
    ADDRESS_PATIENCE_FRAMES,
    ADDRESS_SPACING_US,
    FETCH_FRAMES,
    DeliveryRules,
)
from agent.record import Record

_URGENT, _PLAIN = 0, 1


@dataclass(slots=True)
class _Line:
    """The queue of one address."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    head: int = 0
    loaded: deque[Record] = field(default_factory=deque)
    flying: Record | None = None
    last: Record | None = None
    last_sent_us: int = 0
    before_us: int = 0
    """When the frame before the one under way was sent."""
    started: bool = False
    fetching: bool = False
    order: int = 0
    held_from: int | None = None
    """From this id on the frames came in while the server answered; the rate of the backlog spares them."""

    @property
    def count(self) -> int:
        return len(self.ids) - self.head


class Backlog:
    """All addresses with stored frames; ``take`` says what to send now."""

    def __init__(self, rules: DeliveryRules) -> None:
        self._rules = rules
        self._lines: dict[int, _Line] = {}
        self._fresh: list[tuple[int, int, int]] = []
        self._soon: list[tuple[int, int]] = []
        self._ready: list[tuple[int, int]] = []
        self._spared: list[tuple[int, int]] = []
        self._starving: list[int] = []
        self._asked: dict[int, int] = {}
        self._settled: set[int] = set()
        self._tokens = float(rules.drain_burst_frames)
        self._tokens_at_us: int | None = None
        self._orders = 0
        self._active = 0
        self._queued = 0
        self.slow = False
        """One stored frame a second, whatever the rules say: the month's bytes are used up."""

    @property
    def count(self) -> int:
        """Frames that wait or are under way."""
        return self._queued - len(self._settled)

    def __contains__(self, address: int) -> bool:
        return address in self._lines

    def add(self, record_id: int, address: int, *, held: bool = False) -> None:
        """Queue a stored frame behind the others of its address."""
        line = self._lines.get(address)
        if line is None:
            self._orders += 1
            line = self._lines[address] = _Line(order=self._orders)
            heapq.heappush(self._fresh, (_PLAIN, line.order, address))
        if held and line.held_from is None:
            line.held_from = record_id
            if not line.started:
                heapq.heappush(self._fresh, (_URGENT, line.order, address))
        line.ids.append(record_id)
        self._queued += 1

    def link_lost(self) -> None:
        """Take back what was under way; nothing received until the server answers again counts as held."""
        for address, line in self._lines.items():
            line.held_from = None
            if line.flying is not None:
                self._land(address, line)

    def retry(self, record_id: int, address: int) -> None:
        """Queue again a frame whose acknowledgement did not come."""
        line = self._lines.get(address)
        if line is not None and line.flying is not None and line.flying.id == record_id:
            self._land(address, line)

    def _land(self, address: int, line: _Line) -> None:
        if line.flying is not None:
            line.loaded.appendleft(line.flying)
            line.flying = None
            self._schedule(address, line)

    def wanted(self) -> list[int]:
        """Return the ids to read from the spool; every call's answer goes to ``fetched``."""
        self._start_more()
        ids: list[int] = []
        for address in self._starving:
            line = self._lines.get(address)
            if line is not None and line.started and not line.fetching:
                line.fetching = True
                chunk = line.ids[line.head : line.head + FETCH_FRAMES]
                self._asked.update(dict.fromkeys(chunk, address))
                ids.extend(chunk)
        self._starving.clear()
        return ids

    def _start_more(self) -> None:
        while self._fresh and self._active < self._rules.active_addresses:
            _, order, address = heapq.heappop(self._fresh)
            line = self._lines.get(address)
            if line is not None and line.order == order and not line.started:
                line.started = True
                self._active += 1
                self._starving.append(address)

    def fetched(self, asked: Iterable[int], records: Iterable[Record]) -> list[int]:
        """Take in what was read; return the ids that were not there, which are given up.

        Meanwhile a frame may have been settled by a late acknowledgement: it is neither sent nor missing.
        """
        found = {record.id: record for record in records}
        missing: list[int] = []
        touched: dict[int, None] = {}
        for record_id in asked:
            address = self._asked.pop(record_id, None)
            line = None if address is None else self._lines.get(address)
            if line is None or address is None:
                continue
            touched[address] = None
            if record_id in found:
                line.loaded.append(found[record_id])
            elif self._waits(record_id, line):
                missing.append(record_id)
                self._settled.add(record_id)
        for address in touched:
            line = self._lines[address]
            line.fetching = False
            self._skip_settled(address, line)
            if address in self._lines:
                self._next(address, line)
        return missing

    def _waits(self, record_id: int, line: _Line) -> bool:
        """Return whether a frame among those that a line asks for is still to be delivered."""
        return record_id not in self._settled and record_id in line.ids[line.head : line.head + FETCH_FRAMES]

    def discard(self, entries: Iterable[tuple[int, int]]) -> None:
        """Take out (id, address) pairs that are queued here: delivered by an earlier sending, or evicted."""
        for record_id, address in entries:
            line = self._lines.get(address)
            if line is None or self.acknowledged(record_id, address):
                continue
            self._settled.add(record_id)
            self._skip_settled(address, line)

    def acknowledged(self, record_id: int, address: int) -> bool:
        """Advance an address past a delivered frame; False when that frame was not under way."""
        line = self._lines.get(address)
        if line is None or line.flying is None or line.flying.id != record_id:
            return False
        line.last, line.flying = line.flying, None
        self._advance(line)
        self._skip_settled(address, line)
        if address in self._lines:
            self._next(address, line)
        return True

    def spare(self, record_id: int, address: int) -> None:
        """Advance an address past a frame that ``take`` gave and that is not sent after all."""
        line = self._lines[address]
        line.last_sent_us = line.before_us
        self._tokens += 0 if self._spared_by_rate(line) else 1
        self.acknowledged(record_id, address)

    @staticmethod
    def _spared_by_rate(line: _Line) -> bool:
        return line.held_from is not None and line.flying is not None and line.flying.id >= line.held_from

    def _advance(self, line: _Line) -> None:
        line.head += 1
        self._queued -= 1
        if line.head > 1024 and line.head * 2 > len(line.ids):
            del line.ids[: line.head]
            line.head = 0

    def _skip_settled(self, address: int, line: _Line) -> None:
        while line.flying is None and line.count and line.ids[line.head] in self._settled:
            self._settled.discard(line.ids[line.head])
            if line.loaded and line.loaded[0].id == line.ids[line.head]:
                line.loaded.popleft()
            self._advance(line)
        if not line.count and line.flying is None:
            del self._lines[address]
            self._active -= line.started
        elif line.flying is None:
            # What was read and settled before it arrived, or read twice, is not what the line waits for.
            while line.loaded and line.loaded[0].id != line.ids[line.head]:
                line.loaded.popleft()

    def _next(self, address: int, line: _Line) -> None:
        if line.flying is not None:
            return
        if line.loaded:
            self._schedule(address, line)
        elif line.started:
            self._starving.append(address)

    def _schedule(self, address: int, line: _Line) -> None:
        heapq.heappush(self._soon, (line.last_sent_us + self._spacing(line), address))

    def _spacing(self, line: _Line) -> int:
        """Return the least time since the last sending of this address."""
        previous, following = line.last, line.loaded[0]
        if previous is None:
            return 0
        natural = following.monotonic_us - previous.monotonic_us
        held = line.held_from is not None and following.id >= line.held_from
        hurried = held or line.count > ADDRESS_PATIENCE_FRAMES
        if hurried and previous.boot == following.boot and natural >= 0:
            return min(ADDRESS_SPACING_US, natural // 2)
        return ADDRESS_SPACING_US

    def take(self, now_us: int) -> list[Record]:
        """Return the frames to send now; each is under way until acknowledged, retried or discarded."""
        self._refill(now_us)
        while self._soon and self._soon[0][0] <= now_us:
            _, address = heapq.heappop(self._soon)
            line = self._lines.get(address)
            if line is None or not line.started or line.flying is not None:
                continue
            if not line.loaded:
                self._starving.append(address)
            elif line.last_sent_us + self._spacing(line) > now_us:
                self._schedule(address, line)
            else:
                ready = self._spared if self._held(line) else self._ready
                heapq.heappush(ready, (line.order, address))
        return self._launch(now_us)

    @staticmethod
    def _held(line: _Line) -> bool:
        return line.held_from is not None and line.loaded[0].id >= line.held_from

    def _launch(self, now_us: int) -> list[Record]:
        """Send what the rate spares, then the oldest of the rest while the rate allows it."""
        sent: list[Record] = []
        while self._spared or (self._ready and self._tokens >= 1):
            order, address = heapq.heappop(self._spared or self._ready)
            line = self._lines.get(address)
            if line is None or not line.loaded or line.flying is not None:
                continue
            held = self._held(line)
            if not held and self._tokens < 1:
                heapq.heappush(self._ready, (order, address))
                continue
            self._tokens -= 0 if held else 1
            line.flying = line.loaded.popleft()
            line.before_us, line.last_sent_us = line.last_sent_us, now_us
            sent.append(line.flying)
        return sent

    @property
    def _rate(self) -> int:
        return 1 if self.slow else self._rules.drain_frames_per_s

    def _refill(self, now_us: int) -> None:
        rate = self._rate
        if self._tokens_at_us is not None:
            self._tokens += (now_us - self._tokens_at_us) * rate / 1_000_000
        limit = 1 if self.slow else max(self._rules.drain_burst_frames, rate // 20, 1)
        self._tokens = min(float(limit), self._tokens)
        self._tokens_at_us = now_us

    def wake_at_us(self, now_us: int) -> int | None:
        """Return when ``take`` may have something new; None when only an event can bring it."""
        times = [self._soon[0][0]] if self._soon else []
        if self._ready:
            missing = max(0.0, 1 - self._tokens)
            times.append(now_us + int(missing * 1_000_000 / max(1, self._rate)) + 1)
        return min(times, default=None)

    def oldest_id(self) -> int | None:
        """Return the id of the oldest frame that waits."""
        return min((line.ids[line.head] for line in self._lines.values() if line.count), default=None)
