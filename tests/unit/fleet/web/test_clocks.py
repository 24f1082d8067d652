import pytest

from fleet.durations import HOUR_US
from fleet.tickets.clocks import ClockNow, ClockVerdict
from fleet.web.views.clocks import countdown_of, level_of

LIMIT_US = 4 * HOUR_US


@pytest.mark.parametrize(
    ("left_us", "level"),
    [
        (LIMIT_US // 4 + 1, "calm"),
        (LIMIT_US // 4, "amber"),
        (LIMIT_US // 10 + 1, "amber"),
        (LIMIT_US // 10, "red"),
        (0, "red"),
        (-1, "missed"),
    ],
)
def test_amber_at_a_quarter_red_at_a_tenth(left_us: int, level: str) -> None:
    assert level_of(left_us, LIMIT_US) == level


@pytest.mark.parametrize(
    ("verdict", "left_us", "stopped", "expected"),
    [
        (ClockVerdict.RUNNING, HOUR_US * 3, False, (True, "calm", "")),
        (ClockVerdict.MISSED, -HOUR_US, False, (True, "missed", "")),
        (ClockVerdict.MISSED, -HOUR_US, True, (False, "missed", "clock.missed")),
        (ClockVerdict.MET, HOUR_US, True, (False, "stopped", "clock.met")),
        (ClockVerdict.MET_REMOTELY, HOUR_US, True, (False, "stopped", "clock.met_remotely")),
        (ClockVerdict.PAUSED, HOUR_US, False, (False, "stopped", "clock.paused")),
    ],
)
def test_a_clock_runs_until_what_it_waits_for(
    verdict: ClockVerdict, left_us: int, stopped: bool, expected: tuple[bool, str, str]
) -> None:
    clock = ClockNow(limit_us=LIMIT_US, due_at_us=9 * HOUR_US, left_us=left_us, verdict=verdict)
    shown = countdown_of(clock, stopped=stopped)
    assert (shown.running, shown.level, shown.words) == expected


@pytest.mark.parametrize(("left_us", "permille"), [(LIMIT_US, 0), (LIMIT_US // 2, 500), (-5, 1000)])
def test_the_bar_fills(left_us: int, permille: int) -> None:
    clock = ClockNow(limit_us=LIMIT_US, due_at_us=0, left_us=left_us, verdict=ClockVerdict.RUNNING)
    assert countdown_of(clock, stopped=False).elapsed_permille == permille
