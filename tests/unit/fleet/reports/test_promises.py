"""Page 1: is the contract held, for this reader?"""

from dataclasses import replace
from fractions import Fraction

import pytest

from fleet.availability.reckoning import reckon
from fleet.facts.months import closes_at_us
from fleet.months.closing import close
from fleet.objects.connectivity import DayCount, connectivity
from fleet.reports.monthly import monthly
from fleet.reports.names import MonthShare, Names
from fleet.reports.promises import answer, held, promises_of
from fleet.reports.terms import Terms
from fleet.simulation.network import network_month
from tests.unit.fleet.reports.test_reports import CARDS, GIVEN, TOLD, table

QUIET = network_month(gateways=8, communes=4, troubles=0, month="2026-10").given
QUIET = replace(
    QUIET, communes=tuple(replace(card, name=f"C{card.insee}", epci="CC 0") for card in QUIET.communes)
)
LOUD = network_month(gateways=4, communes=4, troubles=400, month="2026-10").given
LOUD = replace(
    LOUD,
    communes=tuple(
        replace(card, name=f"C{card.insee}", epci=f"CC {index % 2}")
        for index, card in enumerate(LOUD.communes)
    ),
)


def objects(heard, fortnight, month=95):
    counts = {"heard": heard, "heard_fortnight": fortnight, "heard_month": month}
    return connectivity([DayCount(day="2026-10-03", objects=100, events=True, **counts)])


@pytest.mark.parametrize(
    ("given", "found", "words", "is_held"),
    [
        (QUIET, None, "Pour l’ensemble du réseau, le contrat est tenu.", True),
        (QUIET, objects(90, 95), "Pour l’ensemble du réseau, le contrat est tenu.", True),
        (QUIET, objects(89, 95), "le contrat n’est pas tenu\u202f: objets entendus chaque jour.", False),
        (QUIET, objects(90, 94), "le contrat n’est pas tenu\u202f: objets entendus sur 14 jours.", False),
        (
            QUIET,
            objects(90, 95, 94),
            "le contrat n’est pas tenu\u202f: connectivité des capteurs sur le mois.",
            False,
        ),
        (LOUD, None, "le contrat n’est pas tenu\u202f: service entier du réseau, chaque commune.", False),
    ],
)
def test_the_answer_is_the_first_sentence(given, found, words, is_held):
    report = monthly(given, reckon(given), Names(), found=found)
    assert report.answer.endswith(words)
    assert report.held is is_held
    assert report.tables[0].name == "engagements"
    assert report.lines[2] == report.answer


def test_what_cannot_be_verified_decides_nothing_and_is_said():
    found = connectivity([])
    report = monthly(QUIET, reckon(QUIET), Names(), found=found)
    assert report.held
    rows = {row[0]: row for row in table(report, "engagements").rows}
    assert rows["Objets entendus chaque jour"][2:5] == (None, None, None)
    assert "non vérifiable" in rows["Objets entendus chaque jour"][5]
    assert answer([], provisional=False, reader="x") == "Pour x, rien ne peut être compté ce mois-ci."
    assert held([]) is None


def test_an_open_month_is_answered_as_of_today():
    given = replace(QUIET, as_of_us=QUIET.window.start_us + 86_400_000_000)
    assert monthly(given, reckon(given), Names()).answer.startswith("À ce jour, pour l’ensemble")


def test_a_member_is_answered_by_its_own_communes_and_the_whole_service():
    result = reckon(LOUD)
    mine = [card for card in LOUD.communes if card.epci == "CC 1"]
    whole, communes = promises_of(LOUD, result, mine, None)
    assert whole.found == result.share.ratio
    assert communes.found == min(result.commune_figures[card.insee].share.ratio for card in mine)
    assert monthly(LOUD, result, Names(), epci="CC 1").answer.startswith("Pour CC 1, le contrat")


def test_every_breach_has_its_cause_who_answers_and_both_durations():
    result = reckon(LOUD)
    report = monthly(LOUD, result, Names(terms=Terms(penalty="points * 10")))
    breaches = table(report, "manquements")
    objective = LOUD.settings.objective_commune_ppm
    missed = [insee for insee, one in result.commune_figures.items() if one.share.meets(objective) is False]
    assert len(breaches.rows) == len(missed) + 1 > 1
    assert breaches.rows[0][0] == "Service entier du réseau"
    assert breaches.rows[0][1] == result.share.ratio
    assert breaches.rows[0][9] is None
    for row in breaches.rows[1:]:
        assert row[1] >= row[2]
        assert row[3] <= row[4]
        assert row[5] > 0
        assert row[6]
        assert row[7]
        assert row[9] > 0
    assert "points * 10" in breaches.note
    assert len(table(monthly(LOUD, result, Names()), "manquements").columns) == 9


def test_the_trend_has_twelve_months_this_one_last():
    before = [
        MonthShare(
            month=f"2025-{month:02d}", version="version 1", share=Fraction(1), below=0, covered=4, held=True
        )
        for month in range(1, 13)
    ]
    rows = table(monthly(QUIET, reckon(QUIET), Names(trend=before)), "tendance").rows
    assert len(rows) == 12
    assert [rows[0][0], rows[10][0], rows[11][0]] == ["février 2025", "décembre 2025", "octobre 2026"]
    assert rows[-1][2:] == (Fraction(1), 0, 4, True)


def test_what_changed_since_the_version_before_is_listed():
    due = closes_at_us(GIVEN.month)
    first, _ = close(GIVEN, None, due)
    facts = dict(GIVEN.facts.gateways)
    eui = next(iter(facts))
    facts[eui] = replace(facts[eui], runs=facts[eui].runs[: len(facts[eui].runs) // 2])
    later = replace(GIVEN, facts=replace(GIVEN.facts, gateways=facts))
    assert close(later, None, due) is not None
    fewer, _ = close(later, None, due)
    second, told = close(GIVEN, fewer, due)
    report = monthly(
        GIVEN, told, Names(version="version 2", digest=second.hash, difference=second.difference)
    )
    rows = table(report, "changements").rows
    assert rows[0][0] == "Réseau entier"
    assert {row[0] for row in rows[1:]} <= {card.name for card in CARDS}
    assert rows[0][3] > rows[0][4]
    assert "faits sont arrivés" in table(report, "changements").note
    assert first.hash == second.hash
    empty = table(monthly(GIVEN, TOLD, Names()), "changements")
    assert (empty.rows, empty.empty) == ((), "C’est la première version de ce mois.")


def test_the_head_says_where_the_facts_are_and_until_when_to_contest():
    names = Names(
        version="version 1",
        digest="ab" * 32,
        closed_at_us=closes_at_us(GIVEN.month),
        address="https://passerelle.example.fr",
        terms=Terms(contest_days=15, contest_to="contrat@example.fr"),
    )
    report = monthly(GIVEN, TOLD, names, epci="CC 1")
    text = " ".join(report.sentences)
    assert "https://passerelle.example.fr/api/v1/reports/contest/2026-10.zip?epci=CC%201" in text
    assert f"SHA-256 {'ab' * 32}." in text
    assert "écrire à contrat@example.fr, jusqu’au 19 nov. 2026 inclus." in text
    assert "dans les 30 jours qui suivent la clôture" in " ".join(monthly(GIVEN, TOLD, Names()).sentences)


def test_departements_have_their_names():
    report = monthly(GIVEN, TOLD, Names(departements={"37": "Indre-et-Loire"}))
    assert [row[0] for row in table(report, "departement").rows] == ["Indre-et-Loire"]
