from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.durations import HOUR_US
from fleet.lang.paris import instant_us
from fleet.web.views.timeline import SHORTEST, WIDTH, Span, timeline_of, window_of

NOW_US = instant_us(datetime(2026, 11, 22, 13, 37, tzinfo=UTC))
FROM_US = NOW_US - 24 * HOUR_US


def span(begin_h: float, end_h: float, state: str) -> Span:
    return Span(
        from_us=FROM_US + int(begin_h * HOUR_US), until_us=FROM_US + int(end_h * HOUR_US), state=state
    )


def test_a_gap_of_knowledge_is_unknown_not_bridged() -> None:
    line = timeline_of([span(0, 10, "SERVING"), span(12, 24, "SERVING")], FROM_US, NOW_US, lang="fr")
    assert sorted((bar.x, bar.width, bar.span.state) for bar in line.bars) == [
        (0.0, pytest.approx(416.67, abs=0.01), "SERVING"),
        (pytest.approx(416.67, abs=0.01), pytest.approx(83.33, abs=0.01), "UNKNOWN"),
        (500.0, 500.0, "SERVING"),
    ]


def test_an_outage_of_a_second_is_still_drawn_and_on_top() -> None:
    second = HOUR_US // 3600 / HOUR_US
    spans = [span(0, 12, "SERVING"), span(12, 12 + second, "DOWN"), span(12 + second, 24, "SERVING")]
    line = timeline_of(spans, FROM_US, NOW_US, lang="fr")
    assert (line.bars[-1].span.state, line.bars[-1].width) == ("DOWN", SHORTEST)


def test_the_table_behind_lists_what_is_not_calm_newest_first() -> None:
    spans = [span(0, 1, "DOWN"), span(1, 5, "SERVING"), span(5, 6, "BUFFERING"), span(6, 24, "SERVING")]
    line = timeline_of(spans, FROM_US, NOW_US, lang="fr")
    assert [one.state for one in line.notable] == ["BUFFERING", "DOWN"]


def test_a_day_is_marked_every_three_hours_of_paris() -> None:
    line = timeline_of([], FROM_US, NOW_US, lang="fr")
    assert [tick.label for tick in line.ticks] == [f"{hour:02d}:00" for hour in (15, 18, 21, 0, 3, 6, 9, 12)]


def test_a_week_is_marked_by_days_and_a_month_by_every_fifth() -> None:
    week = timeline_of([], *window_of("7j", NOW_US), lang="fr")
    assert [tick.label for tick in week.ticks][:2] == ["lun. 16 nov.", "mar. 17 nov."]
    month = timeline_of([], *window_of("mois", NOW_US), lang="fr")
    assert [tick.label for tick in month.ticks] == ["1er nov.", "6 nov.", "11 nov.", "16 nov.", "21 nov."]


edges = st.lists(st.integers(0, 24 * 3600), min_size=2, max_size=12, unique=True).map(sorted)


@given(edges)
def test_bars_cover_the_window_and_stay_inside(cuts: list[int]) -> None:
    spans = [
        Span(from_us=FROM_US + a * 1_000_000, until_us=FROM_US + b * 1_000_000, state="DOWN")
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    line = timeline_of(spans, FROM_US, NOW_US, lang="en")
    told = sum(bar.span.until_us - bar.span.from_us for bar in line.bars)
    assert told == NOW_US - FROM_US
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 0.01 for bar in line.bars)
