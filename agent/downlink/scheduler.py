"""Downlinks of all connectors to the two RF chains: judged in the loop, programmed by the radio thread.

The only state shared between the two threads is the queues and the anchor, behind one lock that is held for
microseconds.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from agent.clock import Clock
from agent.downlink.jit import Entry, JitQueue, Kind, Refused, due, insert, next_due_us, place
from agent.downlink.model import AtCounter, AtGps, AtTmst, Code, Downlink, Immediate, Verdict
from agent.radio.thread import TransmitQueue
from agent.radio.timebase import Anchor, unroll
from agent.spool.record import Record
from agent.wire.configuration import RadioConfig
from hal.airtime import fsk_us, lora_us
from hal.packets import Lora, Transmission, TxTrigger
from hal.units import Micros

RF_CHAINS = 2
STALE_LIMIT_FRAMES = 1024
RX_DELAYS_S = range(1, 17)
"""A class A downlink starts a whole number of seconds after its uplink: 1 to 15 s, RX2 one more."""


class DownlinkScheduler(TransmitQueue):
    """Judges downlinks and hands them to the radio in time."""

    def __init__(self, *, clock: Clock, radio: RadioConfig, wake: Callable[[], None]) -> None:
        self._clock = clock
        self.radio = radio
        self._wake = wake
        self._lock = threading.Lock()
        self._queues = [JitQueue() for _ in range(RF_CHAINS)]
        self._anchor: Anchor | None = None
        self._stale: deque[int] = deque(maxlen=STALE_LIMIT_FRAMES)
        self._ticket = 0
        self.missed: deque[Entry] = deque(maxlen=STALE_LIMIT_FRAMES)

    def submit(self, downlink: Downlink) -> Verdict:
        """Return the verdict on a downlink; a taken one is in the queue."""
        with self._lock:
            verdict = self._judge(downlink)
        if verdict.taken:
            self._wake()
        return verdict

    def stale(self, records: Iterable[Record]) -> None:
        """Remember frames that go out late: what is timed by them comes too late."""
        self._stale.extend(record.tmst for record in records)

    def _judge(self, downlink: Downlink) -> Verdict:
        if self._anchor is None:
            return Verdict(code=Code.INTERNAL, reason="the radio is off")
        now_us = self._anchor.counter_at(self._clock.monotonic_us())
        timed = self._timed(downlink, now_us)
        if isinstance(timed, Refused):
            return Verdict(code=timed.code, reason=timed.reason)
        kind, start_us = timed
        self._ticket += 1
        entry = Entry(
            ticket=self._ticket,
            kind=kind,
            start_us=start_us,
            airtime_us=_airtime_us(downlink),
            transmission=self._transmission(downlink),
        )
        queue = self._queues[downlink.rf_chain]
        placed = place(queue, entry, now_us)
        if isinstance(placed, Refused):
            return Verdict(code=placed.code, reason=placed.reason)
        timed_transmission = replace(
            placed.transmission, trigger=TxTrigger.TIMESTAMPED, at_us=Micros(placed.start_us)
        )
        self._queues[downlink.rf_chain] = insert(queue, replace(placed, transmission=timed_transmission))
        return Verdict(code=Code.OK, ticket=placed.ticket, start_us=placed.start_us)

    def _timed(self, downlink: Downlink, now_us: int) -> tuple[Kind, int] | Refused:
        match downlink.timing:
            case Immediate():
                return Kind.CLASS_C, now_us
            case AtTmst(tmst=tmst):
                if self._answers_late_frame(tmst):
                    return Refused(code=Code.TOO_LATE, reason="it answers a frame that was delivered late")
                return Kind.CLASS_A, unroll(tmst, now_us)
            case AtCounter(counter_us=counter_us, session=session):
                if self._anchor is None or session != self._anchor.session:
                    return Refused(code=Code.TOO_LATE, reason="it answers another start of the radio")
                return Kind.CLASS_A, counter_us
            case AtGps():
                return Refused(code=Code.GPS_UNLOCKED, reason="no GPS time")

    def _answers_late_frame(self, tmst: int) -> bool:
        delays_us = {delay_s * 1_000_000 for delay_s in RX_DELAYS_S}
        return any((tmst - late) % (1 << 32) in delays_us for late in self._stale)

    def _transmission(self, downlink: Downlink) -> Transmission:
        return Transmission(
            payload=downlink.payload,
            modulation=downlink.modulation,
            frequency_hz=downlink.frequency_hz,
            power_dbm=self._conducted_dbm(downlink),
            rf_chain=downlink.rf_chain,
            invert_polarity=downlink.invert_polarity,
            preamble_symbols=downlink.preamble_symbols,
            implicit_header=downlink.implicit_header,
            with_crc=downlink.with_crc,
        )

    def _conducted_dbm(self, downlink: Downlink) -> float:
        eirp = 16.15 if downlink.power_dbm is None else downlink.power_dbm
        return eirp - self.radio.antenna_gain_db + self.radio.cable_loss_db

    def anchored(self, anchor: Anchor | None) -> None:
        """Take in the relation of counter and clock; a radio that went off takes its queues with it."""
        with self._lock:
            if anchor is None or (self._anchor is not None and anchor.session != self._anchor.session):
                self.missed.extend(entry for queue in self._queues for entry in queue.entries)
                self._queues = [JitQueue() for _ in range(RF_CHAINS)]
            self._anchor = anchor

    def due(self, counter_us: int) -> Entry | None:
        """Return the entry to program now."""
        with self._lock:
            for chain, queue in enumerate(self._queues):
                self._queues[chain], entry, missed = due(queue, counter_us)
                self.missed.extend(missed)
                if entry is not None:
                    return entry
        return None

    def next_due_us(self) -> int | None:
        """Return the counter at which ``due`` has something to do."""
        with self._lock:
            times = [next_due_us(queue) for queue in self._queues]
        return min((time for time in times if time is not None), default=None)


def _airtime_us(downlink: Downlink) -> int:
    match downlink.modulation:
        case Lora() as lora:
            return lora_us(
                lora,
                len(downlink.payload),
                preamble_symbols=downlink.preamble_symbols,
                header=not downlink.implicit_header,
                crc=downlink.with_crc,
            )
        case fsk:
            return fsk_us(
                fsk, len(downlink.payload), preamble_bytes=downlink.preamble_symbols, crc=downlink.with_crc
            )
