"""Vitals of the machine, through psutil; each None where the machine does not tell."""

from dataclasses import dataclass
from pathlib import Path

import psutil

_THERMAL = ("cpu_thermal", "cpu-thermal", "coretemp", "soc_thermal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Percent of the whole, degrees Celsius."""

    cpu_percent: int | None = None
    memory_percent: int | None = None
    disk_percent: int | None = None
    temperature_c: int | None = None


def read_vitals(state: Path) -> Vitals:
    """Return the vitals; CPU is the mean since the last call."""
    return Vitals(
        cpu_percent=round(psutil.cpu_percent(interval=None)),
        memory_percent=round(psutil.virtual_memory().percent),
        disk_percent=round(psutil.disk_usage(str(state)).percent),
        temperature_c=_temperature_c(),
    )


def _temperature_c() -> int | None:
    try:
        sensors = psutil.sensors_temperatures()
    except (AttributeError, OSError):
        return None
    for name in _THERMAL:
        if sensors.get(name):
            return int(sensors[name][0].current)
    return None
