"""NMEA 0183 sentences: checksum, RMC (when and where) and GGA (how high and how well).

Sources: NMEA 0183 v4.10 sentence formats as receivers send them (RMC's mode indicator since v2.3, its
navigational status since v4.1); FACTS §15.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

SENTENCE_LIMIT_BYTES = 120
"""82 in the standard; receivers exceed it a little."""
CENTURY = 2000
RMC_MODE_INDEX = 12
NO_FIX_MODES = frozenset("NEMS")
"""Not valid, estimated (dead reckoning), manual, simulator: the time is then no satellite's."""


class BadSentence(ValueError):
    """The bytes are no NMEA sentence, or a field is not what it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rmc:
    """Time and place; ``valid`` is the receiver's own word."""

    utc: datetime | None
    valid: bool
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gga:
    """Quality and height of a fix."""

    quality: int
    satellites: int
    hdop: float | None
    altitude_m: float | None
    latitude: float | None
    longitude: float | None


def fields(sentence: bytes) -> list[str]:
    """Return the fields between ``$`` and ``*``, the checksum having been checked.

    >>> fields(b"$GPTXT,01*62")
    ['GPTXT', '01']

    Raises:
        BadSentence: no sentence, not ASCII, or a wrong checksum.
    """
    text = sentence.strip()
    body, star, given = text.removeprefix(b"$").partition(b"*")
    if not text.startswith(b"$") or not star or len(text) > SENTENCE_LIMIT_BYTES:
        raise BadSentence("no sentence")
    computed = 0
    for byte in body:
        computed ^= byte
    try:
        if int(given, 16) != computed or len(given) != 2:
            raise BadSentence(f"checksum {given!r}, computed {computed:02X}")
        return body.decode("ascii").split(",")
    except (ValueError, UnicodeDecodeError) as error:
        raise BadSentence(str(error)) from error


def decode(sentence: bytes) -> Rmc | Gga | None:
    """Return what a sentence says; None for the many that say nothing we need.

    Raises:
        BadSentence: see ``fields``; also numbers that are none.
    """
    parts = fields(sentence)
    kind = parts[0][2:]
    try:
        if kind == "RMC" and len(parts) >= 10:
            return _rmc(parts)
        if kind == "GGA" and len(parts) >= 10:
            return _gga(parts)
    except (ValueError, IndexError) as error:
        raise BadSentence(f"{parts[0]}: {error}") from error
    return None


def _rmc(parts: list[str]) -> Rmc:
    return Rmc(
        utc=_instant(parts[1], parts[9]),
        valid=parts[2] == "A" and not NO_FIX_MODES.intersection(parts[RMC_MODE_INDEX : RMC_MODE_INDEX + 1]),
        latitude=_degrees(parts[3], parts[4], 2),
        longitude=_degrees(parts[5], parts[6], 3),
    )


def _gga(parts: list[str]) -> Gga:
    return Gga(
        quality=int(parts[6] or 0),
        satellites=int(parts[7] or 0),
        hdop=float(parts[8]) if parts[8] else None,
        altitude_m=float(parts[9]) if parts[9] else None,
        latitude=_degrees(parts[2], parts[3], 2),
        longitude=_degrees(parts[4], parts[5], 3),
    )


def _instant(clock: str, date: str) -> datetime | None:
    if not clock or not date:
        return None
    seconds = float(clock[4:])
    whole = int(seconds)
    return datetime(
        CENTURY + int(date[4:6]),
        int(date[2:4]),
        int(date[:2]),
        int(clock[:2]),
        int(clock[2:4]),
        whole,
        round((seconds - whole) * 1e6) % 1_000_000,
        tzinfo=UTC,
    )


def _degrees(value: str, side: str, digits: int) -> float | None:
    if not value:
        return None
    degrees = int(value[:digits]) + float(value[digits:]) / 60
    return -degrees if side in ("S", "W") else degrees
