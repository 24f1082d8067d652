"""Stored figures are read back as they were written, by this program and from versions of older ones."""

import json
from dataclasses import replace

import msgspec
import pytest

from fleet.availability.reckoning import reckon
from fleet.availability.result import document
from fleet.availability.stored import restored
from tests.unit.fleet.reports.small_months import small_month


def stored(given, result):
    """What the database keeps: plain JSON."""
    return json.loads(json.dumps(msgspec.to_builtins(document(given, result), str_keys=True)))


@pytest.mark.parametrize("seed", range(12))
def test_what_was_stored_is_what_is_printed(seed):
    given = small_month(seed)
    figures = stored(given, reckon(given))
    again = restored(given, figures)
    assert stored(given, again) == figures
    assert (again.mean_of_gateways, again.lines) == (reckon(given).mean_of_gateways, reckon(given).lines)


def test_figures_that_an_older_program_did_not_store():
    given = small_month(3)
    figures = stored(given, reckon(given))
    older = json.loads(json.dumps(figures))
    for one in older["communes"]:
        del one["deferred"], one["without_exclusions"]
    del older["without_exclusions"]
    assert stored(given, restored(given, older)) == figures


def test_a_stored_figure_wins_over_what_the_facts_give():
    given = small_month(1)
    figures = stored(given, reckon(given))
    figures["whole"]["served"] -= 7
    figures["communes"][0]["charged"] += 5
    again = restored(given, figures)
    assert again.share.served == reckon(given).share.served - 7
    first = figures["communes"][0]["insee"]
    assert again.commune_figures[first].share.charged == figures["communes"][0]["charged"]


@pytest.mark.parametrize(
    ("key", "figures_of"),
    [
        ("deferred", lambda result: result.deferred_figures),
        ("without_exclusions", lambda result: result.without_exclusions_figures),
    ],
)
def test_a_stored_second_figure_is_not_computed_again(key, figures_of):
    given = small_month(1)
    figures = stored(given, reckon(given))
    first = figures["communes"][0]
    first[key]["charged"] += 5
    again = restored(given, figures)
    assert figures_of(again)[first["insee"]].share.charged == first[key]["charged"]


def test_gateways_are_written_in_the_order_of_their_euis():
    given = small_month(2)
    result = reckon(given)
    turned = replace(result, lines=dict(reversed(result.lines.items())))
    assert document(given, turned) == document(given, result)
    assert [one["eui"] for one in stored(given, turned)["gateways"]] == sorted(result.lines)
