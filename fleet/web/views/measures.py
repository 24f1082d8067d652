"""What a gateway measured of itself and of its air: details with their units, the RF picture; pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.web.rendering import Words

_UNITS: Final = {
    "s": "s", "ms": "ms", "mb": "Mo", "kb": "ko", "mhz": "MHz", "c": "°C", "db": "dB", "dbm": "dBm",
    "deg": "°", "percent": "%", "days": "j", "count": "", "satellites": "", "line": "",
}  # fmt: skip
_ENGLISH_UNITS: Final = {"mb": "MB", "kb": "kB", "days": "d"}
_CELL: Final = re.compile(r"(\d+)\.(\d+)")
_FREQUENCY: Final = re.compile(r"[0-9]{9}")
_NOISE: Final = re.compile(r"noise_(\w+)\.(\d+)")

OCCUPIED_SHOWN: Final = 8
"""Channels named beside the number of downlinks; a plan has 16 at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure in words."""

    name: str
    value: str
    worded: bool
    """It has a name in words; counters of the data path go by their own and stand behind a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel and spreading factor since the start of the agent."""

    mhz: str
    sf: str
    frames: int
    crc_failed: int
    airtime_ms: int
    noise: str


def measures_of(words: Words, fields: Mapping[str, Any]) -> list[Measure]:
    """Return details with their units, by name."""
    return [_measure(words, name, value) for name, value in sorted(fields.items())]


def _measure(words: Words, name: str, value: Any) -> Measure:
    plain, _, unit = name.rpartition("_")
    known = unit in _UNITS and bool(plain)
    bare = plain if known else name
    word = words.word("measure", bare)
    shown = words.reason(value) if isinstance(value, str) else words.number(value, _decimals(value))
    sign = _UNITS[unit] if known else ""
    if known and words.lang == "en":
        sign = _ENGLISH_UNITS.get(unit, sign)
    value_said = f"{shown}\u202f{sign}" if sign else shown
    return Measure(
        name=word if word != bare else bare.replace("_", " "), value=value_said, worded=word != bare
    )


def _decimals(value: float) -> int:
    return 0 if isinstance(value, int) else 1


def channels_of(words: Words, fields: Mapping[str, Any]) -> list[Channel]:
    """Return the RF picture, by channel and spreading factor; noise is named with how it was found."""
    noise = {
        said[2]: words.t("rf.noise.is", value=float(value), how=words.word("rf.noise", said[1]))
        for name, value in fields.items()
        if (said := _NOISE.fullmatch(name))
    }
    found = []
    for name, value in fields.items():
        cell = _CELL.fullmatch(name)
        parts = str(value).split("/")
        if cell is None or len(parts) != 3 or not all(part.isdigit() for part in parts):
            continue
        frames, failed, airtime = map(int, parts)
        mhz = words.number(int(cell[1]) / 1e6, 1)
        sf = cell[2] if cell[2] != "0" else "FSK"
        found.append(
            Channel(
                mhz=mhz,
                sf=sf,
                frames=frames,
                crc_failed=failed,
                airtime_ms=airtime,
                noise=noise.get(cell[1], "—"),
            )
        )
    return sorted(found, key=lambda one: (one.mhz, one.sf))


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """Downlinks that listen before talk held back: how many, and on which channels."""

    downlinks: int
    channels: str


def occupied_of(words: Words, notes: Iterable[Mapping[str, Any]]) -> Occupied | None:
    """Return what some notes of occupied channels add up to; None where nothing was held back."""
    by_channel: Counter[int] = Counter()
    for fields in notes:
        for name, count in fields.items():
            if _FREQUENCY.fullmatch(name) and type(count) is int and count > 0:
                by_channel[int(name)] += count
    if not by_channel:
        return None
    shown = [
        words.t("rf.occupied.channel", mhz=words.number(hz / 1e6, 1), count=count)
        for hz, count in by_channel.most_common(OCCUPIED_SHOWN)
    ]
    return Occupied(downlinks=by_channel.total(), channels=" · ".join(shown))
