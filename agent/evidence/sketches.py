"""Who was heard on a day, pure: per DevAddr (or DevEUI of a join) 24 bits of hours, a count, the best levels.

Source: AVAILABILITY §9.  Nothing of the payload is kept; a day is a day in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from agent.lorawan.phy import JoinRequest, MType, RejoinRequest, parse_phy
from agent.record import FrameKind, Record
from agent.wire.messages import Heard

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
ADDRESSES_LIMIT = 5_000
"""A day; addresses beyond it are counted only."""
NO_SF = 0
UPLINKS = frozenset({MType.UNCONFIRMED_UP, MType.CONFIRMED_UP})


class Sketch(msgspec.Struct, array_like=True):
    """One address on one day."""

    hours: int = 0
    frames: int = 0
    best_rssi_dbm: int = -200
    best_snr_db: float = -100.0
    lowest_sf: int = NO_SF


class _File(msgspec.Struct, array_like=True):
    day: int
    sketches: dict[str, Sketch]


def address_of(record: Record) -> str | None:
    """Return the DevAddr of an uplink with data or the DevEUI of a join; None for anything else."""
    if record.kind == FrameKind.DATA:
        return f"{record.address:08x}" if record.payload[0] >> 5 in UPLINKS else None
    if record.kind != FrameKind.JOIN:
        return None
    frame = parse_phy(record.payload)
    return frame.dev_eui if isinstance(frame, JoinRequest | RejoinRequest) else None


@dataclass(slots=True)
class Sketchbook:
    """The present day; ``turn`` hands over a day that is over."""

    day: int = 0
    """Days since 1970-01-01 UTC."""
    sketches: dict[str, Sketch] | None = None
    overflowed: int = 0
    misdated: int = 0
    """Addresses counted for days that had not come, by a clock that was ahead."""
    changed: bool = False
    _left: tuple[int, dict[str, Sketch] | None] = (0, None)
    """The day that a step ahead by more than one ended, and its sketches."""

    def frame_received(self, record: Record, utc_us: int) -> None:
        """Count a frame received at ``utc_us``; call ``turn`` with the same instant before."""
        address = address_of(record)
        if address is None:
            return
        book = self.sketches = {} if self.sketches is None else self.sketches
        sketch = book.get(address)
        if sketch is None:
            if len(book) >= ADDRESSES_LIMIT:
                self.overflowed += 1
                return
            sketch = book[address] = Sketch()
        sketch.hours |= 1 << utc_us % DAY_US // HOUR_US
        sketch.frames += 1
        sketch.best_rssi_dbm = max(sketch.best_rssi_dbm, round(record.rssi_dbm))
        sketch.best_snr_db = max(sketch.best_snr_db, round(record.snr_db, 1))
        if record.sf:
            sketch.lowest_sf = min(sketch.lowest_sf or record.sf, record.sf)
        self.changed = True

    def turn(self, utc_us: int) -> list[Heard]:
        """Return the sketches of a day that is over.

        A clock put back over midnight ends no day.  One that is put back further was wrong: what was counted
        for the day that has not come is forgotten, and the day that a step ahead had ended goes on.
        """
        day = utc_us // DAY_US
        if day in {self.day, self.day - 1}:
            return []
        self.changed = True
        if day < self.day:
            self.misdated += len(self.sketches or {})
            back_to, sketches = self._left
            self.day, self.sketches = day, sketches if back_to == day else {}
            return []
        over = list(self._ended_day())
        self._left = (self.day, self.sketches) if day > self.day + 1 else (0, None)
        self.day, self.sketches = day, {}
        return over

    def _ended_day(self) -> Iterator[Heard]:
        for address, sketch in (self.sketches or {}).items():
            yield Heard(
                day=date_of(self.day),
                address=address,
                hours=sketch.hours,
                frames=sketch.frames,
                best_rssi_dbm=sketch.best_rssi_dbm,
                best_snr_db=sketch.best_snr_db,
                lowest_sf=sketch.lowest_sf,
            )


def date_of(day: int) -> str:
    """Return a day since 1970 as a date.

    >>> date_of(19_875)
    '2024-06-01'
    """
    from datetime import date, timedelta

    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def encode_book(book: Sketchbook) -> bytes:
    """Return the bytes that keep a book across a restart."""
    return msgspec.msgpack.encode(_File(book.day, book.sketches or {}))


def decode_book(content: bytes) -> Sketchbook:
    """Return the book that was kept; an empty one when the bytes are damaged."""
    try:
        file = msgspec.msgpack.decode(content, type=_File)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return Sketchbook()
    return Sketchbook(day=file.day, sketches=file.sketches)
