"""The states of AVAILABILITY §2 by hand: bridging, back-dating, deaths, two boxes, clocks, people's facts."""

from dataclasses import replace

import msgspec
import pytest

from agent.wire.messages import Change, Radio, TimeQuality
from fleet.availability.timeline import Span, _Canvas, present, timeline
from fleet.facts.model import Blindness, Commissioning, CommissioningKind, GatewayFacts, OperatorStatement
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import Cause, GatewayState
from tests.unit.fleet.availability.making import (
    ACCEPTED,
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

BEFORE = -300


def test_bridging_needs_an_equal_journal_number():
    assert states([run(BEFORE, 0, 600), run(BEFORE, 900, 3600)]) == [(0, 3600, "SERVING")]


def test_a_journal_that_moved_without_its_records_is_down_inferred():
    assert spans_of([run(BEFORE, 0, 600), run(BEFORE, 900, 3600, journal=5)])[1] == (
        600,
        900,
        "DOWN",
        "unknown",
        False,
    )


@pytest.mark.parametrize(("late_ms", "held"), [(1000, True), (1001, False), (-1000, True), (-1001, False)])
def test_bridging_tolerates_a_second(late_ms, held):
    after = run(BEFORE, 900, 900)
    after = replace(after, first_uptime_ms=after.first_uptime_ms + late_ms)
    after = replace(after, last_uptime_ms=after.first_uptime_ms)
    found = states([run(BEFORE, 0, 600), after], until=900)
    assert found == ([(0, 900, "SERVING")] if held else [(0, 600, "SERVING"), (600, 900, "DOWN")])


def test_a_lost_lns_ends_at_its_last_answer_and_the_cause_is_the_backhaul_when_both_paths_were_gone():
    journal = [
        record(BEFORE, 4, 625, Change.CONNECTOR, "DOWN", since=595),
        record(BEFORE, 5, 895, Change.CONNECTOR, "UP"),
    ]
    assert spans_of([run(BEFORE, 0, 600), run(BEFORE, 900, 3600, journal=5)], journal)[1] == (
        595,
        895,
        "BUFFERING",
        "backhaul",
        True,
    )


def test_the_cause_is_the_lns_when_we_still_heard_the_gateway():
    journal = [
        record(BEFORE, 4, 625, Change.CONNECTOR, "DOWN", since=595),
        record(BEFORE, 5, 895, Change.CONNECTOR, "UP"),
    ]
    runs = [
        run(BEFORE, 0, 600),
        run(BEFORE, 630, 870, journal=4, up=False),
        run(BEFORE, 900, 3600, journal=5),
    ]
    assert spans_of(runs, journal)[1] == (595, 895, "BUFFERING", "lns", True)


def test_another_connector_says_nothing():
    journal = [record(BEFORE, 4, 625, Change.CONNECTOR, "DOWN", subject="other", since=595)]
    assert states([run(BEFORE, 0, 600), run(BEFORE, 630, 3600, journal=4)], journal) == [(0, 3600, "SERVING")]


def test_a_full_spool_is_down_proved():
    journal = [
        record(BEFORE, 4, 625, Change.CONNECTOR, "DOWN", since=595),
        record(BEFORE, 5, 700, Change.SPOOL, "FULL"),
        record(BEFORE, 6, 895, Change.CONNECTOR, "UP"),
    ]
    assert spans_of([run(BEFORE, 0, 600), run(BEFORE, 900, 3600, journal=6)], journal)[2] == (
        700,
        895,
        "DOWN",
        "backhaul",
        True,
    )


def test_deaf_begins_at_the_last_proof_of_reception():
    journal = [
        record(BEFORE, 4, 720, Change.RADIO, "DEAF", since=580),
        record(BEFORE, 5, 890, Change.RADIO, "RECEIVING"),
    ]
    runs = [
        run(BEFORE, 0, 690),
        run(BEFORE, 720, 870, journal=4, radio=Radio.DEAF),
        run(BEFORE, 900, 3600, journal=5),
    ]
    assert spans_of(runs, journal)[1] == (580, 890, "DOWN", "radio", True)


def test_a_power_cut_lasts_from_the_last_proof_of_life_to_the_next_service():
    journal = [*boot_records(1800, boot=2, previous=last_alive(BEFORE, 590))]
    found = spans_of([run(BEFORE, 0, 600), run(1800, 1830, 3600, boot=2)], journal)
    assert found[1:-1] == [
        (600, 1800, "DOWN", "power", True),
        (1800, 1808, "DOWN", "power", True),
        (1808, 1809, "BUFFERING", "power", True),
    ]


def test_the_last_time_alive_on_disk_proves_life_beyond_the_last_heartbeat():
    journal = [*boot_records(1800, boot=2, previous=last_alive(BEFORE, 620))]
    assert spans_of([run(BEFORE, 0, 600), run(1800, 1830, 3600, boot=2)], journal)[1][:2] == (620, 1800)


@pytest.mark.parametrize(("reason", "cause"), [("watchdog", "box"), ("", "power")])
def test_a_start_may_blame_the_box(reason, cause):
    journal = boot_records(1800, boot=2, previous=last_alive(BEFORE, 600))
    journal[0] = msgspec.structs.replace(journal[0], reason=reason)
    assert spans_of([run(BEFORE, 0, 600), run(1800, 1830, 3600, boot=2)], journal)[1][3] == cause


def test_an_orderly_stop_is_proved_even_before_the_next_start():
    journal = [record(BEFORE, 4, 610, Change.STOP, "STOPPED", reason="update")]
    assert spans_of([run(BEFORE, 0, 600)], journal)[1] == (610, 3600, "DOWN", "box", True)


def test_a_death_whose_start_names_no_boot_we_know_is_inferred():
    journal = boot_records(1800, boot=2, previous=last_alive(BEFORE, 600, boot=9))
    assert spans_of([run(BEFORE, 0, 600), run(1800, 1830, 3600, boot=2)], journal)[1][2:] == (
        "DOWN",
        "unknown",
        False,
    )


def test_two_boxes_with_one_eui_void_each_other_where_both_live():
    runs = [run(BEFORE, 0, 2100), run(-270, 1200, 3600, boot=2)]
    assert spans_of(runs)[1] == (1200, 2100, "DOWN", "box", True)
    assert states(runs) == [(0, 1200, "SERVING"), (1200, 2100, "DOWN"), (2100, 3600, "SERVING")]


def test_a_copied_disk_with_one_boot_number_is_two_boxes_too():
    runs = [run(BEFORE, 0, 2100), run(-10_000, 1200, 3600)]
    assert states(runs)[1] == (1200, 2100, "DOWN")


@pytest.mark.parametrize(("overlap", "void"), [(5, False), (6, True)])
def test_boots_that_touch_by_the_error_of_their_clocks_are_one_box(overlap, void):
    runs = [run(BEFORE, 0, 600), run(600 - overlap, 600 - overlap, 3600 - overlap, boot=2)]
    assert ("DOWN" in [state for _, _, state in states(runs, until=3500)]) is void


def test_a_record_from_1970_is_placed_by_its_uptime():
    journal = [
        record(
            BEFORE,
            4,
            625,
            Change.CONNECTOR,
            "DOWN",
            since=595,
            clock=-1_790_000_000,
            quality=TimeQuality.UNTRUSTED,
        ),
        record(BEFORE, 5, 895, Change.CONNECTOR, "UP", clock=-1_790_000_000, quality=TimeQuality.UNTRUSTED),
    ]
    runs = [run(BEFORE, 0, 600, trusted=False), run(BEFORE, 900, 3600, journal=5, trusted=False)]
    assert states(runs, journal)[1] == (595, 895, "BUFFERING")


def test_a_record_from_the_future_is_placed_by_its_uptime():
    journal = [
        record(BEFORE, 4, 625, Change.CONNECTOR, "DOWN", since=595, clock=900_000),
        record(BEFORE, 5, 895, Change.CONNECTOR, "UP", clock=900_000),
    ]
    runs = [run(BEFORE, 0, 600), run(BEFORE, 900, 3600, journal=5)]
    assert states(runs, journal)[1] == (595, 895, "BUFFERING")


def test_a_clock_that_is_believed_is_used():
    journal = [
        record(BEFORE, 4, 625, Change.CONNECTOR, "DOWN", since=595, clock=626),
        record(BEFORE, 5, 895, Change.CONNECTOR, "UP"),
    ]
    assert states([run(BEFORE, 0, 600), run(BEFORE, 900, 3600, journal=5)], journal)[1][0] == 596


BLIND = Blindness(
    id="b", start_us=T0 + 700 * S, end_us=T0 + 900 * S, path="canary", reason="x", recorded_at_us=T0
)


def test_what_we_could_not_see_is_unknown_until_120_s_after_recovery():
    assert spans_of([run(BEFORE, 0, 600)], blindness=(BLIND,)) == [
        (0, 600, "SERVING", "none", True),
        (600, 700, "DOWN", "unknown", False),
        (700, 1020, "UNKNOWN", "ours", True),
        (1020, 3600, "DOWN", "unknown", False),
    ]


def test_a_blindness_that_lasts_is_open():
    open_ = replace(BLIND, end_us=None)
    assert spans_of([run(BEFORE, 0, 600)], blindness=(open_,))[-1] == (700, 3600, "UNKNOWN", "ours", True)


def test_proof_repairs_blindness():
    assert states([run(BEFORE, 0, 600), run(BEFORE, 1500, 3600)], blindness=(BLIND,)) == [
        (0, 3600, "SERVING")
    ]


def test_maintenance_excludes_only_what_did_not_serve():
    runs = [run(BEFORE, 0, 600)]
    assert states(runs, maintenances=(maintenance(300, 900),)) == [
        (0, 600, "SERVING"),
        (600, 900, "MAINTENANCE"),
        (900, 3600, "DOWN"),
    ]


@pytest.mark.parametrize(
    "works",
    [
        maintenance(600, 900, ahead_h=71),
        maintenance(600, 900, approved_by=""),
        maintenance(600, 900, withdrawn=True),
    ],
    ids=["too late", "not approved", "withdrawn"],
)
def test_what_excludes_nothing(works):
    assert states([run(BEFORE, 0, 600)], maintenances=(works,)) == [(0, 600, "SERVING"), (600, 3600, "DOWN")]


def test_notice_of_exactly_72_hours_is_enough():
    assert (
        states([run(BEFORE, 0, 600)], maintenances=(maintenance(600, 900, ahead_h=72),))[1][2]
        == "MAINTENANCE"
    )


def test_a_late_extension_excludes_only_what_was_announced():
    works = (maintenance(600, 900), maintenance(600, 1800, ahead_h=1, recorded=T0 + S))
    assert states([run(BEFORE, 0, 600)], maintenances=works)[1] == (600, 900, "MAINTENANCE")


def test_overlapping_windows_are_their_union():
    works = (maintenance(600, 900), maintenance(800, 1200, id_="n"))
    assert states([run(BEFORE, 0, 600)], maintenances=works)[1] == (600, 1200, "MAINTENANCE")


def test_out_before_acceptance_and_after_withdrawal():
    accepted = replace(ACCEPTED, at_us=T0 + 100 * S)
    withdrawn = Commissioning(
        id="w",
        eui=EUI,
        kind=CommissioningKind.WITHDRAWN,
        at_us=T0 + 500 * S,
        who="x",
        recorded_at_us=T0 - 300_000 * S,
    )
    found = states([run(BEFORE, 0, 3600)], commissioning=(withdrawn, accepted))
    assert found == [(0, 100, "OUT"), (100, 500, "SERVING"), (500, 3600, "OUT")]


def test_a_void_acceptance_counts_for_nothing():
    assert states([run(BEFORE, 0, 3600)], commissioning=(replace(ACCEPTED, void=True),)) == [(0, 3600, "OUT")]


def test_a_statement_changes_the_cause_never_the_state():
    statement = OperatorStatement(
        id="s",
        eui=EUI,
        start_us=T0,
        end_us=T0 + 900 * S,
        cause=Cause.POWER,
        responsible="Enedis",
        text="coupure du poste",
        who="x",
        recorded_at_us=T0,
    )
    found = spans_of([run(BEFORE, 0, 600)], statements=(statement,))
    assert found == [
        (0, 600, "SERVING", "none", True),
        (600, 900, "DOWN", "power", False),
        (900, 3600, "DOWN", "unknown", False),
    ]


def test_a_statement_says_nothing_about_a_gateway_that_does_not_count_or_serves():
    statement = OperatorStatement(
        id="s",
        eui=EUI,
        start_us=T0,
        end_us=T0 + 3600 * S,
        cause=Cause.POWER,
        responsible="Enedis",
        text="coupure du poste",
        who="x",
        recorded_at_us=T0,
    )
    late = replace(ACCEPTED, at_us=T0 + 300 * S)
    found = spans_of([run(BEFORE, 0, 3600)], statements=(statement,), commissioning=(late,))
    assert found == [(0, 300, "OUT", "none", True), (300, 3600, "SERVING", "none", True)]


def suspicion(start: int, end: int) -> OperatorStatement:
    return OperatorStatement(
        id="s",
        eui=EUI,
        start_us=T0 + start * S,
        end_us=T0 + end * S,
        cause=Cause.OURS,
        responsible="",
        text="canal 8",
        who="system",
        recorded_at_us=T0,
        suspected=True,
    )


@pytest.mark.parametrize(("start", "ours"), [(599, True), (600, True), (601, False)])
def test_a_change_is_charged_whole_losses_that_begin_within_the_suspicion(start, ours):
    journal = [
        record(BEFORE, 4, 720, Change.RADIO, "DEAF", since=600),
        record(BEFORE, 5, 890, Change.RADIO, "RECEIVING"),
    ]
    runs = [
        run(BEFORE, 0, 690),
        run(BEFORE, 720, 870, journal=4, radio=Radio.DEAF),
        run(BEFORE, 900, 1200, journal=5),
    ]
    cause = "ours" if ours else "radio"
    later = (1200, 3600, "DOWN", "unknown", False)
    found = spans_of(runs, journal, statements=(suspicion(start, 620),))
    assert found[1:] == [(600, 890, "DOWN", cause, True), (890, 1200, "SERVING", "none", True), later]


def test_a_power_cut_during_a_change_keeps_its_cause_and_is_lost_all_the_same():
    journal = [*boot_records(1800, boot=2, previous=last_alive(BEFORE, 590))]
    silent, cut = run(BEFORE, 0, 600), run(1800, 1830, 3600, boot=2)
    assert spans_of([silent], statements=(suspicion(500, 900),))[1] == (600, 3600, "DOWN", "ours", False)
    found = spans_of([silent, cut], journal, statements=(suspicion(500, 900),))
    assert found == spans_of([silent, cut], journal)
    assert found[1][3] == "power"


@pytest.mark.parametrize(("silent_s", "state"), [(89, "SERVING"), (90, "DOWN")])
def test_silence_is_confirmed_after_90_s_and_dated_back(silent_s, state):
    facts = GatewayFacts(eui=EUI, runs=(run(BEFORE, 0, 600),), commissioning=(ACCEPTED,))
    now_us = T0 + (600 + silent_s) * S
    span, since_us = present(timeline(facts, (), Window(T0, now_us), DEFAULTS, now_us).spans)
    assert span.state == state
    if state == "DOWN":
        assert (since_us, span.proved) == (T0 + 600 * S, False)


@pytest.mark.parametrize(("now", "end"), [(1000, 1000), (3600, 3600), (5000, 3600)])
def test_a_timeline_ends_with_its_window_and_never_after_now(now, end):
    assert states([run(BEFORE, 0, 600)], now=now) == [(0, 600, "SERVING"), (600, end, "DOWN")]


def test_a_boot_that_was_never_heard_live_proves_nothing():
    journal = boot_records(700, boot=7)
    assert spans_of([run(BEFORE, 0, 600)], journal)[1] == (600, 3600, "DOWN", "unknown", False)


def test_no_facts_at_all():
    assert spans_of([]) == [(0, 3600, "DOWN", "unknown", False)]
    assert spans_of([], commissioning=()) == [(0, 3600, "OUT", "none", True)]


def test_spans_of_one_layer_that_overlap_are_painted_once():
    """A short proof within a long one must not make room for the next."""
    canvas = _Canvas(0, 100)
    long, short, next_ = (
        Span(start, end, GatewayState.DOWN, reason=reason)
        for start, end, reason in ((0, 80, "long"), (10, 20, "short"), (15, 100, "next"))
    )
    canvas.lay_spans([long, short, next_])
    assert [(span.start_us, span.end_us, span.reason) for span in canvas.spans()] == [
        (0, 80, "long"),
        (80, 100, "next"),
    ]
