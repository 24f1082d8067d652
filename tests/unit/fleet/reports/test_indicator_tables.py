"""Indicators, redundancy and connectivity in the monthly report."""

from dataclasses import replace
from fractions import Fraction

from fleet.availability.indicators import of_groups, of_whole
from fleet.objects.connectivity import DayCount, connectivity
from fleet.reports.indicator_tables import (
    NOT_VERIFIABLE,
    connectivity_table,
    indicators_table,
    redundancy_table,
)
from fleet.reports.monthly import monthly
from fleet.reports.names import Names
from fleet.reports.pdf import show
from tests.unit.fleet.reports.test_reports import CARDS, GIVEN, TOLD, table

DAYS = [
    DayCount(
        day=f"2026-10-{day:02d}",
        objects=100,
        heard=90 + day,
        heard_fortnight=97,
        events=day != 2,
        addresses_by_gateways={1: 20, 2: 80},
    )
    for day in (1, 2, 3)
]
FOUND = connectivity(DAYS)


def rows_of(one):
    return {row[0]: row[1:] for row in one.rows}


def test_every_indicator_of_the_whole_is_a_line():
    whole = of_whole(GIVEN, TOLD)
    rows = rows_of(indicators_table(GIVEN, TOLD, whole, FOUND))
    assert rows["Disponibilité du service"][0] == TOLD.share.ratio
    assert rows["Budget restant"][1] == TOLD.budget.left
    assert rows["Moyenne des passerelles"][0] == TOLD.mean_of_gateways
    assert rows["Temps moyen de rétablissement (MTTR)"][1] == whole.mttr_us
    assert rows["Objets entendus chaque jour"][:1] == (Fraction(184, 200),)
    assert rows["Objets entendus chaque jour"][3:5] == (Fraction(9, 10), True)
    assert rows["Objets entendus sur 14 jours"][4] is True
    assert rows["Adresses entendues dans le jour par deux passerelles ou plus"][0] == Fraction(4, 5)
    readings = [name for name in rows if name.startswith("Service selon")]
    assert len(readings) == 3


def test_without_both_the_objects_are_not_verifiable():
    rows = rows_of(indicators_table(GIVEN, TOLD, of_whole(GIVEN, TOLD), connectivity([])))
    for name in ("Objets entendus chaque jour", "Objets entendus sur 14 jours"):
        assert rows[name][0] is None
        assert rows[name][-1] == NOT_VERIFIABLE


def test_an_epci_has_its_own_figures_and_no_objects():
    report = monthly(GIVEN, TOLD, Names(), epci="CC 0")
    group = next(one for one in of_groups(GIVEN, TOLD, "epci") if one.name == "CC 0")
    rows = rows_of(table(report, "indicateurs"))
    assert rows["Disponibilité du service"][0] == group.share.ratio
    assert not any("Objets" in name or "Service selon" in name for name in rows)
    assert [row[0] for row in table(report, "epci").rows] == ["CC 0"]
    assert not [one for one in report.tables if one.name in ("departement", "connectivite")]


def test_the_least_redundant_commune_comes_first():
    told = replace(
        TOLD, below_two_domains={card.insee: {"backhaul_operator": 1, "power_feeder": 2} for card in CARDS}
    )
    rows = redundancy_table(told, list(CARDS)).rows
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    assert rows[0][2:] == (1, 2, None)


def test_a_day_that_cannot_be_verified_shows_no_share():
    made = connectivity_table(FOUND)
    assert made.rows[1][1:5] == (None,) * 4
    assert made.rows[0][3] == Fraction(91, 100)
    assert [show(cell, column) for cell, column in zip(made.rows[1][:3], made.columns, strict=False)][1:] == [
        "—",
        "—",
    ]
