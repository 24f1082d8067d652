"""Objects per day and per 14 days; « non vérifiable » without the list or without the events."""

from fractions import Fraction

from fleet.objects.connectivity import connectivity

DAYS = [f"2026-10-{day:02d}" for day in range(1, 32)]
A, B = "a" * 16, "b" * 16


def test_not_verifiable_without_both():
    assert connectivity(None, {}, DAYS).daily is None
    assert connectivity(frozenset(), {}, DAYS).fortnight is None
    assert connectivity(frozenset({A}), None, DAYS).daily is None


def test_mean_over_days():
    heard = {day: frozenset({A, B} if index % 2 == 0 else {A}) for index, day in enumerate(DAYS)}
    found = connectivity(frozenset({A, B}), heard, DAYS)
    assert found.daily == Fraction(31 + 16, 62)
    assert found.fortnight == 1


def test_fourteen_days_are_fourteen():
    heard = {"2026-10-01": frozenset({A})}
    found = connectivity(frozenset({A}), heard, DAYS)
    assert found.daily == Fraction(1, 31)
    assert found.fortnight == Fraction(14, 31)


def test_the_days_before_the_month_count_for_fourteen_days():
    heard = {"2026-09-30": frozenset({A})}
    assert connectivity(frozenset({A}), heard, DAYS).fortnight == Fraction(13, 31)


def test_objects_that_are_not_in_service_do_not_count():
    heard = dict.fromkeys(DAYS, frozenset({B}))
    assert connectivity(frozenset({A}), heard, DAYS).daily == 0
