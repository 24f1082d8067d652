"""The air of the whole network in a day: of each gateway how full, how noisy, how it compares with its past.

    notes of 24 h, hour by hour ─▶ judge (pure) ─▶ GatewayAir ─┐
    a picture a day, eight days back ─▶ what is usual ─────────┼─▶ NetworkAir, a row of ``air_surveys``
    newest details: duty cycle ───────────────────────────────┤
    sketches of yesterday: sensors that it alone hears ───────┘

It takes seconds for 1,615 gateways: a child surveys once an hour (``fleet.months.closer``), pages read the
row.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import mean, median
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from fleet.airtime.capacity import collisions, offered
from fleet.airtime.pictures import Picture, added, read_picture
from fleet.airtime.spans import PICTURE, Heard, load_heard
from fleet.airtime.tables import air_surveys
from fleet.db.upsert import upsert
from fleet.durations import DAY_US, HOUR_US
from fleet.evidence.sketches import sketches
from fleet.evidence.tables import latest, notes

SURVEY_EVERY_US: Final = HOUR_US
PAST_DAYS: Final = 8
"""Days before the last one whose totals say what is usual."""
PAST_LEAST: Final = 3
"""Days that must be known of them."""
EDGE_DBM: Final = -115
"""A sensor whose best frame of a day is this weak stands at the edge: a choice of ours, 20 dB above what the
slowest SF needs, as leaves, rain and a parked lorry take."""
ADDRESSES_LIMIT: Final = 600_000
"""Addresses that are counted at once; of a day with more, who hears them alone is not told."""
THE_ROW: Final = 1
"""The newest survey is the only one that is kept."""


class GatewayAir(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway's last 24 hours."""

    eui: str
    frames: int
    crc_failed: int
    usual_frames: float | None
    """Mean of a day of the week before; None: too few are known."""
    busiest_hz: int
    busiest_sf: int
    load: float
    """Air time per time in the busiest hour of the busiest channel and SF, before collisions."""
    collisions: float
    """Share of its frames that others are expected to destroy, over the day."""
    noise_dbm: float | None
    usual_noise_dbm: float | None
    duty_percent: float | None = None
    """What downlinks used of the duty cycle of the fullest band."""
    alone: int | None = None
    """Sensors that it alone hears; None: no sketch, or more than can be counted."""
    edge: int | None = None
    """…and of them those at the edge."""


class HourAir(msgspec.Struct, frozen=True, kw_only=True):
    """All gateways in one hour."""

    from_us: int
    frames: int
    crc_failed: int
    noise_dbm: float | None
    """Median of the gateways' medians."""


class NetworkAir(msgspec.Struct, frozen=True, kw_only=True):
    """What a survey found."""

    at_us: int
    gateways: tuple[GatewayAir, ...]
    hours: tuple[HourAir, ...]


class DayPast(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual for a gateway."""

    frames: float | None = None
    noise_dbm: float | None = None


def judge(eui: str, heard: Sequence[Heard], past: DayPast) -> GatewayAir | None:
    """Return the air of one gateway; None: it sent no picture that says how long its frames took to come.

    The load of a cell is what was demodulated, before others destroyed some of it (``capacity.offered``).
    """
    if not heard:
        return None
    total = added(one.picture.total() for one in heard)
    busiest, lost, frames = (0.0, 0, 0), 0.0, 0
    for one in heard:
        length_ms = (one.until_us - one.from_us) / 1_000
        for (hz, sf), traffic in one.picture.cells.items():
            load = offered(traffic.airtime_ms / length_ms)
            busiest = max(busiest, (load, hz, sf))
            sent = traffic.frames / (1 - collisions(load))
            lost, frames = lost + sent - traffic.frames, frames + traffic.frames
    floors = list(heard[-1].picture.noise_dbm.values())
    load, hz, sf = busiest
    return GatewayAir(
        eui=eui,
        frames=total.frames,
        crc_failed=total.crc_failed,
        usual_frames=past.frames,
        busiest_hz=hz,
        busiest_sf=sf,
        load=load,
        collisions=lost / (lost + frames) if frames else 0.0,
        noise_dbm=median(floors) if floors else None,
        usual_noise_dbm=past.noise_dbm,
    )


def survey(connection: Connection, now_us: int) -> NetworkAir:
    """Return the air of the last 24 hours; seconds for a large network."""
    usual = _usual(connection, now_us)
    alone = _alone(connection, now_us)
    found, hours = [], dict[int, list[Picture]]()
    for eui in connection.execute(select(latest.c.eui).order_by(latest.c.eui)).scalars().all():
        heard = load_heard(connection, eui, now_us - DAY_US, now_us, HOUR_US)
        air = judge(eui, heard, usual.get(eui, DayPast()))
        if air is None:
            continue
        lonely = (None, None) if alone is None else alone.get(eui, (0, 0))
        duty = _duty_percent(connection, eui, now_us)
        found.append(msgspec.structs.replace(air, duty_percent=duty, alone=lonely[0], edge=lonely[1]))
        for one in heard:
            middle_us = (one.from_us + one.until_us) // 2
            hours.setdefault(middle_us - middle_us % HOUR_US, []).append(one.picture)
    return NetworkAir(
        at_us=now_us,
        gateways=tuple(found),
        hours=tuple(_hour(from_us, pictures) for from_us, pictures in sorted(hours.items())),
    )


def _hour(from_us: int, pictures: Sequence[Picture]) -> HourAir:
    total = added(one.total() for one in pictures)
    floors = [median(one.noise_dbm.values()) for one in pictures if one.noise_dbm]
    noise_dbm = round(median(floors), 1) if floors else None
    return HourAir(from_us=from_us, frames=total.frames, crc_failed=total.crc_failed, noise_dbm=noise_dbm)


def _usual(connection: Connection, now_us: int) -> dict[str, DayPast]:
    """Return what a day of each gateway is usually like, from a picture a day."""
    marks = [_pictures_at(connection, now_us - days * DAY_US) for days in range(1, PAST_DAYS + 2)]
    frames: dict[str, list[int]] = {}
    noise: dict[str, list[float]] = {}
    for later, earlier in pairwise(marks):
        for eui, (boot, total, floor_dbm) in later.items():
            before = earlier.get(eui)
            if before is not None and before[0] == boot and total >= before[1]:
                frames.setdefault(eui, []).append(total - before[1])
            if floor_dbm is not None:
                noise.setdefault(eui, []).append(floor_dbm)
    return {
        eui: DayPast(frames=_mean(frames.get(eui, ())), noise_dbm=_mean(noise.get(eui, ())))
        for eui in frames.keys() | noise.keys()
    }


def _mean(known: Sequence[float]) -> float | None:
    return mean(known) if len(known) >= PAST_LEAST else None


def _pictures_at(connection: Connection, at_us: int) -> dict[str, tuple[int, int, float | None]]:
    """Return boot, frames and median noise of the last picture of each gateway in the hour before."""
    note = notes.c
    inside = (note.recorded_at_us >= at_us - HOUR_US) & (note.recorded_at_us < at_us)
    query = select(note.eui, note.boot, note.fields).where(inside, note.name == PICTURE)
    found = {}
    for row in connection.execute(query.order_by(note.recorded_at_us)):
        picture = read_picture(row.fields)
        floors = picture.noise_dbm.values()
        found[row.eui] = (row.boot, picture.total().frames, median(floors) if floors else None)
    return found


def _duty_percent(connection: Connection, eui: str, now_us: int) -> float | None:
    note = notes.c
    mine = (note.eui == eui) & (note.name == "details") & (note.recorded_at_us >= now_us - DAY_US)
    fields = connection.execute(
        select(note.fields).where(mine).order_by(note.recorded_at_us.desc()).limit(1)
    ).scalar()
    return None if fields is None else fullest_band(fields)


def fullest_band(fields: Mapping[str, Any]) -> float:
    """Return what was used of the duty cycle of the fullest band, in percent.

    >>> fullest_band({"duty_g1_used_percent": 12.5, "duty_g3_used_percent": 40, "duty_g3_used_ms": 900})
    40.0
    """
    used = [
        float(value)
        for name, value in fields.items()
        if name.startswith("duty_") and name.endswith("_used_percent") and isinstance(value, int | float)
    ]
    return max(0.0, *used) if used else 0.0


def _alone(connection: Connection, now_us: int) -> dict[str, tuple[int, int]] | None:
    """Return how many sensors each gateway alone heard yesterday, and how many of them at the edge."""
    day = datetime.fromtimestamp((now_us - DAY_US) / 1_000_000, UTC).date().isoformat()
    return alone_of((one.eui, one.best_dbm) for one in sketches(connection, day, day))


def alone_of(
    sketched: Iterable[tuple[str, Mapping[int, int]]], limit: int = ADDRESSES_LIMIT
) -> dict[str, tuple[int, int]] | None:
    """Return sensors that one gateway alone hears, and those at the edge; None: nobody told, or too many.

    >>> alone_of([("a", {1: -120, 2: -80}), ("b", {2: -118, 3: -90})])
    {'a': (1, 1), 'b': (1, 0)}
    """
    hearer: dict[int, tuple[str, int] | None] = {}
    for eui, best_dbm in sketched:
        for address, dbm in best_dbm.items():
            hearer[address] = None if address in hearer else (eui, dbm)
        if len(hearer) > limit:
            return None
    if not hearer:
        return None
    heard = [one for one in hearer.values() if one is not None]
    counted = Counter(eui for eui, _ in heard)
    edge = Counter(eui for eui, dbm in heard if dbm <= EDGE_DBM)
    return {eui: (count, edge[eui]) for eui, count in sorted(counted.items())}


def is_due(connection: Connection, now_us: int) -> bool:
    """Return whether the newest survey is old, or from the future."""
    at_us = connection.scalar(select(air_surveys.c.at_us))
    return at_us is None or not 0 <= now_us - at_us < SURVEY_EVERY_US


def store_survey(connection: Connection, found: NetworkAir) -> None:
    """Keep a survey in the stead of the one before."""
    row = {"id": THE_ROW, "at_us": found.at_us, "content": msgspec.msgpack.encode(found)}
    upsert(connection, air_surveys, [row], key=("id",))


def load_survey(connection: Connection) -> NetworkAir | None:
    """Return the newest survey; None: there is none, or another program wrote it."""
    content = connection.scalar(select(air_surveys.c.content))
    if content is None:
        return None
    try:
        return msgspec.msgpack.decode(content, type=NetworkAir)
    except msgspec.MsgspecError:
        return None
