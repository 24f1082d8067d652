"""The test device's acknowledgements as the contract counts them, or leaves them beside the keep-alives."""

from dataclasses import replace
from itertools import product

import pytest

from agent.wire.messages import END_TO_END, Change
from fleet.availability.compaction import compacted
from fleet.availability.proofs import counted
from fleet.availability.timeline import timeline
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, LnsProof
from fleet.simulation.second_reading import Reading
from tests.unit.fleet.availability.making import ACCEPTED, EUI, T0, S, boot_records, record, run, states

COUNTED = replace(DEFAULTS, lns_proof=LnsProof.END_TO_END)


def proof(number, at, value, since=None):
    return record(0, number, at, Change.CONNECTOR, value, subject=END_TO_END, since=since)


SWALLOWED = (
    [run(0, 30, 900, 4), run(0, 930, 1800, 5), run(0, 1830, 3570, 6)],
    [
        *boot_records(0),
        proof(4, 20, "PROCESSED"),
        proof(5, 915, "UNANSWERED", 300),
        proof(6, 1815, "PROCESSED"),
    ],
)
"""Keep-alives are answered throughout; nothing was acknowledged between 300 s and 1,815 s."""


def test_a_bridge_that_swallows_serves_by_keep_alives_and_does_not_by_the_test_device():
    runs, journal = SWALLOWED
    assert states(runs, journal, until=3570)[-1] == (9, 3570, "SERVING")
    counted_states = states(runs, journal, until=3570, settings=COUNTED)
    assert counted_states[-3:] == [
        (9, 300, "SERVING"),
        (300, 1815, "BUFFERING"),
        (1815, 3570, "SERVING"),
    ]


def test_an_unanswered_device_and_a_server_that_is_away_end_with_the_later_of_both():
    runs = [run(0, 30, 900, 4), run(0, 930, 1200, 6, up=False), run(0, 1230, 3570, 8)]
    journal = [
        *boot_records(0),
        proof(4, 20, "PROCESSED"),
        proof(5, 905, "UNANSWERED", 600),
        record(0, 6, 910, Change.CONNECTOR, "DOWN", since=890),
        record(0, 7, 1210, Change.CONNECTOR, "UP"),
        proof(8, 1220, "PROCESSED"),
    ]
    found = states(runs, journal, until=3570, settings=COUNTED)
    assert found[-3:] == [(9, 600, "SERVING"), (600, 1220, "BUFFERING"), (1220, 3570, "SERVING")]


def test_a_device_that_was_taken_away_proves_nothing_any_more():
    runs, journal = SWALLOWED
    ended = [*journal[:-1], proof(6, 1815, "UNKNOWN")]
    assert states(runs, ended, until=3570, settings=COUNTED)[-1] == (1815, 3570, "SERVING")


def test_who_counts_keep_alives_reads_the_same_facts():
    facts = GatewayFacts(eui=EUI, runs=tuple(SWALLOWED[0]), journal=tuple(SWALLOWED[1]))
    assert counted(facts, DEFAULTS) is facts
    assert counted(facts, COUNTED) == counted(counted(facts, COUNTED), COUNTED)


def test_a_boot_is_not_cut_between_what_the_device_proved_and_the_window():
    runs = [run(0, 30, 900, 4), run(0, 930, 36_000, 5), run(0, 36_030, 40_000 - 40_000 % 30, 5)]
    journal = [*SWALLOWED[1][:-1]]
    facts = GatewayFacts(eui=EUI, runs=tuple(runs), journal=tuple(journal), commissioning=(ACCEPTED,))
    window = Window(T0 + 20_000 * S, T0 + 30_000 * S)
    whole = timeline(facts, (), window, COUNTED, window.end_us)
    cut = timeline(compacted(facts, window.start_us), (), window, COUNTED, window.end_us)
    assert [str(span.state) for span in whole.spans] == ["BUFFERING"]
    assert [span.state for span in cut.spans] == [span.state for span in whole.spans]


VALUES = ("PROCESSED", "UNANSWERED", "UNKNOWN")


@pytest.mark.parametrize("values", list(product(VALUES, repeat=3)))
@pytest.mark.parametrize("settings", [DEFAULTS, COUNTED])
@pytest.mark.parametrize("up", [True, False])
def test_equals_the_second_reading(values, settings, up):
    first, second, third = values
    journal = [
        *boot_records(0),
        proof(4, 20, first),
        proof(5, 915, second, 300 if second == "UNANSWERED" else None),
        proof(6, 1815, third, 1500 if third == "UNANSWERED" else None),
    ]
    runs = [run(0, 30, 900, 4), run(0, 930, 1800, 5, up=up), run(0, 1830, 3570, 6, up=up)]
    facts = GatewayFacts(eui=EUI, runs=tuple(runs), journal=tuple(journal), commissioning=(ACCEPTED,))
    window, now_us = Window(T0, T0 + 3570 * S), T0 + 10_000 * S
    line = timeline(facts, (), window, settings, now_us)
    joined = []
    for span in line.spans:
        if joined and joined[-1][2] == span.state:
            joined[-1] = (joined[-1][0], span.end_us, span.state)
        else:
            joined.append((span.start_us, span.end_us, span.state))
    read = Reading(facts, (), settings, now_us).partition(window.start_us, window.end_us)
    assert joined == [(start, end, state) for start, end, (state, _) in read]
