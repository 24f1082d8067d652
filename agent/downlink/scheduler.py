"""Downlinks of all connectors to the two RF chains: judged in the loop, programmed by the radio thread.

The only state shared between the two threads is the queues and the anchor, behind one lock that is held for
microseconds.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from agent.clock import Clock
from agent.downlink.airtime_book import AirtimeBook
from agent.downlink.antenna import Antenna, airtime_of
from agent.downlink.beacon import PREAMBLE_SYMBOLS, beacon_payload, next_beacon_us
from agent.downlink.jit import (
    Entry,
    EntryKind,
    JitQueue,
    Scheduled,
    SchedulingRefused,
    cancel,
    due,
    insert,
    next_due_us,
    schedule,
)
from agent.downlink.model import (
    AtCounter,
    AtGps,
    AtTmst,
    BandLoad,
    Code,
    Downlink,
    DownlinkVerdict,
    Immediate,
)
from agent.downlink.plan import DIPOLE_GAIN_DB
from agent.record import Record
from agent.timing.timebase import Anchor, GpsReference, unroll
from agent.wire import reasons
from hal.packets import Lora, TxTrigger
from hal.units import Hz, Micros

RF_CHAINS = 2
STALE_LIMIT_FRAMES = 1024
ANSWERED_WITHIN_US = 20_000_000
"""A class A downlink leaves at most 16 s after its uplink: what is older is answered by nothing."""
BEACON_AHEAD_US = 10_000_000
"""A beacon is queued this long ahead: before the class B downlinks around it, most of which come later."""
BEACON_PRIORITY = 1 << 30
"""Above what any connector can have."""
RX_DELAYS_S = range(1, 17)
"""A class A downlink starts a whole number of seconds after its uplink: 1 to 15 s, RX2 one more."""


class DownlinkScheduler:
    """Judges downlinks; the radio thread's ``TransmitQueue``."""

    def __init__(
        self,
        *,
        clock: Clock,
        antenna: Antenna,
        book: AirtimeBook,
        wake: Callable[[], None],
    ) -> None:
        self._clock = clock
        self.antenna = antenna
        self._book = book
        self._wake = wake
        self._lock = threading.Lock()
        self._queues = [JitQueue() for _ in range(RF_CHAINS)]
        self._anchor: Anchor | None = None
        self._gps: GpsReference | None = None
        self._stale: deque[int] = deque(maxlen=STALE_LIMIT_FRAMES)
        self._received: deque[tuple[int, int]] = deque(maxlen=STALE_LIMIT_FRAMES)
        self._ticket = 0
        self._beacon_us = 0
        self._missed: list[Entry] = []

    @property
    def session(self) -> int:
        """The number of the radio's present start; -1 while it is off."""
        anchor = self._anchor
        return -1 if anchor is None else anchor.session

    def loads(self) -> tuple[BandLoad, ...]:
        """Return the air time of the last hour of each sub-band, what is queued included."""
        return tuple(
            BandLoad(
                name=band.name,
                from_hz=band.from_hz,
                to_hz=band.to_hz,
                limit_us=band.airtime_limit_us,
                used_us=self._book.used_us(band),
            )
            for band in self.antenna.plan.bands
        )

    def counter_now(self) -> int:
        """Return the counter of this start at this instant; 0 while the radio is off."""
        anchor = self._anchor
        return 0 if anchor is None else anchor.counter_at(self._clock.monotonic_us())

    def monotonic_of(self, counter_us: int) -> int | None:
        """Return the monotonic instant of a counter of this start; None while the radio is off."""
        anchor = self._anchor
        return None if anchor is None else anchor.monotonic_of(counter_us)

    def submit(self, downlink: Downlink) -> DownlinkVerdict:
        """Return the verdict on a downlink; a taken one is in the queue."""
        with self._lock:
            verdict = self._judge(downlink)
        if verdict.taken:
            self._wake()
        return verdict

    def send_beacons(self, info: bytes) -> DownlinkVerdict | None:
        """Queue the next class B beacon when it is near; None when there is nothing to do."""
        beacon, gps, anchor = self.antenna.plan.beacon, self._gps, self._anchor
        if beacon is None or gps is None or anchor is None:
            return None
        gps_now_us = gps.gps_at(anchor.counter_at(self._clock.monotonic_us()))
        at_us = next_beacon_us(max(gps_now_us, self._beacon_us))
        if at_us - gps_now_us > BEACON_AHEAD_US:
            return None
        self._beacon_us = at_us
        return self.submit(
            Downlink(
                payload=beacon_payload(at_us, rfu_bytes=beacon.rfu_bytes, info=info),
                modulation=Lora(sf=beacon.sf, bandwidth_hz=beacon.bandwidth_hz),
                frequency_hz=Hz(beacon.frequency_hz),
                timing=AtGps(at_us),
                power_dbm=beacon.erp_dbm + DIPOLE_GAIN_DB,
                invert_polarity=False,
                preamble_symbols=PREAMBLE_SYMBOLS,
                implicit_header=True,
                priority=BEACON_PRIORITY,
            )
        )

    def stale(self, records: Iterable[Record]) -> None:
        """Remember frames that go out late: what is timed by them comes too late."""
        self._stale.extend(record.tmst for record in records)

    def frame_received(self, record: Record) -> None:
        """Remember a frame of this start of the radio: after the next start nothing is timed by it."""
        with self._lock:
            self._received.append((record.tmst, record.monotonic_us))

    def cancel(self, ticket: int) -> None:
        """Take back a downlink that the radio has not been given."""
        with self._lock:
            self._queues = [cancel(queue, ticket) for queue in self._queues]
        self._book.release(ticket)

    def unsent(self, ticket: int) -> None:
        """Take in that a programmed transmission did not leave."""
        self._book.release(ticket)

    def _judge(self, downlink: Downlink) -> DownlinkVerdict:
        anchor = self._anchor
        if anchor is None:
            return DownlinkVerdict(code=Code.INTERNAL, reason=reasons.radio.off())
        now_us = anchor.counter_at(self._clock.monotonic_us())
        suited = self.antenna.suit(downlink)
        if isinstance(suited, SchedulingRefused):
            return DownlinkVerdict(code=suited.code, reason=suited.reason)
        timed = self._timed(downlink, now_us)
        if isinstance(timed, SchedulingRefused):
            return DownlinkVerdict(code=timed.code, reason=timed.reason)
        airtime_us = airtime_of(downlink)
        room_us = self._book.room_us(suited.band)
        if airtime_us > room_us:
            full = reasons.downlink.band_full(
                band=suited.band.name, airtime_us=airtime_us, room_us=max(room_us, 0)
            )
            return DownlinkVerdict(code=Code.DUTY_CYCLE, reason=reasons.downlink.duty_cycle(cause=full))
        kind, start_us = timed
        self._ticket += 1
        entry = Entry(
            ticket=self._ticket,
            kind=kind,
            start_us=start_us,
            airtime_us=airtime_us,
            transmission=suited.transmission,
            priority=downlink.priority,
        )
        queue = self._queues[suited.transmission.rf_chain]
        scheduled = schedule(queue, entry, now_us)
        if isinstance(scheduled, SchedulingRefused):
            return DownlinkVerdict(code=scheduled.code, reason=scheduled.reason)
        self._accept(queue, scheduled)
        start_us, end_us = scheduled.entry.start_us, anchor.monotonic_of(scheduled.entry.end_us)
        self._book.charge(suited.band, end_us=end_us, airtime_us=airtime_us, ticket=entry.ticket)
        power = None if suited.power.as_asked else suited.power.eirp_dbm
        return DownlinkVerdict(
            code=Code.OK,
            ticket=entry.ticket,
            start_us=start_us,
            ahead_us=start_us - now_us,
            power_dbm=power,
            displaced=tuple(other.ticket for other in scheduled.displaced),
        )

    def _accept(self, queue: JitQueue, scheduled: Scheduled) -> None:
        """Queue an entry at its instant; a beacon starts with the pulse itself, to the microsecond."""
        entry = scheduled.entry
        if entry.kind is EntryKind.BEACON:
            transmission = replace(entry.transmission, trigger=TxTrigger.ON_GPS, at_us=None)
        else:
            at_us = Micros(entry.start_us)
            transmission = replace(entry.transmission, trigger=TxTrigger.TIMESTAMPED, at_us=at_us)
        final = replace(scheduled, entry=replace(entry, transmission=transmission))
        self._queues[transmission.rf_chain] = insert(queue, final)

    def _timed(self, downlink: Downlink, now_us: int) -> tuple[EntryKind, int] | SchedulingRefused:
        match downlink.timing:
            case Immediate():
                return EntryKind.CLASS_C, now_us
            case AtTmst(tmst=tmst):
                if self._answers_late_frame(tmst):
                    return SchedulingRefused(code=Code.TOO_LATE, reason=reasons.downlink.answers_late_frame())
                return EntryKind.CLASS_A, unroll(tmst, now_us)
            case AtCounter(counter_us=counter_us, session=session):
                same = self._anchor is not None and session == self._anchor.session
                other = SchedulingRefused(code=Code.TOO_LATE, reason=reasons.downlink.other_session())
                return (EntryKind.CLASS_A, counter_us) if same else other
            case AtGps(gps_us=gps_us):
                unlocked = SchedulingRefused(code=Code.GPS_UNLOCKED, reason=reasons.downlink.no_gps_time())
                kind = EntryKind.BEACON if downlink.priority == BEACON_PRIORITY else EntryKind.CLASS_B
                return (kind, self._gps.counter_at(gps_us)) if self._gps else unlocked

    def _answers_late_frame(self, tmst: int) -> bool:
        delays_us = {delay_s * 1_000_000 for delay_s in RX_DELAYS_S}
        return any((tmst - late) % (1 << 32) in delays_us for late in self._stale)

    def anchored(self, anchor: Anchor | None, gps: GpsReference | None) -> None:
        """Take in the relation of counter and clocks; a radio that went off takes its queues with it."""
        with self._lock:
            if anchor is None or (self._anchor is not None and anchor.session != self._anchor.session):
                self._missed += [entry for queue in self._queues for entry in queue.entries]
                self._queues = [JitQueue() for _ in range(RF_CHAINS)]
                self._forget_counters()
            self._anchor, self._gps = anchor, gps

    def _forget_counters(self) -> None:
        """Over UDP a counter does not say of which start it is: those of the one before are stale."""
        since_us = self._clock.monotonic_us() - ANSWERED_WITHIN_US
        self._stale.extend(tmst for tmst, received_us in self._received if received_us >= since_us)
        self._received.clear()

    def missed(self) -> list[Entry]:
        """Return the entries whose instant passed before the radio could be given them."""
        with self._lock:
            taken, self._missed = self._missed, []
        return taken

    @property
    def waiting(self) -> bool:
        """Whether an entry is queued; without the lock, for whoever queues wakes the radio afterwards."""
        return any(queue.entries for queue in self._queues)

    def due(self, counter_us: int) -> Entry | None:
        """Return the entry to program now."""
        with self._lock:
            for chain, queue in enumerate(self._queues):
                self._queues[chain], entry, missed = due(queue, counter_us)
                self._missed += missed
                if entry is not None:
                    return entry
        return None

    def next_due_us(self) -> int | None:
        """Return the counter at which ``due`` has something to do."""
        with self._lock:
            times = [next_due_us(queue) for queue in self._queues]
        return min((time for time in times if time is not None), default=None)
