"""From events to the connectivity of a month, through the database; bounded, counted, nothing else kept."""

import json
from fractions import Fraction

import pytest
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import OperationalError

from fleet.broker.inbox import Inbox
from fleet.durations import DAY_US
from fleet.errors import SettingsError
from fleet.evidence.tables import counters
from fleet.lang.paris import paris_us
from fleet.months.closer import Closer
from fleet.objects import uplinks
from fleet.objects.counting import bit_of, month_connectivity
from fleet.objects.store import store_days
from fleet.objects.tables import connectivity_days, object_months, objects
from fleet.objects.uplinks import EventsBroker, Uplinks, parse_events_url
from fleet.retention import Retention, sweep
from tests.unit.fleet.founded import StandingClock, empty_database

A, B = "70b3d57ed000000a", "70b3d57ed000000b"
NOW_US = paris_us(2026, 10, 20, 12)


@pytest.fixture
def database(tmp_path):
    made = empty_database(tmp_path)
    yield made
    made.close()


def take(into, eui, payload=None):
    told = payload or json.dumps({"deviceInfo": {"devEui": eui}}).encode()
    into.take(f"application/1/device/{eui}/event/up", told)


def days(database):
    with database.read() as connection:
        rows = connection.execute(select(object_months)).all()
    return sorted(
        (f"{row.month}-{number:02d}", row.dev_eui)
        for row in rows
        for number in range(1, 32)
        if row.days & bit_of(f"{row.month}-{number:02d}")
    )


def counted(database):
    with database.read() as connection:
        return dict(connection.execute(select(counters)).all())


def in_service(database, *euis):
    row = {"name": "n", "serial_number": "1", "geolocation": "NONE", "status": "SERVICE"}
    row |= {"class_name": "A", "imported_at_us": 0}
    with database.write() as connection:
        connection.execute(insert(objects), [row | {"dev_eui": eui} for eui in euis])


def test_a_day_is_written_once_and_bad_events_are_counted(database):
    into = Uplinks(database, StandingClock(NOW_US))
    for eui in (A, A, B):
        take(into, eui)
    take(into, A, b"{")
    into.flush()
    take(into, A)
    into.flush()
    assert days(database) == [("2026-10-20", A), ("2026-10-20", B)]
    assert counted(database) == {"object_events": 4, "object_events_refused": 1}
    assert "JSON" in into.last_refusal


def test_at_the_limit_further_objects_are_counted(database, monkeypatch):
    monkeypatch.setattr(uplinks, "PENDING_LIMIT", 1)
    into = Uplinks(database, StandingClock(NOW_US))
    for eui in (A, B, A):
        take(into, eui)
    into.flush()
    assert days(database) == [("2026-10-20", A)]
    assert counted(database) == {"object_events": 2, "object_events_dropped": 1}


def test_what_could_not_be_written_is_written_later(database):
    class Away:
        def write(self):
            raise OperationalError("x", None, Exception("away"))

    into = Uplinks(Away(), StandingClock(NOW_US))
    take(into, A)
    with pytest.raises(OperationalError):
        into.flush()
    into._database = database
    into.flush()
    assert days(database) == [("2026-10-20", A)]
    assert counted(database) == {"object_events": 1}


def test_connectivity_needs_both_the_list_and_the_events(database):
    with database.read() as connection:
        assert month_connectivity(connection, "2026-10", NOW_US).daily is None
    clock = StandingClock(paris_us(2026, 10, 18, 12))
    into = Uplinks(database, clock)
    take(into, A)
    take(into, B)
    into.flush()
    with database.read() as connection:
        assert month_connectivity(connection, "2026-10", NOW_US).daily is None
    in_service(database, A, B)
    clock.now += DAY_US
    take(into, A)
    into.flush()
    with database.read() as connection:
        found = month_connectivity(connection, "2026-10", NOW_US)
        assert month_connectivity(connection, "2026-09", NOW_US).daily is None
    assert (found.objects, found.daily, found.fortnight, found.days_counted) == (2, Fraction(3, 4), 1, 2)


def test_days_go_after_ninety(database):
    told = [f"2026-{month:02d}-{day:02d}" for month in (7, 8) for day in (1, 21, 22, 31)]
    with database.write() as connection:
        store_days(connection, [{"day": day, "dev_eui": A, "heard_at_us": 0} for day in told], {})
    with database.write() as connection:
        assert sweep(connection, Retention(heard_days=110), NOW_US)["object_months"] == 1
    assert days(database) == [(day, A) for day in told[1:]]
    with database.write() as connection:
        assert sweep(connection, Retention(heard_days=90), NOW_US)["object_months"] == 1
        assert sweep(connection, Retention(heard_days=90), NOW_US)["object_months"] == 0
    assert days(database) == [(day, A) for day in told[2:]]
    with database.write() as connection:
        sweep(connection, Retention(heard_days=1), NOW_US)
    assert days(database) == []


def test_a_counted_day_outlives_its_addresses(database):
    in_service(database, A, B)
    into = Uplinks(database, StandingClock(paris_us(2026, 10, 18, 12)))
    take(into, A)
    into.flush()
    closer = Closer(database=database, clock=StandingClock(NOW_US), inbox=Inbox(), clock_is_sure=lambda: True)
    counted_days = [closer.count_a_day() for _ in range(20)]
    assert counted_days[0] == "2026-10-01"
    assert counted_days[-2:] == ["2026-10-19", None]
    with database.write() as connection:
        connection.execute(delete(object_months))
        found = month_connectivity(connection, "2026-10", NOW_US)
        assert connection.scalar(select(func.count()).select_from(connectivity_days)) == 19
    assert (found.days_counted, found.daily) == (2, Fraction(1, 4)), "the 19th counts: nobody was heard"


def test_the_address_of_the_events():
    assert parse_events_url("mqtts://u:p%40@h") == EventsBroker(
        host="h", port=8883, tls=True, user="u", password="p@"
    )


@pytest.mark.parametrize("url", ["http://u:secret@h", "mqtt://", "mqtt://u:secret@h:99999", "h:1883"])
def test_a_wrong_address_is_refused_without_repeating_a_password(url):
    with pytest.raises(SettingsError, match="PASSERELLE_LNS_EVENTS_URL") as raised:
        parse_events_url(url)
    assert "secret" not in str(raised.value)
