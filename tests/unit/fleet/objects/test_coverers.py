"""Who hears the sensors of a commune: from the sketches before the month, without any address kept."""

import pytest
from sqlalchemy import insert, select

from fleet.broker.inbox import Inbox
from fleet.evidence.tables import heard
from fleet.facts.settings import DEFAULTS
from fleet.lang.paris import paris_us
from fleet.months.closer import Closer
from fleet.months.inputs import load_month
from fleet.objects import counting, coverers
from fleet.objects.counting import count_day
from fleet.objects.coverers import is_due, load_coverages, reckon_coverages
from fleet.objects.tables import coverage_months
from tests.unit.fleet.founded import EUIS, StandingClock, founded_database

NOW_US = paris_us(2026, 11, 18, 12)


@pytest.fixture
def database(tmp_path):
    made = founded_database(tmp_path)
    yield made
    made.close()


def hears(database, eui, address, *days, rssi=-100):
    sketch = {"hours": 1, "frames": 1, "best_rssi_dbm": rssi, "best_snr_db": 1.0, "lowest_sf": 7}
    rows = [sketch | {"eui": eui, "day": day, "address": address, "recorded_at_us": 0} for day in days]
    with database.write() as connection:
        connection.execute(insert(heard), rows)


def frozen(database, now_us=NOW_US):
    closer = Closer(database=database, clock=StandingClock(now_us), inbox=Inbox(), clock_is_sure=lambda: True)
    did = closer.freeze_coverages()
    with database.read() as connection:
        return did, [(one.insee, one.euis, one.sensors) for one in load_coverages(connection, "2026-11")]


def test_the_thirty_days_before_the_month_decide(database):
    for address in ("26000001", "26000002"):
        hears(database, EUIS[0], address, "2026-10-02", "2026-10-31", rssi=-120)
        hears(database, EUIS[1], address, "2026-10-05", rssi=-90)
    hears(database, EUIS[0], "26000003", "2026-10-05", "2026-10-06")
    hears(database, EUIS[0], "26000004", "2026-10-05")
    hears(database, EUIS[0], "26000005", "2026-10-01", "2026-11-01")
    hears(database, EUIS[0], "70b3d57ed0000001", "2026-10-05", "2026-10-06")
    expected = [("37015", EUIS[:2], 2), ("37281", EUIS[:1], 1)]
    assert frozen(database) == (True, expected)
    assert frozen(database) == (False, expected)
    with database.read() as connection:
        cards = load_month(connection, "2026-11", DEFAULTS, NOW_US).communes
    assert {card.insee: card.sensors for card in cards} == {"37015": 2, "37281": 1}


def test_a_first_month_takes_its_own_days_until_it_is_over(database):
    hears(database, EUIS[0], "26000001", "2026-11-02")
    assert frozen(database, paris_us(2026, 11, 3, 12)) == (True, [("37281", EUIS[:1], 1)])
    assert frozen(database, paris_us(2026, 11, 3, 13))[0] is False
    hears(database, EUIS[0], "26000002", "2026-11-03", "2026-11-02")
    assert frozen(database, paris_us(2026, 11, 4, 12)) == (True, [("37281", EUIS[:1], 1)])
    with database.read() as connection:
        assert connection.execute(select(coverage_months.c.last_day)).scalar() == "2026-11-03"
        assert not is_due(connection, "2026-11", paris_us(2026, 11, 4, 13))


def test_more_addresses_than_are_held_at_once_are_counted_part_by_part(database, monkeypatch):
    for number in range(60):
        hears(
            database, EUIS[number % 2], f"2600{number:04x}", "2026-10-02", "2026-10-03", rssi=-90 - number % 3
        )
        hears(database, EUIS[0], f"2601{number:04x}", "2026-10-02")
        hears(database, EUIS[1], f"2601{number:04x}", "2026-10-02", "2026-10-09")

    def answers():
        with database.read() as connection:
            counted = count_day(connection, "2026-10-02").whole.addresses_by_gateways
            return counted, reckon_coverages(connection, "2026-11", NOW_US)

    at_once = answers()
    for module in (counting, coverers):
        monkeypatch.setattr(module, "ADDRESSES_LIMIT", 50)
    assert answers() == at_once
    assert at_once[0] == {1: 60, 2: 60}
    assert at_once[1].sensors == 120


def test_without_sketches_there_are_no_sensors(database):
    assert frozen(database) == (True, [])
