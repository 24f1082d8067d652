from dataclasses import replace

import pytest

from fleet.durations import HOUR_US
from fleet.tickets import timers
from fleet.tickets.duties import (
    JOURNEY_LIMIT_US,
    PROGRESS_LIMIT_US,
    SETTLING_US,
    WARNING_US,
    DutyKind,
    arm,
    duties,
)
from fleet.tickets.model import Pause, PauseReason, Ticket
from tests.unit.fleet.founded import empty_database
from tests.unit.fleet.tickets.test_rules import (
    ACKNOWLEDGED,
    CLOSED,
    EN_ROUTE,
    MERGED,
    NOW,
    ON_SITE,
    REPORTED,
    RESTORED,
    T0,
)

LAST = T0 + 4 * HOUR_US
FOUR_HOURS = {DutyKind.WARNING: LAST - WARNING_US, DutyKind.OVERDUE: LAST}
PAUSED = replace(
    ACKNOWLEDGED, pauses=(Pause(from_us=T0, until_us=None, reason=PauseReason.WEATHER_DANGER, who="A"),)
)


@pytest.mark.parametrize(
    ("ticket", "due"),
    [
        (REPORTED, FOUR_HOURS),
        (ACKNOWLEDGED, FOUR_HOURS | {DutyKind.PROGRESS: T0 + PROGRESS_LIMIT_US}),
        (EN_ROUTE, FOUR_HOURS | {DutyKind.PROGRESS: T0 + JOURNEY_LIMIT_US}),
        (ON_SITE, {}),
        (PAUSED, {}),
        (RESTORED, {DutyKind.SETTLED: T0 + SETTLING_US}),
        (replace(RESTORED, en_route_at_us=T0), {}),
        (replace(RESTORED, on_site_at_us=T0), {}),
        (CLOSED, {}),
        (MERGED, {}),
    ],
)
def test_what_is_due_in_each_state(ticket: Ticket, due: dict[DutyKind, int]) -> None:
    assert {one.kind: one.at_us for one in duties(ticket, NOW)} == due


def test_a_pause_that_is_over_moves_the_four_hours() -> None:
    pause = Pause(from_us=T0, until_us=T0 + HOUR_US, reason=PauseReason.WEATHER_DANGER, who="A")
    found = {one.kind: one.at_us for one in duties(replace(REPORTED, pauses=(pause,)), NOW)}
    assert found[DutyKind.OVERDUE] == LAST + HOUR_US


@pytest.fixture
def rows(tmp_path):
    """A database with the ticket REPORTED; its timers."""
    database = empty_database(tmp_path)
    with database.write() as connection:
        yield connection
    database.close()


def fired(connection, now_us: int) -> list[DutyKind]:
    return [DutyKind(timer.kind) for timer in timers.claim(connection, now_us=now_us)]


def test_each_warning_of_the_four_hours_is_fired_once_whatever_arms_the_timers_again(rows) -> None:
    arm(rows, REPORTED, T0)
    assert fired(rows, LAST - WARNING_US - 1) == []
    assert fired(rows, LAST - WARNING_US) == [DutyKind.WARNING]
    for now_us in (LAST - WARNING_US, LAST - WARNING_US + 1, LAST - 1):
        arm(rows, REPORTED, now_us)
        assert fired(rows, now_us) == []
    assert fired(rows, LAST) == [DutyKind.OVERDUE]
    for now_us in (LAST, LAST + 1, LAST + HOUR_US):
        arm(rows, REPORTED, now_us)
        assert fired(rows, now_us) == []


def test_a_pause_disarms_the_four_hours_and_its_end_arms_them_later(rows) -> None:
    arm(rows, REPORTED, T0)
    arm(rows, PAUSED, T0 + 1)
    assert fired(rows, LAST) == []
    over = Pause(from_us=T0, until_us=T0 + HOUR_US, reason=PauseReason.WEATHER_DANGER, who="A")
    arm(rows, replace(REPORTED, pauses=(over,)), T0 + HOUR_US)
    assert fired(rows, LAST) == [DutyKind.WARNING]
    assert fired(rows, LAST + HOUR_US - 1) == []
    assert fired(rows, LAST + HOUR_US) == [DutyKind.OVERDUE]


def test_whoever_is_on_site_stops_the_warnings(rows) -> None:
    arm(rows, REPORTED, T0)
    arm(rows, ON_SITE, T0 + HOUR_US)
    assert fired(rows, LAST + HOUR_US) == []
