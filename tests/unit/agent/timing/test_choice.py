"""Which source UTC follows, and when it stops."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.timing.choice import (
    GNSS_FRESH_US,
    HOLD_US,
    NOT_BEFORE_UTC_US,
    Choice,
    Reading,
    Readings,
    choose,
)
from agent.wire.messages import TimeQuality

AT_US = 5_000_000


def reading(quality: TimeQuality, *, at_us: int = AT_US, offset_us: int = NOT_BEFORE_UTC_US) -> Reading:
    return Reading(quality=quality, utc_minus_monotonic_us=offset_us, at_us=at_us)


GNSS, LNS = reading(TimeQuality.GNSS), reading(TimeQuality.LNS)
COARSE = replace(GNSS, exact=False)


@pytest.mark.parametrize(
    ("kernel", "readings", "age_us", "quality", "followed"),
    [
        (TimeQuality.UNTRUSTED, Readings(), 0, TimeQuality.UNTRUSTED, None),
        (TimeQuality.NTP, Readings(), 0, TimeQuality.NTP, None),
        (TimeQuality.NTP, Readings(gnss=GNSS), GNSS_FRESH_US, TimeQuality.GNSS, GNSS),
        (TimeQuality.NTP, Readings(gnss=GNSS), GNSS_FRESH_US + 1, TimeQuality.NTP, None),
        (TimeQuality.NTP, Readings(lns=LNS), 0, TimeQuality.NTP, None),
        (TimeQuality.NTP, Readings(gnss=COARSE), 0, TimeQuality.NTP, None),
        (TimeQuality.UNTRUSTED, Readings(gnss=COARSE), 0, TimeQuality.GNSS, COARSE),
        (TimeQuality.UNTRUSTED, Readings(lns=LNS), HOLD_US, TimeQuality.LNS, LNS),
        (TimeQuality.UNTRUSTED, Readings(gnss=GNSS, lns=LNS), HOLD_US, TimeQuality.GNSS, GNSS),
        (TimeQuality.UNTRUSTED, Readings(lns=LNS), HOLD_US + 1, TimeQuality.UNTRUSTED, LNS),
    ],
)
def test_the_best_source_is_followed(
    kernel: TimeQuality, readings: Readings, age_us: int, quality: TimeQuality, followed: Reading | None
) -> None:
    assert choose(kernel, readings, AT_US + age_us) == Choice(quality=quality, reading=followed)


def test_where_nothing_is_trusted_the_newest_reading_labels() -> None:
    newer = reading(TimeQuality.LNS, at_us=AT_US + 1)
    choice = choose(TimeQuality.UNTRUSTED, Readings(gnss=GNSS, lns=newer), AT_US + 2 * HOLD_US)
    assert choice == Choice(quality=TimeQuality.UNTRUSTED, reading=newer)
    later = reading(TimeQuality.GNSS, at_us=AT_US + 2)
    choice = choose(TimeQuality.UNTRUSTED, Readings(gnss=later, lns=newer), AT_US + 2 * HOLD_US)
    assert choice == Choice(quality=TimeQuality.UNTRUSTED, reading=later)


def test_the_leap_seconds_hold_until_a_receiver_says_others() -> None:
    unsaid = Readings(leap_s=19).taking(GNSS)
    assert (unsaid.leap_s, unsaid.gnss) == (19, GNSS)
    assert unsaid.taking(replace(GNSS, leap_s=18)).leap_s == 18
    assert unsaid.taking(replace(LNS, leap_s=18)).leap_s == 19, "a server does not say them"


def test_the_waits_of_a_source() -> None:
    assert (GNSS_FRESH_US, HOLD_US) == (600_000_000, 24 * 3_600_000_000)


@pytest.mark.parametrize(("early_us", "is_taken"), [(0, True), (1, False)])
def test_a_reading_from_before_the_first_release_is_refused(early_us: int, is_taken: bool) -> None:
    first = replace(GNSS, utc_minus_monotonic_us=NOT_BEFORE_UTC_US - AT_US - early_us)
    if is_taken:
        assert Readings().taking(first).gnss == first
    else:
        with pytest.raises(ValueError, match="before any release"):
            Readings().taking(first)


def test_a_receiver_whose_weeks_rolled_over_is_refused() -> None:
    rolled = reading(TimeQuality.GNSS, offset_us=NOT_BEFORE_UTC_US - 1024 * 7 * 86_400_000_000)
    with pytest.raises(ValueError, match="before any release"):
        Readings().taking(rolled)


@pytest.mark.parametrize("quality", [TimeQuality.NTP, TimeQuality.UNTRUSTED])
def test_only_sources_that_are_no_kernels_give_readings(quality: TimeQuality) -> None:
    with pytest.raises(ValueError, match="gives no readings"):
        Readings().taking(reading(quality))


@given(
    st.sampled_from(TimeQuality),
    st.lists(st.tuples(st.sampled_from([TimeQuality.GNSS, TimeQuality.LNS]), st.integers(0, 3 * HOLD_US))),
    st.integers(0, 3 * HOLD_US),
)
def test_what_is_trusted_was_heard_lately_or_is_the_kernels(
    kernel: TimeQuality, heard: list[tuple[TimeQuality, int]], now_us: int
) -> None:
    readings = Readings()
    for quality, at_us in sorted(heard, key=lambda pair: pair[1]):
        if at_us <= now_us:
            readings = readings.taking(reading(quality, at_us=at_us))
    choice = choose(kernel, readings, now_us)
    if choice.reading is None:
        assert choice.quality is (TimeQuality.NTP if kernel is TimeQuality.NTP else TimeQuality.UNTRUSTED)
    elif choice.quality is not TimeQuality.UNTRUSTED:
        assert choice.reading.quality is choice.quality
        assert now_us - choice.reading.at_us <= HOLD_US
