"""The RF picture, pure: per channel and SF what was heard, what failed, how long, over which noise.

The noise floor is measured by an SX1261 where the board has one; else estimated as RSSI − SNR of weak frames
(SNR below 5 dB, where the demodulator's SNR is not saturated) and labelled so; without either it is not
measurable, and says so.

Downlinks that did not leave are counted for the journal: one note at once, then one in ten minutes.
"""

from dataclasses import dataclass, field

from agent.observation import middle_dbm
from hal.airtime import fsk_us, lora_us
from hal.packets import Crc, Lora, ReceivedFrame

NOTE_INTERVAL_US = 600_000_000
"""A channel that is occupied all day makes 144 notes, not thousands."""

CHANNELS_LIMIT = 64
"""Pairs of frequency and SF; a plan has 8 channels of 6 SF and two single ones."""
WEAK_SNR_DB = 5.0
NOISE_WEIGHT = 0.05
"""The newest estimate weighs so much in the running mean."""


@dataclass(slots=True)
class Cell:
    """One channel at one SF; 0 stands for FSK."""

    frames: int = 0
    crc_failed: int = 0
    airtime_us: int = 0


@dataclass(slots=True)
class RfPicture:
    """Counts frames since the start of the data path."""

    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    noise_dbm: dict[int, float] = field(default_factory=dict)
    """Estimated, by frequency."""
    measured_dbm: dict[int, float] = field(default_factory=dict)
    """By an SX1261, by frequency."""
    noise_samples: int = 0
    """Weak frames that the estimates come from, since the start."""

    def frame_received(self, frame: ReceivedFrame) -> None:
        """Count a frame of any CRC."""
        lora = frame.modulation if isinstance(frame.modulation, Lora) else None
        key = (int(frame.frequency_hz), lora.sf if lora else 0)
        cell = self.cells.get(key)
        if cell is None:
            if len(self.cells) >= CHANNELS_LIMIT:
                return
            cell = self.cells[key] = Cell()
        cell.frames += 1
        cell.crc_failed += frame.crc is Crc.BAD
        cell.airtime_us += _airtime_us(frame)
        if lora and frame.snr_db < WEAK_SNR_DB and frame.crc is Crc.OK:
            self._noise(key[0], frame.rssi_signal_dbm - frame.snr_db)

    def measured(self, frequency_hz: int, floor_dbm: float) -> None:
        """Take in what an SX1261 measured on one frequency."""
        if frequency_hz in self.measured_dbm or len(self.measured_dbm) < CHANNELS_LIMIT:
            self.measured_dbm[frequency_hz] = floor_dbm

    def noise_floor_dbm(self) -> float | None:
        """Return the median of the channels' estimates, or None without any."""
        return middle_dbm(self.noise_dbm.values()) if self.noise_dbm else None

    def _noise(self, frequency_hz: int, estimate_dbm: float) -> None:
        self.noise_samples += 1
        known = self.noise_dbm.get(frequency_hz)
        self.noise_dbm[frequency_hz] = (
            estimate_dbm if known is None else known + NOISE_WEIGHT * (estimate_dbm - known)
        )

    def fields(self) -> dict[str, str | int | float]:
        """Return the picture as short fields for the fleet: ``FREQ.SF`` is frames/failed/air time in ms.

        ``noise_floor`` says how the floors were found, ``noise_estimated.FREQ`` and ``noise_measured.FREQ``
        are dBm.
        """
        fields: dict[str, str | int | float] = {
            f"{frequency_hz}.{sf}": f"{cell.frames}/{cell.crc_failed}/{cell.airtime_us // 1000}"
            for (frequency_hz, sf), cell in sorted(self.cells.items())
        }
        fields["noise_floor"] = (
            "measured" if self.measured_dbm else "estimated" if self.noise_dbm else "not measurable"
        )
        for kind, floors in (("estimated", self.noise_dbm), ("measured", self.measured_dbm)):
            fields |= {f"noise_{kind}.{f}": round(noise, 1) for f, noise in sorted(floors.items())}
        return fields


def _airtime_us(frame: ReceivedFrame) -> int:
    if isinstance(frame.modulation, Lora):
        return lora_us(frame.modulation, len(frame.payload))
    return fsk_us(frame.modulation, len(frame.payload))


class UnsentDownlinks:
    """Counts downlinks that did not leave, by frequency, or by the server that asked and the cause."""

    def __init__(self) -> None:
        self._unsent: dict[str, int] = {}
        self._due_us = 0

    def unsent(self, key: str) -> None:
        """Take in that a downlink did not leave; the keys are few: channels, or connectors and codes."""
        self._unsent[key] = self._unsent.get(key, 0) + 1

    def due(self, now_us: int) -> dict[str, str | int | float]:
        """Return how many downlinks did not leave, by key; empty while nothing is to be noted.

        >>> downlinks = UnsentDownlinks()
        >>> downlinks.unsent("868100000")
        >>> downlinks.due(5), downlinks.due(6)
        ({'868100000': 1}, {})
        """
        if not self._unsent or now_us < self._due_us:
            return {}
        self._due_us = now_us + NOTE_INTERVAL_US
        taken, self._unsent = self._unsent, {}
        return dict(sorted(taken.items()))
