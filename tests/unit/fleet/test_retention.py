from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from fleet import retention
from fleet.durations import DAY_US
from fleet.evidence.sketches import pack
from fleet.evidence.tables import heard_packed, presence_edges
from fleet.identity.tables import audit_log
from fleet.retention import Retention, sweep
from tests.unit.fleet.founded import EUIS, NOW_US, empty_database


def audit_at(connection, at_us, count=1):
    rows = [{"at_us": at_us, "who": "a", "action": "b", "subject": "c"}] * count
    connection.execute(insert(audit_log), rows)


@pytest.mark.parametrize(("age_us", "kept"), [(365 * DAY_US, 1), (365 * DAY_US + 1, 0)])
def test_the_audit_log_is_kept_for_its_time(tmp_path, age_us, kept):
    with empty_database(tmp_path).write() as connection:
        audit_at(connection, NOW_US - age_us)
        assert sweep(connection, Retention(), NOW_US)["audit_log"] == 1 - kept
        assert connection.scalar(select(func.count()).select_from(audit_log)) == kept


def test_addresses_go_after_ninety_days_and_other_things_by_their_own_setting(tmp_path):
    with empty_database(tmp_path).write() as connection:
        packed = {"eui": EUIS[0], "addresses": 1, "content": pack({1: -90})}
        for age in (90, 91):
            day = f"{datetime.fromtimestamp(NOW_US / 1_000_000 - age * 86_400, UTC):%Y-%m-%d}"
            connection.execute(insert(heard_packed).values(packed | {"day": day}))
        edge = {"eui": EUIS[0], "online": True, "boot": 1, "recorded_at_us": NOW_US - 5 * DAY_US}
        connection.execute(insert(presence_edges).values(edge))
        assert sweep(connection, Retention(), NOW_US)["heard_packed"] == 1
        assert sweep(connection, Retention(presence_days=4), NOW_US)["presence_edges"] == 1


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_sweep_is_bounded_and_the_next_goes_on(tmp_path, monkeypatch, extra):
    monkeypatch.setattr(retention, "SWEEP_LIMIT_ROWS", 5)
    with empty_database(tmp_path).write() as connection:
        for number in range(5 + extra):
            audit_at(connection, NOW_US - 400 * DAY_US + number)
        first = sweep(connection, Retention(), NOW_US)["audit_log"]
        second = sweep(connection, Retention(), NOW_US)["audit_log"]
    assert (first, second) == (min(5, 5 + extra), max(0, extra))
