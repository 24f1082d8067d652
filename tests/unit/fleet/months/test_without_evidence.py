"""What is printed of a closed month needs no evidence: with and without it is the same."""

from dataclasses import replace

import pytest

from fleet.availability import document
from fleet.availability.stored import is_whole, restored
from fleet.facts.settings import DEFAULTS
from fleet.months.versions import month_without_evidence, newest_before, newest_version
from fleet.reports.monthly import monthly
from fleet.reports.names import Names
from fleet.web.api.availability import By, availability_of
from fleet.web.month_views import MonthView, month_view
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.months.closed import CLOSED_US, MONTH, closed_month


@pytest.fixture
def connection(tmp_path):
    database = closed_month(tmp_path)
    with database.read() as opened:
        yield opened
    database.close()


@pytest.fixture
def version(connection):
    return newest_version(connection, MONTH)


def test_evidence_is_left_out_and_nothing_else(version):
    whole, light = document.read(version.facts), month_without_evidence(version)
    assert sum(len(one.runs) + len(one.journal) for one in whole.facts.gateways.values()) > 0
    assert sum(len(one.runs) + len(one.journal) for one in light.facts.gateways.values()) == 0
    assert (light.communes, light.gateways, light.weights) == (whole.communes, whole.gateways, whole.weights)
    assert (light.settings, light.snapshots, light.coverages) == (
        whole.settings,
        whole.snapshots,
        whole.coverages,
    )
    assert light.facts.memberships == whole.facts.memberships
    assert light.facts.blindness == whole.facts.blindness
    for eui, one in whole.facts.gateways.items():
        bare = replace(one, runs=(), journal=(), delivered=())
        assert light.facts.gateways[eui] == bare


def test_the_figures_are_the_stored_ones_either_way(version):
    light = restored(month_without_evidence(version), version.figures)
    assert light == restored(document.read(version.facts), version.figures)


@pytest.mark.parametrize("by", list(By))
def test_the_api_answers_the_same(connection, version, by):
    view = month_view(connection, MONTH, DEFAULTS, CLOSED_US)
    whole = document.read(version.facts)
    full = MonthView(
        given=whole, result=restored(whole, version.figures), version=version.number, digest=version.hash
    )
    names = {EUIS[0]: "Église"}
    assert availability_of(view, by, names) == availability_of(full, by, names)


def test_the_report_is_the_same(version):
    light, whole = month_without_evidence(version), document.read(version.facts)
    told = restored(whole, version.figures)
    names = Names(version="version 1", digest=version.hash)
    assert monthly(light, told, names) == monthly(whole, told, names)


def test_a_version_of_a_program_that_stored_less_is_read_whole(version):
    assert is_whole(version.figures)
    for name in ("deferred", "without_exclusions"):
        less = [{key: one[key] for key in one if key != name} for one in version.figures["communes"]]
        older = replace(version, figures=version.figures | {"communes": less})
        assert not is_whole(older.figures)
        assert month_without_evidence(older) == document.read(version.facts)
        assert restored(month_without_evidence(older), older.figures).month == MONTH


def test_the_trend_reads_closed_months_one_at_a_time(connection):
    (found,) = newest_before(connection, "2026-11", 11)
    assert (found.month, found.number) == (MONTH, 1)
    assert {"insee", "served", "charged", "weight", "met"} <= found.communes[0].keys()
    assert found.whole["met"] is not None
    assert list(newest_before(connection, MONTH, 11)) == []
