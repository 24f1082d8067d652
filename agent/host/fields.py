"""Short fields of an event: words, or numbers whose name ends in their unit."""

from typing import TypeAlias

Fields: TypeAlias = dict[str, str | int | float]

UNITS = (
    *("s", "ms", "mb", "kb", "mhz", "c", "db", "dbm", "deg", "percent", "count", "days"),
    *("satellites", "line"),
)
FLAGS = frozenset(
    {
        *("up", "accepting", "parity", "fix", "pulse", "throttled", "throttled_seen"),
        *("under_voltage", "under_voltage_seen"),
    }
)
"""0 or 1: no unit."""


def without_unit(fields: Fields) -> list[str]:
    """Return the numbers that name neither a unit nor a flag; counters of the data path are ``area.reason``.

    >>> without_unit({"disk_free_mb": 1, "load": 0.5, "radio.reset": 2, "net_wwan0_up": 1})
    ['load']
    """
    return [
        name
        for name, value in fields.items()
        if isinstance(value, int | float) and "." not in name and not _named(name)
    ]


def _named(name: str) -> bool:
    return name.rpartition("_")[2] in UNITS or any(
        name == flag or name.endswith(f"_{flag}") for flag in FLAGS
    )
