"""What a gateway counted since the server last took its statistics.

Statistics that nobody was subscribed to, or that no PUBACK answered, are not lost: their counts stand in the
next ones.  ChirpStack adds up what it gets (4.20, ``uplink/stats.rs``, ``metrics::Kind::ABSOLUTE``).
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from agent.downlink.model import BandLoad
from agent.observation import Position
from agent.record import Record
from hal.packets import Fsk, Lora, Modulation

Airing: TypeAlias = tuple[int, int, int]
"""Spreading factor (0 for FSK), bandwidth in Hz or bit/s, coding rate."""

ASKED = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts of one interval, and what a gateway's page shows beside them."""

    utc_us: int
    received: int
    received_ok: int
    asked: int
    emitted: int
    """Downlinks of this server that left the antenna; beacons are none."""
    tx_by_status: tuple[tuple[str, int], ...] = ()
    rx_by_frequency_hz: tuple[tuple[int, int], ...] = ()
    tx_by_frequency_hz: tuple[tuple[int, int], ...] = ()
    rx_by_modulation: tuple[tuple[Airing, int], ...] = ()
    tx_by_modulation: tuple[tuple[Airing, int], ...] = ()
    config_version: str = ""
    """The version of the server's configuration, when its channels are those that run; else empty."""
    position: Position | None = None
    """None without a GNSS fix."""
    loads: tuple[BandLoad, ...] = ()
    """Duty cycles of the sub-bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioCounts:
    """What the radio received since its start."""

    received: int
    received_ok: int


@dataclass(slots=True)
class _Counts:
    downlinks: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    rx_hz: Counter[int] = field(default_factory=Counter)
    tx_hz: Counter[int] = field(default_factory=Counter)
    rx_airing: Counter[Airing] = field(default_factory=Counter)
    tx_airing: Counter[Airing] = field(default_factory=Counter)


@dataclass(slots=True)
class StatisticsWindow:
    """Counts on, and begins anew with each report that the server took."""

    taken: RadioCounts
    """The radio's counters when the last report that was taken left."""
    _counts: _Counts = field(default_factory=_Counts)
    _reported: dict[int, tuple[RadioCounts, _Counts]] = field(default_factory=dict)
    """What each report that is under way holds, by its message id."""

    def frame_received(self, record: Record) -> None:
        """Count a frame with a good CRC."""
        self._counts.rx_hz[record.frequency_hz] += 1
        self._counts.rx_airing[(record.sf, record.rate, record.coding_rate if record.sf else 0)] += 1

    def asked(self) -> None:
        """Count a downlink that the server asked for."""
        self._counts.downlinks[ASKED] += 1

    def attempted(self, status: str) -> None:
        """Count one alternative of a downlink, by what became of it."""
        self._counts.statuses[status] += 1

    def emitted(self, frequency_hz: int, modulation: Modulation) -> None:
        """Count a downlink that left the antenna."""
        self._counts.tx_hz[frequency_hz] += 1
        self._counts.tx_airing[_airing(modulation)] += 1

    def report(
        self,
        radio: RadioCounts,
        position: Position | None,
        *,
        utc_us: int,
        config_version: str,
        loads: tuple[BandLoad, ...] = (),
    ) -> Statistics:
        """Return all that was counted since the last report that was taken."""
        counts = self._counts
        return Statistics(
            utc_us=utc_us,
            received=radio.received - self.taken.received,
            received_ok=radio.received_ok - self.taken.received_ok,
            asked=counts.downlinks[ASKED],
            emitted=counts.tx_hz.total(),
            tx_by_status=tuple(sorted(counts.statuses.items())),
            rx_by_frequency_hz=tuple(sorted(counts.rx_hz.items())),
            tx_by_frequency_hz=tuple(sorted(counts.tx_hz.items())),
            rx_by_modulation=tuple(sorted(counts.rx_airing.items())),
            tx_by_modulation=tuple(sorted(counts.tx_airing.items())),
            config_version=config_version,
            position=position,
            loads=loads,
        )

    def left(self, mid: int, radio: RadioCounts) -> None:
        """Take in that the report of this instant is under way."""
        counts = self._counts
        copied = _Counts(*(Counter(getattr(counts, name)) for name in _Counts.__slots__))
        self._reported[mid] = (radio, copied)

    def answered(self, mid: int, *, taken: bool) -> None:
        """Take in whether a report reached the server; what was counted meanwhile stays."""
        reported = self._reported.pop(mid, None)
        if reported is None or not taken:
            return
        self.taken, counts = reported
        for name in _Counts.__slots__:
            getattr(self._counts, name).subtract(getattr(counts, name))
            setattr(self._counts, name, +getattr(self._counts, name))
        self._reported.clear()

    def closed(self) -> None:
        """Take in that nothing under way will be answered."""
        self._reported.clear()


def _airing(modulation: Modulation) -> Airing:
    match modulation:
        case Lora():
            return modulation.sf, modulation.bandwidth_hz, modulation.coding_rate
        case Fsk():
            return 0, modulation.bitrate_bps, 0
        case _:
            return 0, 0, 0
