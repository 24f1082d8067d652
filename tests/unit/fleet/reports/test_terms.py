"""What a breach costs, by a formula of the settings, and until when a month may be contested."""

from dataclasses import replace
from fractions import Fraction

import msgspec
import pytest

from fleet.availability.reckoning import CommuneCard, reckon
from fleet.facts.months import closes_at_us
from fleet.lang.paris import paris
from fleet.reports.terms import FORMULA_LIMIT, NAMES, Terms, amount, contested_until_us, penalty_cents
from tests.unit.fleet.reports.small_months import small_month

VALUES = {"points": Fraction(5, 2), "heures": Fraction(3), "habitants": Fraction(2_000)}


@pytest.mark.parametrize(
    ("formula", "cents"),
    [
        ("100", 10_000),
        ("0.1 * habitants", 20_000),
        ("points * 100", 25_000),
        ("min(200, points * 100)", 20_000),
        ("max(1, heures) * (habitants / 1000)", 600),
        ("1 / 3", 33),
        ("-points", 0),
        ("points - 10", 0),
    ],
)
def test_a_formula_is_exact_truncated_and_never_negative(formula, cents):
    assert amount(formula, VALUES) == cents


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os')",
        "points ** 9999999",
        "other",
        "min(1)",
        "min(*[1, 2])",
        "points.real",
        "'a' * 10",
        "True",
        "[1][0]",
        "1 +",
        "1 / 0",
        "(lambda: 1)()",
        "1j",
        "(" * 150,
    ],
)
def test_anything_else_is_refused(formula):
    with pytest.raises(ValueError, match="penalty: "):
        amount(formula, VALUES)
    with pytest.raises((ValueError, msgspec.ValidationError), match="penalty: "):
        Terms(penalty=formula)


def test_a_formula_from_the_settings_is_checked_when_they_are_read():
    assert msgspec.json.decode(b'{"penalty":"points * 10"}', type=Terms).penalty == "points * 10"
    with pytest.raises(msgspec.ValidationError, match="may not stand"):
        msgspec.json.decode(b'{"penalty":"eval(points)"}', type=Terms)
    too_long = b'{"penalty":"' + b"1+" * FORMULA_LIMIT + b'1"}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(too_long, type=Terms)
    assert set(NAMES) == set(VALUES)


def test_only_a_commune_in_breach_is_owed_something():
    given = small_month(1)
    result = reckon(given)
    settings = given.settings
    breached = [
        insee
        for insee, one in result.commune_figures.items()
        if one.share.meets(settings.objective_commune_ppm) is False
    ]
    assert breached
    terms = Terms(penalty="habitants")
    people = {card.insee: card.population for card in given.communes}
    for insee in result.commune_figures:
        owed = penalty_cents(terms, given, result, insee)
        assert owed == (people[insee] * 100 if insee in breached else None)
        assert penalty_cents(Terms(), given, result, insee) is None


def test_points_are_those_below_the_promise():
    given = small_month(1)
    result = reckon(given)
    insee = next(
        insee
        for insee, one in result.commune_figures.items()
        if one.share.ratio is not None and one.share.ratio < 1
    )
    share = result.commune_figures[insee].share.ratio
    owed = penalty_cents(Terms(penalty="points"), given, result, insee)
    assert owed == int((Fraction(992, 10) - share * 100) * 100)
    without = replace(given, communes=(CommuneCard(insee="other"),))
    assert penalty_cents(Terms(penalty="habitants"), without, reckon(without), insee) == 0


def test_a_month_may_be_contested_to_the_end_of_the_last_day_in_paris():
    end = paris(contested_until_us(closes_at_us("2026-09"), Terms()))
    assert (end.month, end.day, end.hour, end.minute) == (11, 4, 0, 0)
