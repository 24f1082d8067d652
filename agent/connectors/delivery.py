"""What one connector does with every frame, whatever its protocol: pure: the caller gives the time.

A frame is *live* for 3 s: sent at once, sent again when its acknowledgement is overdue.  Then it is late:
a join-request is dropped, anything else joins the backlog of its address (``backlog.py``), without what
neighbours delivered where that is asked for (``neighbours.py``).  A live frame
of an address that has a backlog goes behind it.  While the server does not answer nothing is sent.
"""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.connectors.backlog import Backlog
from agent.connectors.neighbours import Neighbours
from agent.connectors.rules import LATE_AFTER_US, LIVE_LIMIT_FRAMES, DeliveryRules
from agent.record import FrameKind, Record
from agent.wire.neighbours import NEIGHBOUR_DELIVERED

JOIN_LATE = "join_late"
REPLAY_OFF = "replay_off"
SPOOL_LOST = "spool_lost"


@dataclass(slots=True)
class _Live:
    record: Record
    received_us: int
    tries: int = 0
    retry_at_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the shell does now: send, read from the spool, forget."""

    live: tuple[Record, ...] = ()
    late: tuple[Record, ...] = ()
    fetch: tuple[int, ...] = ()
    dropped: tuple[tuple[int, str], ...] = ()
    wake_at_us: int | None = None


@dataclass(slots=True)
class _Collected:
    live: list[Record] = field(default_factory=list)
    dropped: list[tuple[int, str]] = field(default_factory=list)


class Delivery:
    """Queues of one connector; every event first, then ``step`` says what to do."""

    def __init__(self, rules: DeliveryRules) -> None:
        self._rules = rules
        self._live: dict[int, _Live] = {}
        self._late: dict[int, tuple[Record, int | None]] = {}
        self._doubtful: dict[int, int] = {}
        self._timers: list[tuple[int, int]] = []
        self._unsent: list[int] = []
        self._dropped: list[tuple[int, str]] = []
        self.backlog = Backlog(rules)
        self.reachable = False
        self.counts: Counter[str] = Counter()
        self.neighbours = Neighbours(rules, self.counts)

    @property
    def queued(self) -> int:
        """Frames that are neither acknowledged nor given up."""
        return len(self._live) + self.backlog.count + len(self._dropped)

    def restore(self, record_id: int, address: int, kind: int) -> None:
        """Take in a frame that an earlier run left in the spool."""
        self._park(record_id, address, kind, held=False)

    def frame_received(self, record: Record, now_us: int) -> None:
        """Take in a frame that was just received."""
        behind = record.kind != FrameKind.JOIN and record.address in self.backlog
        if behind or len(self._live) >= LIVE_LIMIT_FRAMES:
            self._park_in_order(record)
            return
        self._live[record.id] = _Live(record=record, received_us=now_us)
        self._unsent.append(record.id)
        heapq.heappush(self._timers, (now_us + LATE_AFTER_US, record.id))

    def link(self, *, reachable: bool) -> None:
        """Learn whether the server answers."""
        if reachable == self.reachable:
            return
        self.reachable = reachable
        self.neighbours.link(reachable=reachable)
        if reachable:
            self._unsent = list(self._live)
        else:
            self.backlog.link_lost()
            self._late.clear()
            for live in self._live.values():
                heapq.heappush(self._timers, (live.received_us + LATE_AFTER_US, live.record.id))

    def acknowledged(self, ids: Iterable[int], now_us: int) -> list[int]:
        """Take in an acknowledgement; return the ids that were waiting for it."""
        known: list[int] = []
        for record_id in ids:
            live = self._live.pop(record_id, None)
            parked = self._doubtful.pop(record_id, None)
            late = self._late.pop(record_id, None)
            if live is not None:
                known.append(record_id)
                self.counts["acknowledged_late"] += now_us - live.received_us > LATE_AFTER_US
            elif late is not None or parked is not None:
                self.counts["replayed"] += late is not None
                self.backlog.discard([(record_id, late[0].address if late else parked or 0)])
                known.append(record_id)
        return known

    def evicted(self, entries: Iterable[tuple[int, int]]) -> None:
        """Take out (id, address) pairs that the spool had no room for; what is under way counts no more."""
        gone, dropped = dict(entries), {record_id for record_id, _ in self._dropped}
        self._dropped = [given_up for given_up in self._dropped if given_up[0] not in gone]
        for record_id in gone:
            self._doubtful.pop(record_id, None)
            self._late.pop(record_id, None)
        parked = [entry for entry in gone.items() if entry[0] not in dropped]
        self.backlog.discard(entry for entry in parked if self._live.pop(entry[0], None) is None)

    def fetched(self, asked: Iterable[int], records: Iterable[Record]) -> None:
        """Take in what the spool had of the ids it was asked for."""
        for record_id in self.backlog.fetched(asked, records):
            self._doubtful.pop(record_id, None)
            self._dropped.append((record_id, SPOOL_LOST))

    def step(self, now_us: int, retry_us: int | None) -> Work:
        """Return what to do now; ``retry_us`` is the patience with an acknowledgement, None for no limit."""
        out = _Collected(dropped=self._dropped)
        self._dropped = []
        if self.reachable:
            for record_id in self._unsent:
                self._send(record_id, now_us, retry_us, out)
            self._unsent = []
        self._expire(now_us, retry_us, out)
        late = self._take_late(now_us, out) if self.reachable else []
        for record in late:
            due_us = None if retry_us is None else now_us + 2 * retry_us
            self._late[record.id] = (record, due_us)
            if due_us is not None:
                heapq.heappush(self._timers, (due_us, record.id))
        fetch = self.backlog.wanted() if self.reachable else []
        self.counts["sent"] += len(out.live)
        self.counts["sent_late"] += len(late)
        return Work(
            live=tuple(out.live),
            late=tuple(late),
            fetch=tuple(fetch),
            dropped=tuple(out.dropped + self._dropped),
            wake_at_us=self._wake_at_us(now_us),
        )

    def _take_late(self, now_us: int, out: _Collected) -> list[Record]:
        """Return the stored frames to send now; those that a neighbour delivered are given up here."""
        late: list[Record] = []
        if self.neighbours.waits_until_us(now_us, stored=self.backlog.count > 0) is not None:
            return late
        while found := self.backlog.take(now_us):
            spared = [record for record in found if self.neighbours.delivered(record)]
            late += [record for record in found if record not in spared]
            for record in spared:
                self.backlog.spare(record.id, record.address)
                self._doubtful.pop(record.id, None)
                out.dropped.append((record.id, NEIGHBOUR_DELIVERED))
            if not spared:
                break
        return late

    def _send(self, record_id: int, now_us: int, retry_us: int | None, out: _Collected) -> None:
        live = self._live.get(record_id)
        if live is None:
            return
        out.live.append(live.record)
        live.tries += 1
        if retry_us is not None:
            live.retry_at_us = now_us + (retry_us << (live.tries - 1))
            heapq.heappush(self._timers, (live.retry_at_us, record_id))

    def _expire(self, now_us: int, retry_us: int | None, out: _Collected) -> None:
        while self._timers and self._timers[0][0] <= now_us:
            _, record_id = heapq.heappop(self._timers)
            live = self._live.get(record_id)
            if live is not None:
                self._overdue(live, now_us, retry_us, out)
            elif record_id in self._late:
                record, due_us = self._late[record_id]
                if due_us is not None and now_us >= due_us:
                    del self._late[record_id]
                    self.counts["retried_late"] += 1
                    self.backlog.retry(record_id, record.address)

    def _overdue(self, live: _Live, now_us: int, retry_us: int | None, out: _Collected) -> None:
        awaited = self.reachable and live.retry_at_us is not None and now_us < live.retry_at_us
        if awaited or (self.reachable and retry_us is None and live.tries):
            return
        record = live.record
        if now_us - live.received_us >= LATE_AFTER_US:
            self._turn_late(live)
        elif self.reachable:
            self.counts["retried"] += 1
            self._send(record.id, now_us, retry_us, out)

    def _turn_late(self, live: _Live) -> None:
        del self._live[live.record.id]
        if live.tries:
            self._doubt(live.record)
        self._park_in_order(live.record)

    def _park_in_order(self, record: Record) -> None:
        """Park a frame; an address that gets a backlog takes its other live frames along, in their order."""
        records = [record]
        if record.kind != FrameKind.JOIN and self._rules.replay and record.address not in self.backlog:
            same = [live for live in self._live.values() if _same_queue(live.record, record)]
            for live in same:
                del self._live[live.record.id]
                if live.tries:
                    self._doubt(live.record)
            records = sorted([record, *(live.record for live in same)], key=_id)
        for parked in records:
            self._park(parked.id, parked.address, parked.kind, held=self.reachable)

    def _doubt(self, record: Record) -> None:
        """Remember a frame that is late although its acknowledgement may yet come."""
        if record.kind == FrameKind.JOIN or not self._rules.replay:
            return
        self._doubtful[record.id] = record.address
        if len(self._doubtful) > LIVE_LIMIT_FRAMES:
            del self._doubtful[next(iter(self._doubtful))]

    def _park(self, record_id: int, address: int, kind: int, *, held: bool) -> None:
        if kind == FrameKind.JOIN:
            self._dropped.append((record_id, JOIN_LATE))
        elif not self._rules.replay:
            self._dropped.append((record_id, REPLAY_OFF))
        else:
            self.counts["parked"] += 1
            self.backlog.add(record_id, address, held=held)

    def _wake_at_us(self, now_us: int) -> int | None:
        while self._timers and not self._awaited(self._timers[0][1]):
            heapq.heappop(self._timers)
        times = [self._timers[0][0]] if self._timers else []
        if self.reachable:
            waits_us = self.neighbours.waits_until_us(now_us, stored=self.backlog.count > 0)
            backlog_us = self.backlog.wake_at_us(now_us) if waits_us is None else waits_us
            times += [backlog_us] if backlog_us is not None else []
        return min(times, default=None)

    def _awaited(self, record_id: int) -> bool:
        """Return whether a timer still has something to do: what is acknowledged needs no waking."""
        return record_id in self._live or record_id in self._late

    def oldest_id(self) -> int | None:
        """Return the id of the oldest frame that is not acknowledged."""
        oldest = self.backlog.oldest_id()
        live = next(iter(self._live), None)
        return min((entry for entry in (oldest, live) if entry is not None), default=None)


def _same_queue(record: Record, other: Record) -> bool:
    return record.address == other.address and record.kind != FrameKind.JOIN


def _id(record: Record) -> int:
    return record.id
