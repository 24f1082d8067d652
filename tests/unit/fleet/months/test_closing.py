"""Months close once, and again only when a late fact changes a figure; what caused it is named."""

from dataclasses import replace

import pytest

from agent.wire.messages import Change
from fleet.facts.months import closes_at_us
from fleet.facts.runs import expand, join
from fleet.months.closing import NotYetError, close
from fleet.simulation.network import network_month

MONTH = network_month(gateways=6, communes=2, troubles=60, month="2026-02").given
DUE = closes_at_us("2026-02")


def without_records(given, eui):
    """The month as it was known while one gateway's journal was still on its disk."""
    one = given.facts.gateways[eui]
    late = [fact for fact in one.journal if fact.change is Change.CONNECTOR and fact.journal_seq > 3]
    kept = replace(one, journal=tuple(fact for fact in one.journal if fact not in late))
    facts = replace(given.facts, gateways={**given.facts.gateways, eui: kept})
    return replace(given, facts=facts), late


def test_it_does_not_close_before_the_fourth_at_eight():
    with pytest.raises(NotYetError):
        close(MONTH, None, DUE - 1)
    assert close(MONTH, None, DUE) is not None


def test_the_same_facts_make_no_second_version():
    first, _ = close(MONTH, None, DUE)
    assert close(MONTH, first, DUE + 1) is None


def test_a_run_that_grows_after_the_month_makes_no_version():
    cut = without_growth(MONTH)
    first, _ = close(cut, None, DUE)
    assert close(MONTH, first, DUE + 1) is None


def without_growth(given):
    gateways = {}
    for eui, one in given.facts.gateways.items():
        runs = [*one.runs[:-1]]
        singles = expand(one.runs[-1])
        runs.append(join(singles[0], singles[-5]) if len(singles) > 6 else one.runs[-1])
        gateways[eui] = replace(one, runs=tuple(runs))
    return replace(given, facts=replace(given.facts, gateways=gateways))


def test_a_late_proof_makes_version_two_with_its_cause():
    eui = next(iter(MONTH.facts.gateways))
    early, late = without_records(MONTH, eui)
    assert late
    first, before = close(early, None, DUE)
    second, after = close(MONTH, first, DUE + 1)
    assert (first.number, second.number) == (1, 2)
    assert second.hash != first.hash
    assert second.difference["facts_added"] == len(late)
    assert {fact["journal_seq"] for fact in second.difference["facts"]} == {fact.journal_seq for fact in late}
    assert eui in [one["eui"] for one in second.difference["gateways"]]
    assert before.gateway_figures[eui] != after.gateway_figures[eui]


def test_weights_and_members_stay_as_version_one_had_them():
    eui = next(iter(MONTH.facts.gateways))
    first, _ = close(without_records(MONTH, eui)[0], None, DUE)
    heavier = tuple(replace(card, population=card.population * 9) for card in MONTH.communes)
    fewer = replace(MONTH.facts, memberships=MONTH.facts.memberships[:1])
    second, told = close(replace(MONTH, communes=heavier, facts=fewer), first, DUE + 1)
    assert {one["weight"] for one in second.figures["communes"]} == {
        card.population for card in MONTH.communes
    }
    assert len(told.communes) == 2
