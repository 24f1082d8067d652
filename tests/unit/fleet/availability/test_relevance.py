"""The facts that decide a window: cases in which facts outside it speak of it."""

import pytest

from agent.wire.messages import Change, Radio
from fleet.availability.relevance import relevant
from fleet.availability.timeline import timeline
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from tests.unit.fleet.availability.making import ACCEPTED, EUI, T0, S, boot_records, last_alive, record, run

LATE_US = T0 + 1_000_000 * S
CUT = (
    [
        run(0, 0, 0, 1, up=False, radio=Radio.OFF),
        run(0, 30, 30, 2, up=False),
        run(0, 90, 90, 2, up=False),
    ],
    boot_records(0)[:2],
    (0, 9),
)
"""An outage of the LNS is of one cause over its whole length: what was heard after the window counts."""
FOUND = (
    [
        run(1, 6, 6, 1, up=False, radio=Radio.OFF),
        run(1, 36, 36, 3),
        run(1, 66, 66, 4, up=False),
        run(1, 96, 3576, 5),
    ],
    [
        *boot_records(1),
        record(1, 4, 41, Change.CONNECTOR, "DOWN", since=11),
        record(1, 5, 71, Change.CONNECTOR, "UP"),
    ],
    (0, 41.001),
)
"""The same, as generated facts found it: the heartbeat after the outage decides between LNS and backhaul."""
STOPPED = (
    [run(0, 30, 60), run(700, 730, 790, 3, boot=2)],
    [
        *boot_records(0),
        record(0, 4, 75, Change.STOP, "STOPPED", reason="asked"),
        *boot_records(700, boot=2, previous=last_alive(0, 75, clean=True, journal=4)),
    ],
    (100, 600),
)
"""A death fills the window: neither life is in it."""
REASON = (
    [run(0, 30, 3000), run(0, 3030, 6000, 4, radio=Radio.DEAF), run(0, 6030, 9000, 4, radio=Radio.DEAF)],
    [*boot_records(0), record(0, 4, 3010, Change.RADIO, "DEAF", reason="no frame")],
    (7000, 8000),
)
"""Why the radio is deaf was said when it became so, before the window."""


def facts_of(runs, journal):
    return GatewayFacts(eui=EUI, runs=tuple(runs), journal=tuple(journal), commissioning=(ACCEPTED,))


@pytest.mark.parametrize(
    ("runs", "journal", "window"), [CUT, FOUND, STOPPED, REASON], ids=["cut", "found", "stopped", "reason"]
)
def test_the_kept_facts_tell_the_window_as_all_facts_do(runs, journal, window):
    facts, span = facts_of(runs, journal), Window(T0 + int(window[0] * S), T0 + int(window[1] * S))
    whole = timeline(facts, (), span, DEFAULTS, LATE_US)
    assert timeline(relevant(facts, span), (), span, DEFAULTS, LATE_US) == whole
    assert whole.exceptions


def test_boots_long_before_and_long_after_are_left_out():
    runs, journal = [], []
    for boot in range(1, 9):
        start = boot * 1000
        before = last_alive(start - 1000, start - 40, boot=boot - 1)
        runs.append(run(start, start + 30, start + 960, boot=boot))
        journal += boot_records(start, boot=boot, previous=before)
    span = Window(T0 + 4100 * S, T0 + 4200 * S)
    kept = relevant(facts_of(runs, journal), span)
    assert {one.boot for one in kept.runs} == {one.boot for one in kept.journal} == {3, 4, 5}


def test_records_of_a_boot_that_was_never_heard_wait_for_its_first_heartbeat():
    facts = facts_of([], boot_records(0))
    assert relevant(facts, Window(T0, T0 + S)) == facts
