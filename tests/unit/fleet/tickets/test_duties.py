from dataclasses import replace

import pytest

from fleet.durations import HOUR_US
from fleet.tickets.duties import (
    JOURNEY_LIMIT_US,
    PROGRESS_LIMIT_US,
    SETTLING_US,
    WARNING_US,
    DutyKind,
    duties,
)
from fleet.tickets.model import Pause, PauseReason, Ticket
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
