"""A survey of the sample: its figures follow from what the gateways sent."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from fleet.airtime.capacity import LOAD_PEAK
from fleet.airtime.pictures import Picture, Traffic
from fleet.airtime.spans import Heard
from fleet.airtime.survey import (
    EDGE_DBM,
    SURVEY_EVERY_US,
    DayPast,
    alone_of,
    is_due,
    judge,
    load_survey,
    store_survey,
    survey,
)
from fleet.airtime.tables import air_surveys
from fleet.db.connect import Database, sqlite_url
from fleet.durations import DAY_US, HOUR_US
from fleet.evidence.tables import heard
from tests.unit.fleet.web.network import _stored
from tests.unit.fleet.web.sample import NOW_US, eui_of

HZ = 868_100_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "fleet.db").write_bytes(_stored(True))
    with closing(Database(sqlite_url(tmp_path / "fleet.db"))) as found:
        yield found


def an_hour(cells: dict[tuple[int, int], Traffic], number: int = 0) -> Heard:
    from_us = number * HOUR_US
    return Heard(from_us=from_us, until_us=from_us + HOUR_US, picture=Picture(cells=cells))


def test_the_busiest_cell_is_that_of_its_busiest_hour() -> None:
    calm, busy = Traffic(10, 1, 36_000), Traffic(90, 9, 180_000)
    air = judge("x", [an_hour({(HZ, 7): calm}), an_hour({(HZ, 7): calm, (HZ, 12): busy}, 1)], DayPast())
    assert air is not None
    assert (air.busiest_hz, air.busiest_sf, air.frames, air.crc_failed) == (HZ, 12, 110, 11)
    assert 0.05 < air.load < 0.056, "5 % were demodulated, some more were sent"
    assert 0.0 < air.collisions < 0.1
    assert judge("x", [], DayPast()) is None


def test_more_air_time_than_can_be_demodulated_is_the_peak() -> None:
    air = judge("x", [an_hour({(HZ, 7): Traffic(9, 0, 3_600_000)})], DayPast())
    assert air is not None
    assert air.load == LOAD_PEAK


def test_the_sample_is_surveyed(database: Database) -> None:
    day = "2026-11-21"
    row = {
        "day": day,
        "hours": 1,
        "frames": 3,
        "best_snr_db": -5.0,
        "lowest_sf": 12,
        "recorded_at_us": NOW_US,
    }
    rows = [
        row | {"eui": eui_of(index), "address": address, "best_rssi_dbm": dbm}
        for index, address, dbm in [
            (0, "26011b01", EDGE_DBM),
            (0, "26011b02", EDGE_DBM + 1),
            (0, "26011b03", -130),
            (4, "26011b03", -131),
        ]
    ]
    with database.write() as connection:
        connection.execute(insert(heard), rows)
    with database.read() as connection:
        found = survey(connection, NOW_US)
    assert [one.eui for one in found.gateways] == [eui_of(0), eui_of(1)]
    first = found.gateways[0]
    assert (first.duty_percent, first.alone, first.edge) == (12.5, 2, 1)
    assert first.usual_frames is not None
    assert 0.5 < first.frames / first.usual_frames < 2
    assert first.noise_dbm is not None
    assert sum(one.frames for one in found.hours) == sum(one.frames for one in found.gateways)
    assert 23 <= len(found.hours) <= 25


def test_a_day_with_more_addresses_than_can_be_counted_tells_nothing() -> None:
    assert alone_of([("a", {1: -90, 2: -90})], limit=2) == {"a": (2, 0)}
    assert alone_of([("a", {1: -90, 2: -90, 3: -90})], limit=2) is None
    assert alone_of([]) is None


def test_a_survey_stands_for_an_hour_and_is_kept_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(delete(air_surveys))
        assert load_survey(connection) is None
        assert is_due(connection, NOW_US)
        for at_us in (NOW_US - DAY_US, NOW_US):
            store_survey(connection, survey(connection, at_us))
        assert [
            is_due(connection, NOW_US + late) for late in (-1, 0, SURVEY_EVERY_US - 1, SURVEY_EVERY_US)
        ] == [
            True,
            False,
            False,
            True,
        ]
        assert connection.execute(select(air_surveys.c.at_us)).scalars().all() == [NOW_US]
        found = load_survey(connection)
        assert found is not None
        assert found == survey(connection, NOW_US)
        connection.execute(update(air_surveys).values(content=b"\x93other"))
        assert load_survey(connection) is None
