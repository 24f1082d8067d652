"""A closed month says what the LNS contradicts, and its check names it without calling it a fault."""

import json

import pytest

from fleet.durations import HOUR_US, MINUTE_US
from fleet.facts.settings import DEFAULTS
from fleet.lang.paris import paris
from fleet.months.check_store import check_month
from fleet.months.versions import close_month, newest_version
from fleet.objects.uplinks import Uplinks
from tests.unit.fleet.founded import EUIS, StandingClock
from tests.unit.fleet.months.closed import CLOSED_US, MONTH, WINDOW, closed_month

DEV = "70b3d57ed0001234"
TOPIC = f"application/1/device/{DEV}/event/up"


def uplink(at_us, *euis):
    event = {"deviceInfo": {"devEui": DEV}, "time": paris(at_us).isoformat()}
    return json.dumps(event | {"rxInfo": [{"gatewayId": eui} for eui in euis]}).encode()


@pytest.fixture
def database(tmp_path):
    found = closed_month(tmp_path)
    yield found
    found.close()


def test_an_uplink_through_a_gateway_that_was_down_is_counted_and_shown(database):
    clock = StandingClock(WINDOW.start_us + HOUR_US)
    taking = Uplinks(database, clock)
    taking.take(TOPIC, uplink(WINDOW.start_us + 5 * MINUTE_US, EUIS[1], EUIS[2]))
    taking.take(TOPIC, uplink(WINDOW.start_us + 7 * MINUTE_US, EUIS[1]))
    taking.flush()
    taking.flush()
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM month_versions")
        assert close_month(connection, MONTH, DEFAULTS, who="test", now_us=CLOSED_US) is not None
    with database.read() as connection:
        kept = newest_version(connection, MONTH)
        found = list(check_month(connection, MONTH, DEFAULTS, now_us=CLOSED_US))
    told = kept.figures["corroboration"]
    assert (told["gateways"], told["count"]) == (1, 1)
    (one,) = told["listed"]
    assert (one["eui"], one["kind"], one["minutes"]) == (EUIS[1], "heard_while_down", 2)
    assert [(each.what, each.is_fault) for each in found] == [("contradicted", False)]


def test_a_month_without_events_says_so(database):
    with database.read() as connection:
        told = newest_version(connection, MONTH).figures["corroboration"]
    assert told == {"gateways": 0, "count": 0, "listed": []}
