"""Sketches of addresses (AVAILABILITY §9): a row an address as they come, a row a gateway and day afterwards.

    message ─▶ heard, whole ─▶ pack_some, once its day is two days ago ─▶ heard_packed ─▶ retention

A packed day keeps what figures are made of, each DevAddr and the best RSSI that it was heard with: about four
bytes an address instead of 165.  Hours, frames, SNR, SF and the DevEUI of joins go.  ``sketches`` reads both
as one; a sketch that comes after its day was packed counts over the packed one, and is packed at the next
look.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import accumulate, groupby
from operator import sub
from typing import Final

import structlog
from sqlalchemy import Connection, Row, delete, func, select

from fleet.db.upsert import upsert
from fleet.evidence.coherence import MEASURED_LIMIT
from fleet.evidence.tables import heard, heard_packed

ADDRESS_DIGITS: Final = 8
"""A DevAddr; longer ones are DevEUIs of joins, which name the same object a second time."""
FORMAT: Final = b"\x01"
"""First byte of a packed day: steps of addresses, then RSSI, byte by byte, as zlib compresses them best."""
LEVEL: Final = 6
DETAILS_DAYS: Final = 2
"""Days (UTC), today among them, of which every sketch is kept as it came."""
PACKED_AT_ONCE: Final = 20
"""Days of a gateway that are packed in one transaction: some 0.1 s."""
ROWS_AT_ONCE: Final = 2_000
"""Rows that are read at once, of each of the two tables."""

log = structlog.get_logger("fleet.evidence.sketches")


class PackDamaged(ValueError):
    """Bytes that are no packed day."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What one gateway heard on one day (UTC): the best RSSI in dBm of each DevAddr."""

    eui: str
    day: str
    best_dbm: Mapping[int, int]


def pack(best_dbm: Mapping[int, int]) -> bytes:
    """Return the addresses of a day, each with its best RSSI, in little space.

    >>> unpack(pack({0x26011BDA: -97, 0x26011BDB: 3})) == {0x26011BDA: -97, 0x26011BDB: 3}
    True
    """
    addresses, count = sorted(best_dbm), len(best_dbm)
    steps = struct.pack(f"<{count}I", *map(sub, addresses, [0, *addresses]))
    levels = struct.pack(f"<{count}i", *(best_dbm[address] for address in addresses))
    return FORMAT + zlib.compress(b"".join(row[at::4] for row in (steps, levels) for at in range(4)), LEVEL)


def unpack(content: bytes) -> dict[int, int]:
    """Return what ``pack`` was given.

    Raises:
        PackDamaged: these are other bytes.
    """
    if content[:1] != FORMAT:
        raise PackDamaged("another format")
    try:
        planes = zlib.decompress(content[1:])
    except zlib.error as error:
        raise PackDamaged(str(error)) from error
    count, rest = divmod(len(planes), 8)
    if rest:
        raise PackDamaged(f"{len(planes)} bytes are no whole addresses")
    steps = struct.unpack(f"<{count}I", _joined(planes[: 4 * count], count))
    if sum(steps) >> 32:
        raise PackDamaged("an address beyond 32 bits")
    return dict(
        zip(accumulate(steps), struct.unpack(f"<{count}i", _joined(planes[4 * count :], count)), strict=True)
    )


def _joined(planes: bytes, count: int) -> bytes:
    numbers = bytearray(4 * count)
    for at in range(4):
        numbers[at::4] = planes[at * count : (at + 1) * count]
    return bytes(numbers)


def sketches(connection: Connection, first: str, last: str) -> Iterator[Sketch]:
    """Yield what every gateway heard on the days from ``first`` to ``last``, by EUI and day."""
    both = merge(_packed(connection, first, last), _rows(connection, first, last), key=_key)
    for (eui, day), found in groupby(both, key=_key):
        best: dict[int, int] = {}
        for one in found:
            best.update(one.best_dbm)
        if best:
            yield Sketch(eui, day, best)


def is_any_between(connection: Connection, first: str, last: str) -> bool:
    """Return whether a sketch of the days from ``first`` to ``last`` is kept."""
    return any(
        connection.scalar(select(1).where(table.c.day >= first, table.c.day <= last).limit(1))
        for table in (heard, heard_packed)
    )


def oldest_day(connection: Connection) -> str | None:
    """Return the first day of which a sketch is kept."""
    days = [connection.scalar(select(func.min(table.c.day))) for table in (heard, heard_packed)]
    return min((day for day in days if day), default=None)


def pack_some(connection: Connection, now_us: int) -> int:
    """Pack the oldest days, one gateway's after the other, ``PACKED_AT_ONCE`` at most; return how many."""
    first_whole = datetime.fromtimestamp(now_us / 1_000_000, UTC).date() - timedelta(days=DETAILS_DAYS - 1)
    for number in range(PACKED_AT_ONCE):
        if not _pack_oldest(connection, first_whole.isoformat()):
            return number
    return PACKED_AT_ONCE


def _pack_oldest(connection: Connection, before: str) -> bool:
    """Pack one day of one gateway, the oldest before ``before``; return whether there was one."""
    row = heard.c
    found = connection.execute(
        select(row.eui, row.day).where(row.day < before).order_by(row.day).limit(1)
    ).first()
    if found is None:
        return False
    eui, day = found
    mine = (row.eui == eui) & (row.day == day)
    packed = heard_packed.c
    kept = connection.execute(select(heard_packed).where(packed.eui == eui, packed.day == day)).first()
    best = {} if kept is None else _unpacked(kept)
    rows = select(row.address, row.best_rssi_dbm).where(mine)
    best |= _best((address, rssi_dbm) for address, rssi_dbm in connection.execute(rows))
    content = {"eui": eui, "day": day, "addresses": len(best), "content": pack(best)}
    upsert(connection, heard_packed, [content], key=("eui", "day"))
    connection.execute(delete(heard).where(mine))
    return True


def _key(one: Sketch) -> tuple[str, str]:
    return one.eui, one.day


def _packed(connection: Connection, first: str, last: str) -> Iterator[Sketch]:
    row = heard_packed.c
    query = select(heard_packed).where(row.day >= first, row.day <= last).order_by(row.eui, row.day)
    for one in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield Sketch(one.eui, one.day, _unpacked(one))


def _rows(connection: Connection, first: str, last: str) -> Iterator[Sketch]:
    row = heard.c
    query = (
        select(row.eui, row.day, row.address, row.best_rssi_dbm)
        .where(row.day >= first, row.day <= last)
        .order_by(row.eui, row.day)
    )
    found = connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
    for (eui, day), group in groupby(found, key=lambda one: (one[0], one[1])):
        yield Sketch(eui, day, _best((address, rssi_dbm) for _, _, address, rssi_dbm in group))


def _best(rows: Iterable[tuple[str, int]]) -> dict[int, int]:
    """Return the DevAddr of rows, each with its RSSI within what can be measured."""
    best: dict[int, int] = {}
    for address, rssi_dbm in rows:
        if len(address) == ADDRESS_DIGITS:
            try:
                number = int.from_bytes(bytes.fromhex(address))
            except ValueError:  # a row that came before its rule (``coherence``)
                continue
            best[number] = max(-MEASURED_LIMIT, min(MEASURED_LIMIT, rssi_dbm))
    return best


def _unpacked(row: "Row[tuple[str, str, int, bytes]]") -> dict[int, int]:
    """Return a packed day; one that is damaged holds nothing, and the log names it."""
    try:
        return unpack(row.content)
    except PackDamaged as error:
        log.warning("sketches_damaged", eui=row.eui, day=row.day, reason=str(error))
        return {}
