"""What a run of the demo is told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``speed`` is how many seconds of the frames file pass in one; None: as fast as nothing is lost."""

    folder: Path
    port: int = 8080
    frames: Path | None = None
    speed: float | None = 1.0
    limit: int | None = None
    headless: bool = False
    duration_s: float | None = None
    sensors: int = 44
    seed: int = 37
    without_mosquitto: bool = False
    report_json: bool = False
    gateways: int = 11
    """Number of gateways, from 11; those beyond the eleven are light ones that only beat (``demo.light``)."""
    communes: Path | None = None
