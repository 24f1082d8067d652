from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.lang.paris import PARIS
from fleet.oncall.model import Period, Rota, Rotation, Span
from fleet.oncall.planning import holes, hours, plan
from fleet.oncall.rules import on_call, turn

HOUR = 3_600_000_000
DAY = 24 * HOUR


def at(text: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold).timestamp()) * 1_000_000


def rotation(
    period: Period = Period.DAILY, handover: str = "08:00", starts: str = "2026-01-05", **more: object
) -> Rotation:
    values = {"name": "N1", "level": 1, "person_ids": (1, 2, 3)} | more
    return Rotation(
        period=period, starts_on=date.fromisoformat(starts), handover=time.fromisoformat(handover), **values
    )


def person(rotation_: Rotation, text: str, fold: int = 0) -> int | None:
    duty = turn(rotation_, at(text, fold))
    return None if duty is None else duty.person_id


def test_a_week_begins_at_the_handover_and_not_a_microsecond_before() -> None:
    weekly = rotation(Period.WEEKLY)
    assert person(weekly, "2026-01-05T07:59") is None
    assert person(weekly, "2026-01-05T08:00") == 1
    duty = turn(weekly, at("2026-01-12T08:00") - 1)
    assert duty is not None
    assert duty.person_id == 1
    assert person(weekly, "2026-01-12T08:00") == 2
    assert person(weekly, "2026-01-26T08:00") == 1


@pytest.mark.parametrize(("day", "length"), [("2026-03-28", 23), ("2026-10-24", 25), ("2026-06-01", 24)])
def test_a_day_of_duty_over_the_change_of_clocks(day: str, length: int) -> None:
    duty = turn(rotation(), at(f"{day}T12:00"))
    assert duty is not None
    assert duty.until_us - duty.from_us == length * HOUR


def test_the_hour_that_repeats_has_one_person_and_no_hole() -> None:
    nightly = rotation(handover="02:30")
    assert person(nightly, "2026-10-25T02:29") != person(nightly, "2026-10-25T02:30")
    assert person(nightly, "2026-10-25T02:30") == person(nightly, "2026-10-25T02:29", fold=1)
    assert person(nightly, "2026-10-25T02:59") == person(nightly, "2026-10-25T02:59", fold=1)
    assert holes(Rota(rotations=(nightly,)), at("2026-10-24T00:00"), at("2026-10-26T00:00")) == ()


def test_the_hour_that_does_not_exist_hands_over_once() -> None:
    nightly = rotation(handover="02:30")
    assert holes(Rota(rotations=(nightly,)), at("2026-03-28T00:00"), at("2026-03-30T00:00")) == ()
    duties = plan(Rota(rotations=(nightly,)), at("2026-03-28T12:00"), at("2026-03-30T12:00"))
    assert [duty.until_us for duty in duties[:-1]] == [duty.from_us for duty in duties[1:]]


def test_a_holiday_goes_to_whom_it_was_given() -> None:
    christmas = rotation(holidays_person_id=9)
    assert person(christmas, "2026-12-25T07:59") != 9
    assert person(christmas, "2026-12-25T08:00") == 9
    assert person(christmas, "2026-12-26T07:59") == 9
    assert person(christmas, "2026-12-26T08:00") != 9


def test_an_override_takes_its_level_alone() -> None:
    override = Span(
        person_id=7, level=1, from_us=at("2026-06-01T10:00"), until_us=at("2026-06-01T12:00"), override=True
    )
    rota = Rota(spans=(override,), rotations=(rotation(), rotation(name="N2", level=2, person_ids=(5,))))
    assert [duty.person_id for duty in on_call(rota, at("2026-06-01T11:00"))] == [7, 5]
    assert 7 not in [duty.person_id for duty in on_call(rota, at("2026-06-01T12:00"))]


def test_an_override_hides_every_span_of_its_level_and_spans_without_one_stand_side_by_side() -> None:
    usual = [Span(person_id=number, level=1, from_us=0, until_us=DAY) for number in (1, 2)]
    override = Span(person_id=7, level=1, from_us=HOUR, until_us=2 * HOUR, override=True)
    rota = Rota(spans=(*usual, override))
    found = [[duty.person_id for duty in on_call(rota, now)] for now in (HOUR - 1, HOUR, 2 * HOUR)]
    assert found == [[1, 2], [7], [1, 2]]


def test_a_duty_lasts_from_its_handover_to_the_next() -> None:
    weekly = turn(rotation(Period.WEEKLY), at("2026-01-21T12:00"))
    assert weekly is not None
    assert (weekly.person_id, weekly.source) == (3, "N1")
    assert (weekly.from_us, weekly.until_us) == (at("2026-01-19T08:00"), at("2026-01-26T08:00"))
    christmas = turn(rotation(Period.WEEKLY, holidays_person_id=9), at("2026-12-25T12:00"))
    assert christmas is not None
    assert (christmas.person_id, christmas.source) == (9, "holiday")
    assert (christmas.from_us, christmas.until_us) == (at("2026-12-25T08:00"), at("2026-12-26T08:00"))


def test_a_rotation_of_nobody_puts_nobody_on_call() -> None:
    assert turn(rotation(person_ids=()), at("2026-06-01T12:00")) is None


def test_holes_are_found_ahead_whole() -> None:
    rota = Rota(
        spans=(
            Span(person_id=1, level=1, from_us=0, until_us=10 * HOUR),
            Span(person_id=2, level=1, from_us=12 * HOUR, until_us=20 * HOUR),
            Span(person_id=3, level=1, from_us=12 * HOUR, until_us=15 * HOUR),
        )
    )
    found = [(hole.from_us // HOUR, hole.until_us // HOUR) for hole in holes(rota, 0, DAY)]
    assert found == [(10, 12), (20, 24)]


def test_an_empty_plan_is_one_hole() -> None:
    (hole,) = holes(Rota(), 0, DAY)
    assert (hole.level, hole.from_us, hole.until_us) == (1, 0, DAY)


def test_hours_of_a_month_with_a_change_of_clocks_sundays_and_holidays() -> None:
    rota = Rota(rotations=(rotation(person_ids=(1,), handover="00:00"),))
    (march,) = hours(rota, at("2026-03-01T00:00"), at("2026-04-01T00:00"))
    assert march.total_us == 743 * HOUR
    assert march.sundays_us == (5 * 24 - 1) * HOUR
    (may,) = hours(rota, at("2026-05-01T00:00"), at("2026-06-01T00:00"))
    assert may.holidays_us == 4 * DAY


spans = st.builds(
    lambda person_id, level, begin, length, override: Span(
        person_id=person_id,
        level=level,
        from_us=begin * HOUR,
        until_us=(begin + length) * HOUR,
        override=override,
    ),
    st.integers(1, 4),
    st.integers(1, 2),
    st.integers(0, 40),
    st.integers(1, 30),
    st.booleans(),
)


@given(st.lists(spans, max_size=6), st.integers(0, 48 * 60))
def test_plan_and_holes_agree_with_a_look_at_any_instant(found: list[Span], minute: int) -> None:
    rota = Rota(spans=tuple(found))
    now = minute * HOUR // 60
    looked = {(duty.level, duty.person_id) for duty in on_call(rota, now)}
    planned = {
        (duty.level, duty.person_id)
        for duty in plan(rota, 0, 49 * HOUR)
        if duty.from_us <= now < duty.until_us
    }
    assert planned == looked
    empty = {hole.level for hole in holes(rota, 0, 49 * HOUR) if hole.from_us <= now < hole.until_us}
    assert empty.isdisjoint({level for level, _ in looked})
    assert (1 in empty) is (1 not in {level for level, _ in looked})


def test_a_holiday_on_a_sunday_is_paid_as_a_holiday_only() -> None:
    rota = Rota(rotations=(rotation(person_ids=(1,), handover="00:00"),))
    (toussaint,) = hours(rota, at("2026-11-01T00:00"), at("2026-11-02T00:00"))
    assert (toussaint.total_us, toussaint.holidays_us, toussaint.sundays_us) == (24 * HOUR, 24 * HOUR, 0)
