"""RF pictures as values: what a gateway counted by channel and SF, and what was added between two (pure).

A picture (``agent.evidence.rf``) counts since the start of the data path.  The difference of two is what came
between them; a counter that went back says that the data path began anew, and the later picture counts whole:
what came before that restart is missing, so that a difference is a lower bound.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

COUNT_LIMIT: Final = 2**53
"""A count beyond this is no count; JSON would lose its digits."""
CELLS_LIMIT: Final = 64
"""Pairs of channel and SF of one picture (``agent.evidence.rf.CHANNELS_LIMIT``); others are passed over."""
VALUE_LIMIT: Final = 60
"""Characters of three counts."""
NAMES_KEPT: Final = 1_024
"""Names of cells that are read once: a plan has 64."""
FSK: Final = 0
"""Stands for the SF of a frame that is no LoRa."""
SF_LIMIT: Final = 12
HZ_LIMIT: Final = 10**10
NOISE: Final = ("noise_estimated.", "noise_measured.")
"""What is measured counts over what is estimated: it comes later."""
NOISE_DBM: Final = (-200.0, 50.0)

Cell: TypeAlias = tuple[int, int]
"""Channel in Hz, SF."""


class Traffic(NamedTuple):
    """Frames of any CRC in one cell."""

    frames: int = 0
    crc_failed: int = 0
    airtime_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a gateway heard, by cell, and its noise floor in dBm by channel in Hz."""

    cells: Mapping[Cell, Traffic] = field(default_factory=dict)
    noise_dbm: Mapping[int, float] = field(default_factory=dict)

    def by_sf(self) -> dict[int, int]:
        """Return the frames of each SF."""
        found: dict[int, int] = {}
        for (_, sf), traffic in self.cells.items():
            found[sf] = found.get(sf, 0) + traffic.frames
        return found

    def total(self) -> Traffic:
        """Return all cells together."""
        return added(self.cells.values())


def added(parts: Iterable[Traffic]) -> Traffic:
    """Return the sum.

    >>> added([Traffic(1, 0, 40), Traffic(2, 1, 90)])
    Traffic(frames=3, crc_failed=1, airtime_ms=130)
    """
    frames = crc_failed = airtime_ms = 0
    for one in parts:
        frames, crc_failed, airtime_ms = (
            frames + one.frames,
            crc_failed + one.crc_failed,
            airtime_ms + one.airtime_ms,
        )
    return Traffic(frames, crc_failed, airtime_ms)


def read_picture(fields: Mapping[str, Any]) -> Picture:
    """Return the picture of a note; what cannot be read is passed over.

    >>> read_picture({"868100000.7": "12/1/840", "noise_estimated.868100000": -112.5}).total().frames
    12
    """
    cells: dict[Cell, Traffic] = {}
    noise: dict[int, float] = {}
    for name, value in fields.items():
        if name.startswith(NOISE):
            _take_noise(noise, name.partition(".")[2], value)
            continue
        cell, traffic = _cell(name), _traffic(value)
        if cell is not None and traffic is not None and len(cells) < CELLS_LIMIT:
            cells[cell] = traffic
    return Picture(cells=cells, noise_dbm=noise)


def growth(before: Picture | None, after: Picture) -> Picture:
    """Return what ``after`` has more than ``before``; all of it after a restart, or without one before."""
    known = {} if before is None else before.cells
    if any(_went_back(traffic, after.cells.get(cell)) for cell, traffic in known.items()):
        known = {}
    cells = {}
    for cell, new in after.cells.items():
        old = known.get(cell)
        if old is None:
            if new.frames:
                cells[cell] = new
        elif new.frames > old.frames:
            cells[cell] = Traffic(
                new.frames - old.frames, new.crc_failed - old.crc_failed, new.airtime_ms - old.airtime_ms
            )
    return Picture(cells=cells, noise_dbm=after.noise_dbm)


def _went_back(before: Traffic, after: Traffic | None) -> bool:
    return (
        after is None
        or after.frames < before.frames
        or after.crc_failed < before.crc_failed
        or after.airtime_ms < before.airtime_ms
    )


@lru_cache(maxsize=NAMES_KEPT)
def _cell(name: str) -> Cell | None:
    hz, dot, sf = name.partition(".")
    if (
        not dot
        or not (hz.isdecimal() and sf.isdecimal() and name.isascii())
        or len(name) > len("2400000000.12")
    ):
        return None
    return (int(hz), int(sf)) if int(hz) < HZ_LIMIT and int(sf) <= SF_LIMIT else None


def _traffic(value: Any) -> Traffic | None:
    if not isinstance(value, str) or len(value) > VALUE_LIMIT or not value.isascii():
        return None
    frames, _, rest = value.partition("/")
    crc_failed, _, airtime_ms = rest.partition("/")
    if not (frames.isdecimal() and crc_failed.isdecimal() and airtime_ms.isdecimal()):
        return None
    counts = int(frames), int(crc_failed), int(airtime_ms)
    return Traffic(*counts) if max(counts) < COUNT_LIMIT else None


def _take_noise(noise: dict[int, float], channel: str, value: Any) -> None:
    if not isinstance(value, int | float) or not (channel.isascii() and channel.isdecimal()):
        return
    if (
        NOISE_DBM[0] <= value <= NOISE_DBM[1]
        and len(channel) <= len(str(HZ_LIMIT))
        and len(noise) < CELLS_LIMIT
    ):
        noise[int(channel)] = float(value)
