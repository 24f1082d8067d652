"""docs/exemple-disponibilite.md, read and computed: the page and the code cannot disagree."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from agent.wire.messages import Change
from fleet.availability import document, result
from fleet.availability.reckoning import MonthInput, reckon
from fleet.facts.model import NetworkFacts
from fleet.facts.runs import expand, join
from fleet.facts.states import GatewayState
from fleet.lang.paris import paris_us

PAGE = Path(__file__).parents[4] / "docs" / "exemple-disponibilite.md"
A, B = "0016c001f1000001", "0016c001f1000002"


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]


@pytest.fixture(scope="module")
def given() -> MonthInput:
    return document.read(block("ndjson").encode().splitlines(keepends=True))


@pytest.fixture(scope="module")
def printed():
    return json.loads(block("json"))


@pytest.mark.slow
def test_every_number_of_the_page(given, printed):
    month = reckon(given)
    share, figures = month.share, month.commune_figures["37015"]
    weight = given.weights["37015"]
    assert {
        "served": figures.share.served,
        "charged": figures.share.charged,
        "excluded": figures.by_state_us["EXCLUDED"],
        "below_two": figures.below_two_us,
        "availability_percent": result.share(share, None)["availability_percent"],
        "commune_budget": month.budgets["37015"].whole,
        "commune_budget_left": month.budgets["37015"].left,
        "global_budget": month.budget.whole,
        "global_budget_left": month.budget.left,
        "deferred_charged": month.deferred.charged // weight,
        "charged_before_the_proof": _before_the_proof(given),
        "gateway_a": _away(month, A),
        "gateway_b": _away(month, B),
    } == printed
    assert figures.share.meets(given.settings.objective_commune_ppm)
    assert not share.meets(given.settings.objective_global_ppm)


def _away(month, eui):
    by_state = month.gateway_figures[eui].by_state_us
    return {str(state): by_state[state] for state in ("DOWN", "BUFFERING", "MAINTENANCE")}


def _before_the_proof(given: MonthInput) -> int:
    """The same month as it was known on the 3rd at 04:31: the records 4 and 5 of B had not come."""
    now_us = paris_us(2026, 11, 3, 4) + 31 * 60_000_000
    gateways = {}
    for eui, one in given.facts.gateways.items():
        heard = [run for run in one.runs if run.first_at_us <= now_us]
        late = [fact for fact in one.journal if fact.change is Change.CONNECTOR and fact.journal_seq > 3]
        journal = [fact for fact in one.journal if fact.at_us <= now_us and fact not in late]
        runs = [_until(run, now_us) for run in heard]
        gateways[eui] = replace(one, runs=tuple(runs), journal=tuple(journal))
    facts = NetworkFacts(gateways=gateways, memberships=given.facts.memberships)
    month = reckon(replace(given, facts=facts, as_of_us=now_us))
    span = next(s for s in month.lines[B].exceptions if s.state is GatewayState.DOWN)
    assert not span.proved
    return month.commune_figures["37015"].share.charged


def _until(run, now_us):
    singles = [one for one in expand(run) if one.first_at_us <= now_us]
    return singles[0] if len(singles) == 1 else join(singles[0], singles[-1])


def test_every_second_in_the_prose_is_one_of_the_facts_or_of_the_result(given, printed):
    """Each « … s » of the page, its tables and its sums, against what was computed or said."""
    prose = re.sub(r"```.*?```", "", PAGE.read_text("utf-8"), flags=re.DOTALL)
    said = {_number(text) for text in re.findall(r"([−\d][\d\s,]*)\ss\b", prose)}
    flat = [*printed.values(), *printed["gateway_a"].values(), *printed["gateway_b"].values()]
    known = {Decimal(value) / 10**6 for value in flat if isinstance(value, int)}
    (records,) = [one.journal for one in given.facts.gateways.values() if one.eui == A]
    (mine,) = [one for one in given.facts.gateways.values() if one.eui == B]
    lost = next(fact for fact in mine.journal if fact.since_ms is not None)
    started = next(fact for fact in records if fact.previous is not None)
    radio = next(fact for fact in records if fact.boot == started.boot and fact.change is Change.RADIO)
    heard_us = max(run.last_at_us for run in mine.runs if run.last_at_us < lost.at_us)
    known |= {
        Decimal(printed["gateway_a"]["DOWN"] + printed["gateway_a"]["BUFFERING"]) / 10**6,
        Decimal(radio.uptime_ms) / 1000,
        Decimal(heard_us - (lost.at_us - (lost.uptime_ms - lost.since_ms) * 1000)) / 10**6,
        Decimal(mine.runs[0].interval_ms) / 1000,
        Decimal(given.settings.maintenance_cap_us) / 10**6,
    }
    assert said <= known
    assert len(said) >= 15


def _number(text: str) -> Decimal:
    return Decimal(re.sub(r"\s", "", text).replace("−", "-").replace(",", "."))


def test_the_percentage_in_words(printed):
    assert f"{printed['availability_percent'][:-2]} %".replace(".", ",") == "99,93 %"
    assert "99,9301… %" in PAGE.read_text("utf-8")


def test_order_and_repetition_of_lines_change_nothing(given):
    lines = block("ndjson").encode().splitlines(keepends=True)
    again = document.read([lines[0], *reversed(lines[1:]), *lines[1:]])
    assert document.digest(again) == document.digest(given)
    assert reckon(again) == reckon(given)
