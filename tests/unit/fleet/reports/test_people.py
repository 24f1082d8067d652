"""« Changements faits par des personnes »: every retroactive fact is on page 1 and in its section."""

from dataclasses import replace

from fleet.availability.people import ChangeKind, Effect, changes
from fleet.availability.reckoning import reckon
from fleet.durations import HOUR_US
from fleet.facts.model import OperatorStatement, WithdrawalReason
from fleet.facts.states import Cause
from fleet.reports.monthly import monthly
from fleet.reports.names import Names
from fleet.reports.people import EFFECTS, KINDS, REASONS
from tests.unit.fleet.reports.test_reports import GIVEN, TOLD, table


def stated(given, eui, recorded_at_us):
    """The month with a cause that a person stated about the first gateway's first hour."""
    start_us = given.window.start_us
    statement = OperatorStatement(
        id="S-1",
        eui=eui,
        start_us=start_us,
        end_us=start_us + HOUR_US,
        cause=Cause.BACKHAUL,
        responsible="",
        text="câble coupé",
        who="anne",
        recorded_at_us=recorded_at_us,
    )
    box = replace(given.facts.gateways[eui], statements=(statement,))
    return replace(given, facts=replace(given.facts, gateways={**given.facts.gateways, eui: box}))


def test_what_was_done_after_the_fact_is_said_on_page_1_and_comes_first():
    eui = next(iter(GIVEN.facts.gateways))
    given = stated(GIVEN, eui, GIVEN.window.start_us + HOUR_US)
    names = Names(gateways={eui: "Mairie"})
    report = monthly(given, reckon(given), names)
    late = sum(one.retroactive for one in changes(given))
    assert any(f"par des personnes\u202f: {late} (voir" in line for line in report.sentences)
    rows = table(report, "personnes").rows
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)
    (row,) = [row for row in rows if row[1] == "cause déclarée"]
    assert (row[0], row[5], row[7], row[8]) == ("oui", "anne", "Mairie", "câble coupé")


def test_a_member_reads_of_its_own_gateways_only():
    mine = {one.commune_insee: one.eui for one in GIVEN.facts.memberships}
    inside = {card.insee for card in GIVEN.communes if card.epci == "CC 1"}
    here = {one.eui for one in GIVEN.facts.memberships if one.commune_insee in inside}
    there = next((eui for eui in GIVEN.facts.gateways if eui not in here), None)
    assert mine
    assert there is not None
    given = stated(GIVEN, there, GIVEN.window.start_us + HOUR_US)
    result = reckon(given)
    whole = table(monthly(given, result, Names()), "personnes").rows
    part = table(monthly(given, result, Names(), epci="CC 1"), "personnes").rows
    assert len([row for row in whole if row[1] == "cause déclarée"]) == 1
    assert not [row for row in part if row[1] == "cause déclarée"]


def test_nobody_changed_anything_is_said_too():
    given = replace(GIVEN, facts=replace(GIVEN.facts, gateways={}))
    report = monthly(given, reckon(given), Names())
    assert table(report, "personnes").rows == ()
    assert any("par des personnes\u202f: aucun." in line for line in report.sentences)
    assert table(monthly(GIVEN, TOLD, Names()), "personnes").title == "Changements faits par des personnes"


def test_every_kind_and_effect_has_words():
    assert set(KINDS) == set(ChangeKind)
    assert set(EFFECTS) == set(Effect)
    assert set(REASONS) == set(WithdrawalReason)
