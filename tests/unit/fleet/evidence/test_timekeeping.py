"""What our clock is worth: every witness against every other, and what moves when ours follows the host's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.durations import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from fleet.evidence.timekeeping import (
    AGREEMENT_US,
    DOUBT_LIMIT_US,
    LEAP_US,
    STAND_US,
    STEP_US,
    YOUNG_US,
    Adoption,
    ClockQuality,
    ClockReading,
    begun,
    majority,
    step,
)

NOW, MONO = 1_795_000_000_000_000, 5_000_000
YEAR = 365 * DAY_US
OLD = YOUNG_US + MINUTE_US
US, HOST, THIRD = "us", "host", "neither"
Q = ClockQuality


def known(*, age_us=OLD, past_us=None, agreed=False):
    """What is known ``age_us`` after the start."""
    start = begun(now_us=NOW - age_us, monotonic_us=MONO - age_us, past_us=past_us)
    return replace(start, agreed=agreed, quality=Q.AGREED if agreed else start.quality)


def reading(step_us=0, voice=None, later_us=0):
    """All clocks ``later_us`` after NOW, the host ``step_us`` ahead, three gateways that agree with one."""
    votes = {None: 0, US: 0, HOST: step_us, THIRD: step_us + 10 * HOUR_US}[voice]
    return ClockReading(
        now_us=NOW + later_us,
        host_us=NOW + later_us + step_us,
        monotonic_us=MONO + later_us,
        votes=() if voice is None else (votes, votes - 100_000, votes + SECOND_US),
    )


@pytest.mark.parametrize(
    ("step_us", "voice", "quality"),
    [
        (0, None, Q.HOST),
        (0, US, Q.AGREED),
        (0, THIRD, Q.CONTRADICTED),
        (STEP_US, US, Q.AGREED),
        (STEP_US + 1, US, Q.HELD),
        (-HOUR_US, US, Q.HELD),
        (-HOUR_US, None, Q.DOUBTED),
        (-HOUR_US, THIRD, Q.CONTRADICTED),
        (HOUR_US, US, Q.HELD),
        (HOUR_US, None, Q.DOUBTED),
        (HOUR_US, THIRD, Q.CONTRADICTED),
        (100 * YEAR, US, Q.HELD),
        (-56 * YEAR, US, Q.HELD),
    ],
)
def test_what_our_clock_is_worth_at_the_first_look(step_us, voice, quality):
    found, adoption = step(known(agreed=True), reading(step_us, voice))
    assert (found.quality, adoption) == (quality, None)
    assert (found.stepped_us is not None) == (abs(step_us) > STEP_US)


def looked(start, *readings):
    """What is known after looks, and the last adoption."""
    adoption = None
    for one in readings:
        start, adoption = step(start, one)
        assert adoption is None or one is readings[-1]
    return start, adoption


@pytest.mark.parametrize("step_us", [5 * SECOND_US, HOUR_US, 74 * YEAR])
@pytest.mark.parametrize(
    ("start", "voice", "later_us", "from_us"),
    [
        # alone: the host is believed once it stood where it stepped to
        (known(age_us=0), None, STAND_US, NOW),
        (known(), None, STAND_US, NOW),
        (known(agreed=True), None, STAND_US, NOW),
        # gateways agree with the host: since when were we wrong?
        (known(), HOST, 0, NOW - OLD),
        (known(age_us=0), HOST, 0, NOW),
        (known(agreed=True), HOST, 0, NOW),
    ],
)
def test_forward_ours_follows(step_us, start, voice, later_us, from_us):
    found, adoption = looked(start, reading(step_us, None), reading(step_us, voice, later_us))
    assert adoption == Adoption(shift_us=step_us, from_us=from_us)
    assert found.quality is (Q.HOST if voice is None else Q.AGREED)
    assert found.began_us == NOW + later_us + step_us
    assert found.stepped_us is None


@pytest.mark.parametrize("step_us", [-3 * SECOND_US, -HOUR_US, -56 * YEAR])
@pytest.mark.parametrize(
    ("start", "voice", "quality", "from_us"),
    [
        # alone: only a young process goes back, and never before its own past
        (known(age_us=MINUTE_US), None, Q.HOST, NOW - MINUTE_US),
        (known(age_us=MINUTE_US, past_us=NOW - MINUTE_US), None, Q.HELD, None),
        (known(), None, Q.HELD, None),
        (known(age_us=MINUTE_US, agreed=True), None, Q.HELD, None),
        # gateways agree with the host
        (known(), HOST, Q.AGREED, NOW - OLD),
        (known(age_us=MINUTE_US, past_us=NOW - MINUTE_US), HOST, Q.AGREED, NOW - MINUTE_US),
        # they agreed with us until the host stepped: they may have their time from it
        (known(agreed=True), HOST, Q.CONTRADICTED, None),
    ],
)
def test_backward_ours_follows_only_where_it_must_be_wrong(step_us, start, voice, quality, from_us):
    found, adoption = looked(start, reading(step_us, None), reading(step_us, voice, STAND_US))
    expected = None if from_us is None else Adoption(shift_us=step_us, from_us=from_us)
    assert (found.quality, adoption) == (quality, expected)


def test_a_clock_that_gateways_contradicted_before_the_host_was_set_right_was_wrong_since_then():
    start, _ = step(known(agreed=True), reading(0, US))
    wrong, _ = step(start, reading(0, THIRD, MINUTE_US))
    assert (wrong.quality, wrong.contradicted_us) == (Q.CONTRADICTED, NOW + MINUTE_US)
    _, adoption = step(wrong, reading(-HOUR_US, HOST, 2 * MINUTE_US))
    assert adoption == Adoption(shift_us=-HOUR_US, from_us=NOW + MINUTE_US)


def test_a_host_that_comes_back_by_itself_changes_nothing():
    away, _ = step(known(agreed=True), reading(-HOUR_US, None))
    back, adoption = step(away, reading(0, None, MINUTE_US))
    assert (back.quality, back.stepped_us, adoption) == (Q.HOST, None, None)


def test_a_host_that_steps_again_is_waited_for_again():
    once, _ = step(known(), reading(HOUR_US, None))
    twice, adoption = step(once, reading(2 * HOUR_US, None, STAND_US))
    assert (twice.quality, adoption) == (Q.DOUBTED, None)
    _, adoption = step(twice, reading(2 * HOUR_US, None, 2 * STAND_US))
    assert adoption == Adoption(shift_us=2 * HOUR_US, from_us=NOW)


@pytest.mark.parametrize(
    ("gone_us", "voice", "age_us", "quality"),
    [
        (LEAP_US, None, 0, Q.HOST),
        (LEAP_US + 1, None, 0, Q.DOUBTED),
        (LEAP_US + 1, None, DOUBT_LIMIT_US - 1, Q.DOUBTED),
        (LEAP_US + 1, None, DOUBT_LIMIT_US, Q.HOST),
        (LEAP_US + 1, US, 0, Q.AGREED),
    ],
)
def test_a_host_that_leapt_while_we_were_off_is_doubted_for_a_day(gone_us, voice, age_us, quality):
    start = begun(now_us=NOW, monotonic_us=MONO, past_us=NOW - gone_us)
    assert start.quality is (Q.DOUBTED if gone_us > LEAP_US else Q.HOST)
    found, _ = step(start, reading(0, voice, age_us))
    assert found.quality is quality


def test_what_may_not_be_undone_waits_for_a_sure_clock():
    assert [one for one in Q if one.is_sure] == [Q.AGREED, Q.HOST]


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ((), None),
        ((0, 0), None),
        ((0, 0, 0), 0),
        ((0, AGREEMENT_US, 9 * HOUR_US), 0),
        ((0, AGREEMENT_US + 1, 9 * HOUR_US), None),
        ((0, 0, HOUR_US, HOUR_US), None),
        ((HOUR_US,) * 3 + (0,) * 2, HOUR_US),
    ],
)
def test_a_voice_is_more_than_half_of_at_least_three(votes, expected):
    found = majority(votes)
    assert (found is None) == (expected is None)
    if expected is not None and found is not None:
        assert abs(found - expected) <= AGREEMENT_US


@given(
    st.lists(
        st.tuples(
            st.integers(-3 * YEAR, 3 * YEAR),
            st.sampled_from((None, US, HOST, THIRD)),
            st.integers(1, 20 * MINUTE_US),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_ours_moves_only_to_where_the_host_is_and_never_alone_before_its_past(looks, has_past):
    now_us, monotonic_us = NOW, MONO
    kept = begun(now_us=NOW, monotonic_us=MONO, past_us=NOW if has_past else None)
    for host_us, voice, gone_us in looks:
        now_us, monotonic_us = now_us + gone_us, monotonic_us + gone_us
        difference_us = NOW + host_us - now_us
        vote = {None: None, US: 0, HOST: difference_us, THIRD: difference_us + 5 * YEAR}[voice]
        votes = () if vote is None else (vote,) * 3
        before = kept
        kept, adoption = step(
            kept,
            ClockReading(
                now_us=now_us, host_us=now_us + difference_us, monotonic_us=monotonic_us, votes=votes
            ),
        )
        if adoption is not None:
            assert adoption.shift_us == difference_us
            assert voice in (None, HOST)
            if voice is None and difference_us < 0:
                assert adoption.from_us + difference_us >= before.past_us
            now_us += adoption.shift_us
        assert kept.cut_us <= now_us
