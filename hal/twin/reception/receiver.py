"""The receive path: frames at the antenna become bytes in the FIFO, or are counted as not heard.

A frame shows in the FIFO when it is decoded, a little after its end, never before its own timestamp; until
then it waits.  A frame without an end has been decoded now, and then demodulators and half duplex are not
asked how long it was on air.

Sources: FACTS §8; 16 demodulators shared by the 8 channels (FACTS §6.11).
"""

import heapq
from collections import Counter

from hal.packets import Lora
from hal.twin.facts import TICKS_PER_US
from hal.twin.parts.thermometer import Thermometer
from hal.twin.reception.channelizer import MODEM_EN_0, MULTI_SF_MODEMS, Ear, find_ear
from hal.twin.reception.fifo_render import (
    FrontEnd,
    decode_delay_us,
    latch_ticks,
    metric_pairs,
    metrics,
    render,
)
from hal.twin.registers.special_registers import Silicon
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from hal.twin.symbols import air_time_us, us_to_ticks

TIMESTAMP_MODE = 0x58C0
LEGACY_BIT = 0x04
PENDING_LIMIT = 10_000
"""Frames that may wait for their end; beyond it they are refused as NO_MODEM and counted."""


class Receiver:
    """Frames in, FIFO bytes out; ``verdicts`` counts what became of each."""

    def __init__(self, silicon: Silicon, *, thermometer: Thermometer, front_end: FrontEnd) -> None:
        self._parts = silicon
        self._registers = silicon.space.registers
        self._thermometer = thermometer
        self._front_end = front_end
        self.verdicts: Counter[ReceptionVerdict] = Counter()
        self._waiting: list[tuple[int, int, int, RfEvent]] = []
        self._sequence = 0
        self._busy_until = [0] * MULTI_SF_MODEMS
        self._next_modem = 0

    def restart(self) -> None:
        """Reset: what was being demodulated is gone, and counted as not heard."""
        if self._waiting:
            self.verdicts[ReceptionVerdict.NOT_RUNNING] += len(self._waiting)
            self._waiting.clear()
        self._busy_until = [0] * MULTI_SF_MODEMS

    @property
    def next_at(self) -> int | None:
        """When the next waiting frame is decoded."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def running(self) -> bool:
        """Whether microcontrollers and at least one radio run."""
        parts = self._parts
        return (
            parts.agc.running
            and parts.arb.running
            and not parts.faults.agc_stuck
            and any(radio.receiving_hz is not None for radio in parts.radios)
        )

    def arrive(self, event: RfEvent, now: int) -> ReceptionVerdict:
        """Take a frame; decided at once when it is decoded, else PENDING."""
        decoding = us_to_ticks(decode_delay_us(event))
        if event.ends_at_ticks is None:
            return self._count(self._decide(event, now - decoding, timed=False))
        shows_at = event.ends_at_ticks + decoding
        if shows_at <= now:
            return self._count(self._decide(event, event.ends_at_ticks, timed=True))
        if len(self._waiting) >= PENDING_LIMIT:
            return self._count(ReceptionVerdict.NO_MODEM)
        self._sequence += 1
        heapq.heappush(self._waiting, (shows_at, self._sequence, event.ends_at_ticks, event))
        return self._count(ReceptionVerdict.PENDING)

    def advance(self, now: int) -> None:
        """Decide every frame that is decoded by ``now``."""
        while self._waiting and self._waiting[0][0] <= now:
            _, _, ends, event = heapq.heappop(self._waiting)
            self._count(self._decide(event, ends, timed=True))

    def _count(self, verdict: ReceptionVerdict) -> ReceptionVerdict:
        self.verdicts[verdict] += 1
        return verdict

    def _decide(self, event: RfEvent, ends: int, *, timed: bool) -> ReceptionVerdict:
        parts = self._parts
        if parts.faults.deaf:
            return ReceptionVerdict.DEAF
        if not self.running:
            return ReceptionVerdict.NOT_RUNNING
        duration = air_time_us(event.modulation, len(event.payload), preamble=event.preamble_symbols)
        began = ends - duration * TICKS_PER_US if timed else ends
        if any(sent[0] < ends and began < sent[1] for sent in self._sending()):
            return ReceptionVerdict.HALF_DUPLEX
        ear = find_ear(self._registers, (parts.radios[0].receiving_hz, parts.radios[1].receiving_hz), event)
        if isinstance(ear, ReceptionVerdict):
            return ear
        modem = ear.modem if ear.modem is not None else self._take_modem(began, ends if timed else 0)
        if modem is None:
            return ReceptionVerdict.NO_MODEM
        return (
            ReceptionVerdict.HEARD
            if parts.fifo.push(self._render(event, ear, modem, ends))
            else ReceptionVerdict.FIFO_FULL
        )

    def _sending(self) -> list[tuple[int, int]]:
        return [transmitter.last_on_air for transmitter in self._parts.transmitters]

    def _take_modem(self, began: int, busy_until: int) -> int | None:
        """Return the next free enabled demodulator, in turn; ``busy_until`` 0 takes it for no time."""
        registers = self._registers
        enabled = registers[MODEM_EN_0] | registers[MODEM_EN_0 + 1] << 8
        for step in range(MULTI_SF_MODEMS):
            modem = (self._next_modem + step) % MULTI_SF_MODEMS
            if enabled >> modem & 1 and (not busy_until or self._busy_until[modem] <= began):
                self._busy_until[modem] = max(self._busy_until[modem], busy_until)
                self._next_modem = (modem + 1) % MULTI_SF_MODEMS
                return modem
        return None

    def _render(self, event: RfEvent, ear: Ear, modem: int, ends: int) -> bytes:
        parts = self._parts
        legacy = bool(self._registers[TIMESTAMP_MODE] & LEGACY_BIT)
        stamp = latch_ticks(event, ear, legacy=legacy, ends_at_ticks=ends)
        fine = b""
        if not legacy and isinstance(event.modulation, Lora):
            pairs = metric_pairs(self._registers, parts.model, event)
            fine = metrics(event.fraction_ticks, event.modulation.sf, pairs)
        raw_rssi = self._front_end.raw_rssi(event.rssi_dbm, self._thermometer.temperature_c)
        frame = render(event, ear, modem=modem, stamp=stamp, raw_rssi=raw_rssi, metrics=fine)
        if parts.faults.bad_checksums > 0:
            parts.faults.bad_checksums -= 1
            return frame[:-1] + bytes((frame[-1] ^ 0x55,))
        return frame
