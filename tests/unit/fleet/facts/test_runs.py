"""Heartbeats to runs and back, and the month's windows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire.messages import ConnectorBeat, Heartbeat, Radio, TimeQuality
from fleet.facts.months import closes_at_us, days_of, month_of, month_window, months_between
from fleet.facts.runs import Outcome, expand, fold, join, run_of
from fleet.lang.paris import paris_us
from tests.unit.fleet.availability.making import EUI, T0, S, run


def beat(seq, **more):
    fields = {
        "boot": 1,
        "seq": seq,
        "uptime_ms": seq * 30_000,
        "journal_seq": 3,
        "at_us": T0 + seq * 30 * S,
        "time_quality": TimeQuality.NTP,
        "radio": Radio.RECEIVING,
        "connectors": (ConnectorBeat("lns", True, 1000),),
        "spool_records": 0,
        "spool_accepting": True,
        "received": 0,
        "delivered": 0,
        "dropped": 0,
        "config_version": 1,
    }
    return Heartbeat(**fields | more)


def folded(first, second, delay_us=100_000):
    before = fold(None, EUI, first, first.at_us + delay_us).run
    return fold(before, EUI, second, T0 + second.seq * 30 * S + delay_us)


def test_the_next_heartbeat_that_says_the_same_extends():
    made = folded(beat(1), beat(2))
    assert made.outcome is Outcome.EXTENDED
    assert (made.run.first_seq, made.run.last_seq) == (1, 2)


@pytest.mark.parametrize(
    "after",
    [
        beat(3),
        beat(2, journal_seq=4),
        beat(2, radio=Radio.DEAF),
        beat(2, connectors=(ConnectorBeat("lns", False, 1000),)),
        beat(2, connectors=(ConnectorBeat("lns", True, 30_001),)),
        beat(2, connectors=()),
        beat(2, spool_accepting=False),
        beat(2, boot=2),
        beat(2, interval_s=60),
        beat(2, uptime_ms=61_001),
        beat(2, time_quality=TimeQuality.UNTRUSTED),
        beat(0),
    ],
)
def test_whatever_differs_begins_a_new_run(after):
    assert folded(beat(1), after).outcome is Outcome.NEW


@pytest.mark.parametrize(
    ("cut_us", "outcome"),
    [(T0 + 30 * S + 99_999, Outcome.EXTENDED), (T0 + 30 * S + 100_000, Outcome.NEW)],
)
def test_what_was_received_until_a_cut_is_not_extended(cut_us, outcome):
    first, second = beat(1), beat(2)
    before = fold(None, EUI, first, first.at_us + 100_000).run
    assert fold(before, EUI, second, second.at_us + 100_000, cut_us=cut_us).outcome is outcome


def test_a_heartbeat_said_twice_changes_nothing():
    made = folded(beat(1), beat(1))
    assert made.outcome is Outcome.REPEATED
    assert made.run.last_seq == 1


@pytest.mark.parametrize(("off_us", "trusted"), [(2_000_000, True), (2_000_001, False), (-2_000_001, False)])
def test_a_clock_is_believed_within_two_seconds(off_us, trusted):
    one = run_of(EUI, beat(1), beat(1).at_us + off_us)
    assert one.trusted is trusted
    assert one.first_at_us == beat(1).at_us + (0 if trusted else off_us)


@pytest.mark.parametrize("quality", [TimeQuality.UNTRUSTED, TimeQuality.LNS])
def test_a_clock_without_gnss_or_ntp_is_not_believed(quality):
    assert not run_of(EUI, beat(1, time_quality=quality), beat(1).at_us).trusted


@given(st.integers(0, 100), st.integers(0, 40))
def test_joining_an_expansion_gives_the_run_back(first, length):
    one = run(-300, first * 30, (first + length) * 30)
    singles = expand(one)
    assert len(singles) == length + 1
    again = singles[0]
    for single in singles[1:]:
        again = join(again, single)
    assert again == one


def test_hours_of_months():
    hours = {
        month: month_window(month).length_us // 3_600_000_000 for month in ("2026-02", "2026-03", "2026-10")
    }
    assert hours == {"2026-02": 672, "2026-03": 743, "2026-10": 745}
    assert month_window("2026-11").length_us == 30 * 86_400 * S


def test_days_partition_the_month():
    days = days_of("2026-10")
    assert len(days) == 31
    assert {day.length_us // 3_600_000_000 for day in days} == {24, 25}
    assert sum(day.length_us for day in days) == month_window("2026-10").length_us


def test_months_touch():
    assert month_window("2026-12").end_us == month_window("2027-01").start_us
    assert months_between(month_window("2026-12").start_us, month_window("2027-01").end_us) == (
        "2026-12",
        "2027-01",
    )
    assert month_of(month_window("2026-12").end_us - 1) == "2026-12"


def test_a_month_closes_on_the_fourth_at_eight_in_paris():
    assert closes_at_us("2026-12") == paris_us(2027, 1, 4, 8)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "", "2026-10-01"])
def test_no_month(text):
    with pytest.raises(ValueError, match="YYYY-MM"):
        month_window(text)


def test_a_run_is_a_value():
    assert replace(run(0, 30, 60)) == run(0, 30, 60)


@pytest.mark.parametrize(("back_us", "outcome"), [(0, Outcome.EXTENDED), (1, Outcome.NEW)])
def test_a_run_never_goes_back_in_time(back_us, outcome):
    """The gateway's clock was set back between two heartbeats that say the same."""
    first = fold(None, EUI, beat(1), T0 + 30 * S).run
    after = beat(2, at_us=first.last_at_us - back_us)
    made = fold(first, EUI, after, T0 + 30 * S)
    assert made.outcome is outcome
    assert made.run.first_at_us <= made.run.last_at_us


@pytest.mark.parametrize("uptime_ms", [59_000, 61_000])
def test_a_second_more_or_less_of_uptime_is_the_same_run(uptime_ms):
    assert folded(beat(1), beat(2, uptime_ms=uptime_ms)).outcome is Outcome.EXTENDED
