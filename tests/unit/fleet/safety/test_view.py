"""What the oracle sees: who serves when, which sensors hang on whom, and how large a budget is."""

from dataclasses import replace

import pytest

from fleet.durations import DAY_US
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, Serving
from fleet.safety.view import REPAIRED_US, commune_budget_us
from tests.unit.fleet.safety.networks import DOWN, HOUR_US, NOW_US, OUT, SERVING, view_of

AT_ONCE = Window(NOW_US, NOW_US + HOUR_US)
ALMOST = Window(NOW_US + REPAIRED_US - 1, NOW_US + REPAIRED_US + HOUR_US)
REPAIRED = Window(NOW_US + REPAIRED_US, NOW_US + REPAIRED_US + HOUR_US)


@pytest.mark.parametrize(
    ("state", "suspect", "window", "serves", "relied_on"),
    [
        (SERVING, False, AT_ONCE, True, True),
        (SERVING, True, AT_ONCE, True, False),
        (SERVING, True, ALMOST, True, False),
        (SERVING, True, REPAIRED, True, True),
        (DOWN, False, AT_ONCE, False, False),
        (DOWN, False, ALMOST, False, False),
        (DOWN, False, REPAIRED, True, True),
        (DOWN, True, REPAIRED, True, True),
        (OUT, False, REPAIRED, False, False),
        (None, False, REPAIRED, False, False),
    ],
)
def test_who_is_down_or_suspect_is_back_in_two_days_and_who_is_out_is_not(
    state, suspect, window, serves, relied_on
):
    states = {"b": SERVING} if state is None else {"a": state, "b": SERVING}
    view = view_of(states, {"x": "b"}, suspects=("a",) if suspect else ())
    assert (view.serves("a", window), view.is_relied_on("a", window)) == (serves, relied_on)


def test_sensors_hang_on_the_only_gateway_that_hears_them_or_on_a_group():
    view = view_of(
        {"a": SERVING, "b": SERVING},
        {"x": "ab", "y": "a"},
        [("x", "a", 3), ("x", "ab", 5), ("x", "b", 2), ("y", "a", 7), ("x", "a", 4), ("unknown", "a", 9)],
    )
    assert view.sensors_of == {"x": 14, "y": 7}
    assert view.alone_of == {"a": {"x": 7, "y": 7}, "b": {"x": 2}}
    assert view.groups_of == {"a": (1,), "b": (1,)}
    assert [(one.insee, one.sensors) for one in view.coverages][1] == ("x", 5)
    assert view.communes_of == {"a": ("x", "y"), "b": ("x",)}


@pytest.mark.parametrize(("serving", "all_must_serve"), [(Serving.ANY, False), (Serving.ALL, True)])
def test_the_contract_says_how_many_members_serve_a_commune(serving, all_must_serve):
    view = view_of({"a": SERVING}, {"x": "a"}, settings=replace(DEFAULTS, serving=serving))
    assert view.all_must_serve is all_must_serve


def test_a_communes_budget_is_its_share_of_the_whole_month_around_the_instant():
    settings = replace(DEFAULTS, objective_commune_ppm=990_000)
    november_2026_us = 1_794_000_000_000_000
    assert commune_budget_us(november_2026_us, settings) == 30 * DAY_US // 100
    assert view_of({"a": SERVING}, {"x": "a"}, settings=settings).budget_us == commune_budget_us(
        NOW_US, settings
    )
