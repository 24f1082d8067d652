"""Objects of a member: their EPCI, a day that nobody heard, frames by two gateways, who is silent."""

import json
from fractions import Fraction

import pytest
from sqlalchemy import delete, insert, select, update

from fleet.durations import DAY_US
from fleet.evidence.tables import blindness
from fleet.lang.paris import paris_us
from fleet.objects.counting import count_day, month_connectivity, silent_objects, store_count
from fleet.objects.events import EventError, read_uplink
from fleet.objects.sheet import Geolocation, ObjectList, ObjectRow, Status
from fleet.objects.store import apply_objects, store_days
from fleet.objects.tables import object_months, objects
from fleet.objects.uplinks import Uplinks
from fleet.registry.tables import communes
from tests.unit.fleet.founded import StandingClock, founded_database

A, B, C = "70b3d57ed000000a", "70b3d57ed000000b", "70b3d57ed000000c"
NOW_US = paris_us(2026, 10, 20, 12)
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[0.0, 47.0], [0.2, 47.0], [0.2, 47.2], [0.0, 47.2], [0.0, 47.0]]],
}


def listed(dev_eui, *, lat=None, lon=None, status=Status.SERVICE):
    return ObjectRow(
        dev_eui=dev_eui,
        name=f"Capteur {dev_eui[-1]}",
        serial_number="1",
        geolocation=Geolocation.MANUAL,
        lat=lat,
        lon=lon,
        status=status,
        class_name="A",
    )


@pytest.fixture
def database(tmp_path):
    made = founded_database(tmp_path)
    with made.write() as connection:
        connection.execute(update(communes).where(communes.c.insee == "37281").values(polygon=SQUARE))
    yield made
    made.close()


def apply(database, *rows, epci=""):
    with database.write() as connection:
        apply_objects(
            connection, ObjectList(rows=rows, problems=(), problem_count=0, keys_dropped=0), 0, epci=epci
        )


def hears(database, dev_eui, *days, frames=0, redundant=0):
    rows = [
        {"day": day, "dev_eui": dev_eui, "heard_at_us": paris_us(2026, 10, int(day[8:]), 9)} for day in days
    ]
    rows[-1] |= {"frames": frames, "frames_redundant": redundant}
    with database.write() as connection:
        store_days(connection, rows, {})


def test_an_object_belongs_to_the_commune_in_which_it_stands(database):
    apply(database, listed(A, lat=47.1, lon=0.1), listed(B, lat=48.9, lon=2.3), listed(C), epci="CCTEV")
    with database.read() as connection:
        rows = connection.execute(select(objects.c.dev_eui, objects.c.commune_insee, objects.c.epci)).all()
    assert sorted(rows) == [(A, "37281", "CCTEV"), (B, "", "CCTEV"), (C, "", "CCTEV")]
    with pytest.raises(ValueError, match="no commune is in 'Ailleurs'"):
        apply(database, listed(A), epci="Ailleurs")


def test_a_day_without_an_event_is_heard_by_nobody_once_events_are_connected(database):
    apply(database, listed(A), epci="CCTEV")
    hears(database, A, "2026-10-05", "2026-10-07")
    with database.read() as connection:
        found = month_connectivity(connection, "2026-10", NOW_US)
    assert [one.day for one in found.days if not one.verifiable] == [f"2026-10-0{day}" for day in range(1, 5)]
    assert found.days_counted == 15
    assert found.daily == Fraction(2, 15)


@pytest.mark.parametrize(
    ("from_us", "until_us", "counted"),
    [
        (paris_us(2026, 10, 6), paris_us(2026, 10, 7), 14),
        (paris_us(2026, 10, 6) + 1, paris_us(2026, 10, 7), 15),
        (paris_us(2026, 10, 6), paris_us(2026, 10, 7) - 1, 15),
    ],
)
def test_a_day_of_proved_blindness_is_left_out_and_a_part_of_one_is_not(database, from_us, until_us, counted):
    apply(database, listed(A))
    hears(database, A, "2026-10-05")
    row = {"path": "ingest", "reason": "x", "recorded_at_us": 0}
    with database.write() as connection:
        connection.execute(insert(blindness).values(row | {"from_at_us": from_us, "until_at_us": until_us}))
    with database.read() as connection:
        assert month_connectivity(connection, "2026-10", NOW_US).days_counted == counted


def test_each_member_has_its_own_shares_and_the_whole_is_their_sum(database):
    apply(database, listed(A), listed(B), epci="CCTEV")
    apply(database, listed(C))
    hears(database, A, *(f"2026-10-{day:02d}" for day in range(1, 20)), frames=100, redundant=80)
    hears(database, C, "2026-10-01", frames=10, redundant=10)
    with database.read() as connection:
        mine = month_connectivity(connection, "2026-10", NOW_US, epci="CCTEV")
        whole = month_connectivity(connection, "2026-10", NOW_US)
        nobody = month_connectivity(connection, "2026-10", NOW_US, epci="Ailleurs")
    assert (mine.objects, mine.daily, mine.monthly) == (2, Fraction(1, 2), Fraction(1, 2))
    assert mine.redundant_frames == Fraction(4, 5)
    assert (whole.objects, whole.monthly, whole.redundant_frames) == (3, Fraction(2, 3), Fraction(9, 11))
    assert nobody.daily is None


def test_counts_of_members_outlive_their_addresses(database):
    apply(database, listed(A), listed(B), epci="CCTEV")
    hears(database, A, *(f"2026-10-{day:02d}" for day in range(1, 20)), frames=5, redundant=4)
    with database.write() as connection:
        before = month_connectivity(connection, "2026-10", NOW_US, epci="CCTEV")
        for day in range(1, 20):
            store_count(connection, count_day(connection, f"2026-10-{day:02d}"), NOW_US)
        connection.execute(delete(object_months))
        assert month_connectivity(connection, "2026-10", NOW_US, epci="CCTEV") == before
        later = count_day(connection, "2026-10-20")
    assert later.whole.events, "events stay connected when their addresses are gone"


def test_the_silent_are_named_with_when_they_were_heard_last(database):
    apply(database, listed(A, lat=47.1, lon=0.1), listed(B), listed(C), epci="CCTEV")
    apply(database, listed("70b3d57ed000000d", status=Status.STOCK))
    hears(database, A, "2026-10-05")
    hears(database, B, "2026-10-06")
    now_us = paris_us(2026, 10, 20)
    with database.read() as connection:
        found = silent_objects(connection, "2026-10", now_us, "CCTEV")
        assert silent_objects(connection, "2026-10", now_us, "Ailleurs") == []
        assert len(silent_objects(connection, "2026-10", now_us, "")) == 2
    assert [(one.dev_eui, one.commune, one.heard_at_us) for one in found] == [
        (C, "", None),
        (A, "Vouvray", paris_us(2026, 10, 5, 9)),
    ]


@pytest.mark.parametrize(
    ("heard_by", "gateways"), [([], 0), ([A], 1), ([A, A], 1), ([A, B], 2), ([A, B, C], 3)]
)
def test_an_event_says_which_gateways_heard_its_frame(heard_by, gateways):
    event = {"deviceInfo": {"devEui": A}, "rxInfo": [{"gatewayId": one, "rssi": -90} for one in heard_by]}
    assert len(read_uplink(json.dumps(event).encode(), NOW_US).gateways) == gateways


def test_an_event_with_receptions_that_are_none_is_refused():
    with pytest.raises(EventError):
        read_uplink(json.dumps({"deviceInfo": {"devEui": A}, "rxInfo": "all"}).encode(), NOW_US)


def test_frames_are_added_up_over_flushes(database):
    apply(database, listed(A))
    into = Uplinks(database, StandingClock(NOW_US - DAY_US))
    for heard_by in ([A], [A, B], [B, A, C], []):
        event = {"deviceInfo": {"devEui": A}, "rxInfo": [{"gatewayId": one} for one in heard_by]}
        into.take(f"application/1/device/{A}/event/up", json.dumps(event).encode())
        into.flush()
    with database.read() as connection:
        found = month_connectivity(connection, "2026-10", NOW_US)
    assert found.redundant_frames == Fraction(2, 3)
