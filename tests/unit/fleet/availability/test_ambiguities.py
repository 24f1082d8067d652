"""docs/disponibilite.md §11: what could be read in two ways has an answer, and here its test."""

from dataclasses import replace

import pytest

from agent.wire.messages import Change
from fleet.availability.communes import below_two_domains, commune_timeline
from fleet.availability.figures import commune_figures
from fleet.availability.reckoning import commune_budget
from fleet.availability.timeline import Span, Timeline
from fleet.facts.model import Blindness, Membership
from fleet.facts.months import month_window
from fleet.facts.settings import DEFAULTS, Serving
from fleet.facts.states import CommuneState, GatewayState
from tests.unit.fleet.availability.making import (
    EUI,
    T0,
    S,
    boot_records,
    last_alive,
    maintenance,
    record,
    run,
    spans_of,
    states,
)

HOUR = 3_600
MONTH = "2026-11"
WINDOW = month_window(MONTH)


def line(eui, *spans):
    """A gateway over the month; spans are (state, start, end) in seconds from its start."""
    found = tuple(
        Span(WINDOW.start_us + start * S, WINDOW.start_us + end * S, state) for state, start, end in spans
    )
    return Timeline(eui=eui, start_us=WINDOW.start_us, end_us=WINDOW.end_us, exceptions=found)


def members(*euis, from_us=WINDOW.start_us):
    return [
        Membership(
            id=eui, commune_insee="1", eui=eui, valid_from_us=from_us, approved_by="x", recorded_at_us=0
        )
        for eui in euis
    ]


ALWAYS = [(WINDOW.start_us, WINDOW.end_us)]


def commune(*lines, settings=DEFAULTS, from_us=WINDOW.start_us):
    found = {one.eui: one for one in lines}
    return commune_timeline("1", members(*found, from_us=from_us), found, WINDOW, settings, allowed=ALWAYS)


def test_works_excuse_a_loss_and_never_a_lack_of_redundancy():
    works = line("a", (GatewayState.MAINTENANCE, 0, HOUR))
    one = commune(works, line("b"))
    assert [span.state for span in one.spans] == [CommuneState.SERVED]
    assert one.below_two == ((WINDOW.start_us, WINDOW.start_us + HOUR * S),)


@pytest.mark.parametrize(
    ("domains", "below_two_s"),
    [
        ({"a": "4G-1", "b": "4G-2"}, 0),
        ({"a": "4G-1", "b": "4G-1"}, WINDOW.length_us // S),
        ({}, WINDOW.length_us // S),
    ],
)
def test_two_gateways_of_one_domain_are_not_two(domains, below_two_s):
    lines = {eui: line(eui) for eui in "ab"}
    found = below_two_domains(members("a", "b"), lines, domains, WINDOW)
    assert sum(end - start for start, end in found) == below_two_s * S


def test_time_without_a_member_has_no_budget():
    half_us = WINDOW.start_us + WINDOW.length_us // 2
    whole, half = (
        commune_figures(commune(line("a"), from_us=at), DEFAULTS) for at in (WINDOW.start_us, half_us)
    )
    assert half.by_state_us[CommuneState.NOT_COVERED] == WINDOW.length_us // 2
    assert commune_budget(MONTH, half, DEFAULTS).whole * 2 == commune_budget(MONTH, whole, DEFAULTS).whole


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (GatewayState.UNKNOWN, None, CommuneState.UNKNOWN),
        (GatewayState.UNKNOWN, GatewayState.DOWN, CommuneState.LOST),
        (GatewayState.UNKNOWN, GatewayState.MAINTENANCE, CommuneState.UNKNOWN),
        (GatewayState.MAINTENANCE, None, CommuneState.EXCLUDED),
    ],
)
def test_where_all_must_serve_unknown_comes_after_lost_and_before_works(first, second, expected):
    b = line("b") if second is None else line("b", (second, 0, HOUR))
    one = commune(line("a", (first, 0, HOUR)), b, settings=replace(DEFAULTS, serving=Serving.ALL))
    assert one.spans[0].state is expected


STOPPED = [*boot_records(0), record(0, 4, 600, Change.STOP, "STOPPED")]


def test_a_stop_without_a_later_start_is_down_by_proof_to_the_end():
    assert spans_of([run(0, 30, 570)], STOPPED)[-1] == (600, 3600, "DOWN", "box", True)


def test_an_unheard_boot_between_two_proves_nothing():
    """Boot 2 was never heard live; boot 3 names it as the one before."""
    unheard = [
        record(900, 1, 900, Change.BOOT, "STARTED", boot=2, previous=last_alive(0, 600)),
        record(900, 2, 908, Change.RADIO, "RECEIVING", boot=2),
        record(900, 3, 909, Change.CONNECTOR, "UP", boot=2),
    ]
    third = boot_records(1800, boot=3, previous=last_alive(900, 1500, boot=2))
    runs = [run(0, 30, 570), run(1800, 1830, 3600, boot=3)]
    found = spans_of(runs, [*boot_records(0), *unheard, *third])
    assert [one for one in found if one[:2] == (570, 1800)] == [(570, 1800, "DOWN", "unknown", False)]
    stopped = spans_of(runs, [*STOPPED, *unheard, *third])
    assert next(one for one in stopped if one[:2] == (600, 1800))[2::2] == ("DOWN", True)


def reinstated(ahead_h):
    """Works announced 100 h ahead, withdrawn, and reinstated ``ahead_h`` before they start."""
    first = maintenance(600, 1200, ahead_h=100, recorded=T0 - 360_000 * S)
    gone = replace(first, withdrawn=True, recorded_at_us=T0 - 350_000 * S)
    at_us = T0 + 600 * S - ahead_h * HOUR * S
    back = replace(first, announced_at_us=at_us, recorded_at_us=at_us)
    return (first, gone, back)


@pytest.mark.parametrize(("ahead_h", "excused"), [(72, True), (71, False)])
def test_works_that_were_withdrawn_need_their_notice_anew(ahead_h, excused):
    runs = [run(0, 30, 570), run(0, 1230, 3600, journal=4)]
    shown = states(runs, boot_records(0), maintenances=reinstated(ahead_h))
    assert ((600, 1200, "MAINTENANCE") in shown, (570, 1230, "DOWN") in shown) == (excused, not excused)


@pytest.mark.parametrize(("euis", "state"), [((), "UNKNOWN"), ((EUI,), "UNKNOWN"), (("other",), "DOWN")])
def test_blindness_of_one_path_counts_only_for_those_who_depend_on_it(euis, state):
    blind = Blindness(
        id="b",
        start_us=T0 + 570 * S,
        end_us=T0 + 1800 * S,
        path="canary",
        euis=euis,
        reason="x",
        recorded_at_us=T0,
    )
    shown = states([run(0, 30, 570)], boot_records(0), blindness=(blind,), until=1800)
    assert shown[-1] == (570, 1800, state)


def test_a_deaf_record_that_is_lost_leaves_its_gap_unproved_until_it_comes():
    deaf = record(0, 4, 700, Change.RADIO, "DEAF", since=600)
    again = record(0, 5, 800, Change.RADIO, "RECEIVING")
    runs = [run(0, 30, 570), run(0, 840, 3600, journal=5)]
    lost = spans_of(runs, [*boot_records(0), again])
    assert [one for one in lost if one[2] == "DOWN" and one[0] == 570] == [
        (570, 840, "DOWN", "unknown", False)
    ]
    come = states(runs, [*boot_records(0), deaf, again])
    assert (600, 800, "DOWN") in come
