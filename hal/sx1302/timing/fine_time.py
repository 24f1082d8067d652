"""The SX1303's fine timestamp: nanoseconds since the last PPS at the end of the preamble.

A packet brings metrics that refine its counter; the history of PPS latches gives the reference second and
the crystal's true rate.

Sources: FACTS §9 (fine timestamp), sx1302_hal v2.1.0 ``loragw_sx1302_timestamp.c`` for the order of the
floating-point steps, which the result depends on to the nanosecond.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from hal.units import Ticks32MHz

HISTORY_ENTRIES = 16
TICKS_PER_SECOND = 32_000_000
GROUP_DELAY_TICKS = 2138
"""Decimation and filtering, against the previous gateway generation."""
METRICS_LIMITS = {12: 4, 11: 8, 10: 16}
METRICS_LIMIT = 32
NOTCH_REACH_KHZ = 75.0
NS_PER_TICK = 31.25
CRYSTAL_RATIO_LIMITS = (0.8, 1.2)
WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class PpsHistory:
    """The last sixteen different PPS latches, in a ring: the oldest makes room."""

    latches: tuple[int, ...] = ()
    newest: int = 0

    def save(self, pps: Ticks32MHz) -> "PpsHistory":
        """Return the history with ``pps``, unless it is the newest already."""
        if self.latches and self.latches[self.newest] == pps:
            return self
        if len(self.latches) < HISTORY_ENTRIES:
            return PpsHistory((*self.latches, pps), len(self.latches))
        index = (self.newest + 1) % HISTORY_ENTRIES
        return PpsHistory((*self.latches[:index], pps, *self.latches[index + 1 :]), index)

    @property
    def full(self) -> bool:
        """Whether sixteen seconds have been seen, below which the reference gives no fine timestamp."""
        return len(self.latches) == HISTORY_ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class FinePacket:
    """What the FIFO says about one packet that has metrics."""

    sf: int
    ticks: Ticks32MHz
    metrics: Sequence[int]
    if_hz: int
    frequency_error: float
    """True over nominal frequency, minus one."""


def fine_ns(packet: FinePacket, history: PpsHistory) -> int | None:
    """Return nanoseconds since the last PPS, or None where the history cannot tell."""
    if not history.full:
        return None
    stamp = (packet.ticks - _preamble_offset(packet) + GROUP_DELAY_TICKS) % WRAP
    reference = _reference(stamp, history)
    if reference is None:
        return None
    pps, second = reference
    if second == 0:
        return None
    crystal = TICKS_PER_SECOND / second
    low, high = CRYSTAL_RATIO_LIMITS
    if not low <= crystal <= high:
        return None
    ticks = float((stamp - pps) % WRAP) + _mean_metric(packet)
    ticks += notch_delay_ticks(packet.if_hz / 1e3)
    result = int(ticks * NS_PER_TICK * crystal)
    return result if result <= 1_000_000_000 else None


def _preamble_offset(packet: FinePacket) -> int:
    samples = 1 << packet.sf
    symbols = 12 + (2 if packet.sf <= 6 else 0)
    offset = 256 * samples * symbols + 256 * (samples // 4 - 1)
    return int(offset + (offset * packet.frequency_error + 0.5))


def _mean_metric(packet: FinePacket) -> float:
    used = 2 * min(METRICS_LIMITS.get(packet.sf, METRICS_LIMIT), len(packet.metrics) // 2)
    running = total = 0
    for metric in packet.metrics[:used]:
        running += metric
        total += running
    mean: float = struct.unpack("f", struct.pack("f", total / used))[0]
    return mean


def _reference(stamp: int, history: PpsHistory) -> tuple[int, int] | None:
    """Return the PPS before ``stamp`` and the ticks of one second beside it."""
    latches, newest = history.latches, history.newest
    if (stamp - latches[newest]) % WRAP <= TICKS_PER_SECOND:
        previous = latches[(newest - 1) % HISTORY_ENTRIES]
        return latches[newest], (latches[newest] - previous) % WRAP
    for index, pps in enumerate(latches):
        if (stamp - pps) % WRAP < TICKS_PER_SECOND:
            following = latches[(index + 1) % HISTORY_ENTRIES]
            return pps, (following - pps) % WRAP
    return None


def notch_delay_ticks(if_khz: float) -> float:
    """Return the delay that the DC notch adds to a channel close to the radio's centre."""
    if abs(if_khz) > NOTCH_REACH_KHZ:
        return 0.0
    curve: float = 1.7e-6 * if_khz**4 + 2.4e-6 * if_khz**3 - 0.0101 * if_khz**2 - 0.01275 * if_khz + 10.2922
    return curve
