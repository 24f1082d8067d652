from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from fleet.durations import HOUR_US
from fleet.evidence.tables import vitals
from fleet.evidence.vitals import DAY_S
from fleet.lang.paris import paris_us
from fleet.web.pages.measured import curves_of
from fleet.web.rendering import Words
from fleet.web.views.curves import BOTTOM, LEFT, RIGHT, TOP, Series, Steps, curve_of, nice_marks
from fleet.web.views.timeline import Span
from tests.unit.fleet.founded import EUIS, founded_database
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import eui_of

T0 = 500_000 * HOUR_US
STEPS = Steps(from_us=T0, until_us=T0 + 10 * HOUR_US, step_us=HOUR_US)


@pytest.mark.parametrize("highest", [0.004, 0.05, 0.1, 0.7, 2.0, 9.5, 640.0])
def test_no_two_marks_of_an_axis_read_alike(highest: float) -> None:
    series = [Series(name="x", values={T0: 0.0, T0 + HOUR_US: highest})]
    marks = curve_of("crc", STEPS, series, lang="fr", decimals=1).upward
    shown = [Words("fr", T0).number(mark.value, mark.decimals) for mark in marks]
    assert len(set(shown)) == len(shown) >= 3


@pytest.mark.parametrize("value", [0.0, 1e-9, -1e-7])
def test_a_value_that_never_moves_from_nothing_has_an_axis(value: float) -> None:
    series = [Series(name="x", values={T0: value, T0 + HOUR_US: value})]
    marks = curve_of("temperature", STEPS, series, lang="fr", from_zero=False).upward
    assert marks[0].value <= value <= marks[-1].value
    assert marks[0].at > marks[-1].at


def test_a_step_that_lies_mostly_before_the_window_is_not_of_it() -> None:
    day_us = 24 * HOUR_US
    midnight_us = T0 // day_us * day_us
    month = Steps(from_us=midnight_us - HOUR_US, until_us=midnight_us + 3 * day_us, step_us=day_us)
    assert list(month.starts) == [midnight_us, midnight_us + day_us, midnight_us + 2 * day_us]
    late = Steps(from_us=T0 + 20 * 60_000_000, until_us=T0 + 2 * HOUR_US, step_us=HOUR_US)
    assert list(late.starts) == [T0, T0 + HOUR_US]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_marks_are_few_and_hold_the_range(low: float, span: float) -> None:
    marks = nice_marks(low, low + span)
    assert marks[0] <= low + 1e-3
    assert marks[-1] >= low + span - 1e-3
    assert 2 <= len(marks) <= 6


def test_a_line_is_not_drawn_over_a_gap_and_a_lone_value_is_a_dot() -> None:
    values = {T0 + hour * HOUR_US: float(hour) for hour in (0, 1, 2, 5, 8, 9)}
    curve = curve_of("crc", STEPS, [Series(name="x", values=values, kind="loud")], lang="fr")
    assert [points.count(",") for _, points in curve.lines] == [3, 2]
    assert len(curve.dots) == 1
    assert [round(gap.width) for gap in curve.gaps] == [round(2 * (RIGHT - LEFT) / 10)] * 2
    assert curve.rows[0] == (T0 + 9 * HOUR_US, (9.0,))
    assert (curve.lowest, curve.highest) == (0.0, 9.0)


def test_bars_are_stacked_within_the_field() -> None:
    low = Series(name="SF7", values={T0: 30.0, T0 + HOUR_US: 0.0}, kind="bar", rank=0)
    high = Series(name="SF12", values={T0: 70.0}, kind="bar", rank=1)
    curve = curve_of("frames", STEPS, [low, high], lang="fr")
    first, second = curve.bars
    assert (first.y + first.height, second.y + second.height, second.y) == (BOTTOM, first.y, TOP)
    assert (curve.upward[-1].value, curve.highest) == (100.0, 100.0)


def test_outages_stand_behind_within_the_window() -> None:
    spans = [
        Span(from_us=T0 - HOUR_US, until_us=T0 + HOUR_US, state="DOWN"),
        Span(from_us=T0 + HOUR_US, until_us=T0 + 9 * HOUR_US, state="SERVING"),
        Span(from_us=T0 + 9 * HOUR_US, until_us=T0 + 9 * HOUR_US + 1, state="UNKNOWN"),
        Span(from_us=T0 + 20 * HOUR_US, until_us=T0 + 21 * HOUR_US, state="DOWN"),
    ]
    curve = curve_of("crc", STEPS, [Series(name="x", values={T0: 1.0})], lang="fr", outages=spans)
    assert [(one.kind, one.x, one.width) for one in curve.behind] == [
        ("DOWN", LEFT, round((RIGHT - LEFT) / 10, 2)),
        ("UNKNOWN", round(LEFT + (RIGHT - LEFT) * 0.9, 2), 1.5),
    ]


def test_a_past_alone_is_no_measure() -> None:
    assert not curve_of("frames", STEPS, [Series(name="x", values={T0: 1.0}, kind="past")], lang="fr").known


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder: Path = tmp_path_factory.mktemp("curves")
    return TestClient(make_app(folder), follow_redirects=False)


@pytest.mark.parametrize(("window", "rows"), [("1h", 24), ("24h", 24), ("7j", 28), ("mois", 11)])
def test_a_gateways_pictures_follow_the_window(client: TestClient, window: str, rows: int) -> None:
    page = client.get(f"/passerelles/{eui_of(0)}?fenetre={window}").text
    frames = page[page.index('id="behind-frames"') :].partition("</details>")[0]
    assert rows - 2 <= frames.count("<tr>") - 1 <= rows + 1
    assert 'class="line past"' in page if window != "mois" else 'class="line past"' not in page
    assert page.count('class="curve"') == 6


def test_what_is_unusual_stands_first_and_what_was_not_measured_says_so(client: TestClient) -> None:
    page = client.get(f"/passerelles/{eui_of(0)}").text
    unusual = page[page.index("Inhabituel") :].partition("<h3")[0]
    assert "Sous-tension" in unusual
    assert "Température du concentrateur" in unusual
    assert "Disque libre" not in unusual
    assert client.get(f"/passerelles/{eui_of(4)}").text.count("Aucune mesure sur cette période.") == 6


def test_the_page_names_who_can_stand_in(client: TestClient) -> None:
    page = client.get(f"/passerelles/{eui_of(1)}").text
    panel = page[page.index('id="neighbours"') :].partition("</section>")[0]
    assert [panel.count(eui_of(index)) > 0 for index in (9, 10, 0, 1)] == [True, True, False, False]


def test_a_day_that_was_folded_stands_at_its_own_day(tmp_path: Path) -> None:
    now_us, day_us = paris_us(2026, 11, 20, 12), paris_us(2026, 11, 12)
    row = {"eui": EUIS[0], "span_s": DAY_S, "from_at_us": day_us, "told": {"temperature_c": [9, 360, 38, 44]}}
    before = row | {"from_at_us": paris_us(2026, 10, 31), "told": {"temperature_c": [1, 99, 99, 99]}}
    with closing(founded_database(tmp_path)) as database, database.write() as connection:
        connection.execute(insert(vitals), [row, before])
        drawn = curves_of(Words("fr", now_us), connection, EUIS[0], "mois", None)
    warm = next(curve for curve in drawn if curve.key == "temperature")
    assert warm.rows == ((day_us + HOUR_US, (40.0, 38.0, 44.0)),)
