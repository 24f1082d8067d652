"""What arrives from where: path loss, noise, demodulation limits, capture; pure arithmetic.

Sources: Petäjäjärvi et al., "On the coverage of LPWANs", ITST 2015 (868 MHz, ground: 128.95 dB at 1 km,
exponent 2.32, shadowing 7.8 dB); SX1276 datasheet table 13 (SNR limits by SF); Bor et al., "Do LoRa
low-power wide-area networks scale?", MSWiM 2016 (capture from 6 dB); Croce et al., "Impact of LoRa
imperfect orthogonality", IEEE Communications Letters 2018 (other SFs are rejected down to about -16 dB).
"""

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

from hal.packets import Cw, Fsk, Lora, Modulation

EARTH_RADIUS_KM = 6371.0
NEAREST_KM = 0.01
"""At shorter distances the loss no longer falls."""
THERMAL_NOISE_DBM_PER_HZ = -174.0
NOISE_FIGURE_DB = 6.0
CAPTURE_DB = 6.0
OTHER_SF_REJECTION_DB = -16.0
FSK_SNR_LIMIT_DB = 8.0
SNR_LIMIT_DB = {5: -2.5, 6: -5.0, 7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place on the ground, in degrees."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLoss:
    """Log-distance loss with shadowing that depends on the seed and the two ends only."""

    at_1_km_db: float = 128.95
    exponent: float = 2.32
    shadowing_db: float = 7.8
    seed: int = 0

    def between(self, one: tuple[str, Position], other: tuple[str, Position]) -> float:
        """Return the loss in dB between two named places; the same in both directions."""
        km = max(distance_km(one[1], other[1]), NEAREST_KM)
        return self.at_1_km_db + 10 * self.exponent * math.log10(km) + self._shadow(one[0], other[0])

    def _shadow(self, one: str, other: str) -> float:
        if not self.shadowing_db:
            return 0.0
        pair = "|".join((str(self.seed), *sorted((one, other))))
        draw = int.from_bytes(hashlib.sha256(pair.encode()).digest()[:8], "big")
        return self.shadowing_db * NormalDist().inv_cdf((draw + 0.5) / (1 << 64))


def distance_km(one: Position, other: Position) -> float:
    """Return the great-circle distance.

    >>> round(distance_km(Position(lat=47.39, lon=0.69), Position(lat=47.34, lon=0.83)), 1)
    11.9
    """
    lat1, lat2 = math.radians(one.lat), math.radians(other.lat)
    dlat, dlon = lat2 - lat1, math.radians(other.lon - one.lon)
    half = math.sin(dlat / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(half))


def bandwidth_hz(modulation: Modulation) -> int:
    """Return the occupied bandwidth."""
    match modulation:
        case Lora():
            return modulation.bandwidth_hz
        case Fsk():
            return modulation.bitrate_bps + 2 * modulation.deviation_hz
        case Cw():
            return 0


def noise_dbm(modulation: Modulation) -> float:
    """Return the receiver's noise in the bandwidth of ``modulation``.

    >>> round(noise_dbm(Lora(sf=7)), 1)
    -117.0
    """
    return THERMAL_NOISE_DBM_PER_HZ + NOISE_FIGURE_DB + 10 * math.log10(max(1, bandwidth_hz(modulation)))


def snr_limit_db(modulation: Modulation) -> float:
    """Return the SNR below which nothing is demodulated."""
    match modulation:
        case Lora():
            return SNR_LIMIT_DB[modulation.sf]
        case Fsk():
            return FSK_SNR_LIMIT_DB
        case Cw():
            return math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One frame as it stands at one antenna."""

    modulation: Modulation
    frequency_hz: int
    rssi_dbm: float
    began_us: int
    ended_us: int

    @property
    def snr_db(self) -> float:
        """Above the thermal noise."""
        return self.rssi_dbm - noise_dbm(self.modulation)


def overlaps(one: Signal, other: Signal) -> bool:
    """Return whether two signals share time and spectrum."""
    if one.ended_us <= other.began_us or other.ended_us <= one.began_us:
        return False
    apart_hz = abs(one.frequency_hz - other.frequency_hz)
    return apart_hz < (bandwidth_hz(one.modulation) + bandwidth_hz(other.modulation)) / 2


def needed_margin_db(wanted: Modulation, other: Modulation) -> float:
    """Return how much stronger than ``other`` the ``wanted`` signal must be."""
    if isinstance(wanted, Lora) and isinstance(other, Lora):
        same_chirp = wanted.sf == other.sf and wanted.bandwidth_hz == other.bandwidth_hz
        return CAPTURE_DB if same_chirp else OTHER_SF_REJECTION_DB
    return OTHER_SF_REJECTION_DB if isinstance(wanted, Lora) else CAPTURE_DB


def survives(wanted: Signal, others: list[Signal]) -> bool:
    """Return whether ``wanted`` is demodulated in spite of noise and of every overlapping signal."""
    if wanted.snr_db < snr_limit_db(wanted.modulation):
        return False
    return all(
        wanted.rssi_dbm - other.rssi_dbm >= needed_margin_db(wanted.modulation, other.modulation)
        for other in others
        if overlaps(wanted, other)
    )


def level_dbm(signals: list[Signal], frequency_hz: int) -> float:
    """Return the power in 125 kHz around ``frequency_hz``: thermal noise and whatever is on air there.

    >>> round(level_dbm([], 868_100_000))
    -117
    """
    window = Lora(sf=7)
    milliwatts = 10 ** (noise_dbm(window) / 10)
    for signal in signals:
        reach_hz = (bandwidth_hz(window) + bandwidth_hz(signal.modulation)) / 2
        if abs(signal.frequency_hz - frequency_hz) < reach_hz:
            milliwatts += 10 ** (signal.rssi_dbm / 10)
    return 10 * math.log10(milliwatts)
