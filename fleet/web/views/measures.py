"""What a gateway measured of itself and of its air: details with their units, the RF picture; pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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

FSK: Final = "FSK"
UNUSUAL, MACHINE, COUNTERS = "unusual", "machine", "counters"
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "radio": ("radio", "agc_", "arb_", "concentrator", "noise_", "crc_", "duty_", "board_"),
    "link": (
        "lns_",
        "net_",
        "modem_",
        "backhaul_",
        "journal_",
        "outbox_",
        "month_",
        "envelopes_",
        "certificate_",
    ),
    "store": ("spool_",),
    "time": ("gnss_", "clock_", "time_"),
}
"""How the names of measures begin, by group; all others are of the machine."""
ALARMS: Final = frozenset(
    {"under_voltage", "throttled", "card_in_memory", "card_left_mb", "spool_unbalanced_count"}
)
"""Measures that are unusual whenever they are not 0."""
COMPARED_LEAST: Final = 8
"""Earlier details before anything is unusual: two days of them."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Measures of one kind; ``key`` names it in the catalogue (``measures.group``)."""

    key: str
    rows: list[Measure]


def groups_of(
    words: Words, fields: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] = ()
) -> list[Group]:
    """Return details with their units in groups: what is unusual first, counters without a word last.

    ``earlier`` are the details of the week before, the newest first.
    """
    found: dict[str, list[Measure]] = {key: [] for key in (UNUSUAL, *_GROUPS, MACHINE, COUNTERS)}
    for name, value in sorted(fields.items()):
        shown = _measure(words, name, value)
        odd = is_unusual(name, value, [one[name] for one in earlier if name in one])
        found[UNUSUAL if odd else _group_of(name) if shown.worded else COUNTERS].append(shown)
    return [Group(key=key, rows=rows) for key, rows in found.items() if rows]


def _group_of(name: str) -> str:
    return next((key for key, starts in _GROUPS.items() if name.startswith(starts)), MACHINE)


def is_unusual(name: str, value: Any, before: Sequence[Any]) -> bool:
    """Return whether a measure is an alarm, or is what the week before never was.

    A number must lie outside of what was by half of its range and a tenth of its size.  What only ever grew
    or fell counts something: only its first move is news.

    >>> is_unusual("board_c", 71.0, [40.0, 44.0, 41.0] * 3)
    True
    """
    if name in ALARMS:
        return bool(value)
    if len(before) < COMPARED_LEAST:
        return False
    if not all(isinstance(one, int | float) for one in (value, *before)):
        return value not in before
    low, high = min(before), max(before)
    if low != high and sorted(before) in (list(before), list(before)[::-1]):
        return False
    slack = max((high - low) / 2, max(abs(low), abs(high)) / 10)
    return bool(value < low - slack or value > high + slack)


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
        named[2]: words.t("rf.noise.is", value=dbm, how=words.word("rf.noise", named[1]))
        for name, value in fields.items()
        if (named := _NOISE.fullmatch(name)) and (dbm := _number(value)) is not None
    }
    found = []
    for name, value in fields.items():
        cell = _CELL.fullmatch(name)
        parts = str(value).split("/")
        if cell is None or len(parts) != 3 or not all(part.isdecimal() for part in parts):
            continue
        frames, failed, airtime = map(int, parts)
        mhz = words.number(int(cell[1]) / 1e6, 1)
        sf = cell[2] if cell[2] != "0" else FSK
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
    return sorted(found, key=lambda one: (one.mhz, one.sf == FSK, len(one.sf), one.sf))


def _number(value: Any) -> float | None:
    """Return a measure, which a gateway writes as a number or as text; None where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


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
