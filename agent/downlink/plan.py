"""Which sub-band a transmission lies in, and what is allowed there.

Regions are TOML files in ``regions/``; other ETSI regions (EU433, RU864) are the same table with other rows.
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from hal.packets import Fsk, Lora

HOUR_US = 3_600_000_000
DIPOLE_GAIN_DB = 2.15
REGIONS = Path(__file__).with_name("regions")
"""e.i.r.p. = e.r.p. + 2.15 dB."""


class PlanError(ValueError):
    """A region's file that says nothing usable; names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One sub-band of EN 300 220-2."""

    name: str
    from_hz: int
    to_hz: int
    erp_dbm: float
    duty_per_mille: int

    @property
    def airtime_limit_us(self) -> int:
        """Air time allowed in any hour."""
        return HOUR_US * self.duty_per_mille // 1000

    @property
    def eirp_dbm(self) -> float:
        return self.erp_dbm + DIPOLE_GAIN_DB


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """Where and how class B beacons are sent."""

    frequency_hz: int
    sf: int
    bandwidth_hz: int
    rfu_bytes: int
    erp_dbm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A region."""

    name: str
    bands: tuple[Band, ...]
    beacon: Beacon | None = None

    def __post_init__(self) -> None:
        for lower, upper in zip(self.bands, self.bands[1:], strict=False):
            if lower.to_hz > upper.from_hz:
                raise PlanError(f"band: {lower.name} and {upper.name} overlap or are out of order")

    def band_of(self, frequency_hz: int, modulation: Lora | Fsk) -> Band | None:
        """Return the band that holds the whole channel; None where nothing may be sent."""
        half_hz = occupied_hz(modulation) // 2
        for band in self.bands:
            if band.from_hz <= frequency_hz - half_hz and frequency_hz + half_hz <= band.to_hz:
                return band
        return None


def occupied_hz(modulation: Lora | Fsk) -> int:
    """Return the width of a channel; for FSK by Carson's rule."""
    match modulation:
        case Lora():
            return modulation.bandwidth_hz
        case Fsk():
            return 2 * modulation.deviation_hz + modulation.bitrate_bps


@lru_cache
def load_plan(region: str) -> Plan:
    """Return the plan of a region.

    Raises:
        PlanError: no such region, or its file is wrong.
    """
    source = REGIONS / f"{region.lower()}.toml"
    if not source.is_file():
        raise PlanError(f"region: {region} is not known")
    return parse_plan(tomllib.loads(source.read_text(encoding="utf-8")))


def parse_plan(document: dict[str, Any]) -> Plan:
    """Return the plan that a TOML document describes.

    Raises:
        PlanError: a field that is missing, unknown or out of range.
    """
    try:
        bands = tuple(Band(**row) for row in document["band"])
        beacon = Beacon(**document["beacon"]) if "beacon" in document else None
        return Plan(name=document["name"], bands=bands, beacon=beacon)
    except (KeyError, TypeError) as error:
        raise PlanError(f"region: {error}") from error
