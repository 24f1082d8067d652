"""Boots that live for months: a window needs little of them, and tells the same."""

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from agent.wire.messages import Change
from fleet.availability.compaction import MARGIN_US, _Boot, compacted
from fleet.availability.timeline import timeline
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.runs import expand
from fleet.facts.settings import DEFAULTS
from tests.unit.fleet.availability.making import ACCEPTED, EUI, T0, S, boot_records, last_alive, record, run
from tests.unit.fleet.availability.scenes import START, torn

quick = settings(
    max_examples=settings.default.max_examples // 2, deadline=None, suppress_health_check=list(HealthCheck)
)
HOURS = 12
LENGTH_MS = HOURS * 3_600_000
LATE = START + LENGTH_MS * 1000 + 10_000_000_000
LOST_A_DAY = 20
DAYS = 90


@pytest.mark.slow
@given(torn(LENGTH_MS, 12), st.integers(2 * 3_600_000, LENGTH_MS - 1))
@quick
def test_from_the_window_on_the_condensed_facts_tell_what_all_facts_do(given_, from_ms):
    facts, blindness = given_
    window = Window(START + from_ms * 1000, START + LENGTH_MS * 1000)
    kept = compacted(facts, window.start_us)
    event(f"left out: {len(kept.runs) < len(facts.runs)}")
    whole = timeline(facts, blindness, window, DEFAULTS, LATE)
    assert timeline(kept, blindness, window, DEFAULTS, LATE) == whole


@pytest.mark.slow
@given(torn(LENGTH_MS, 12), st.integers(2 * 3_600_000, LENGTH_MS - 1), st.data())
@quick
def test_a_record_that_was_left_out_may_come_back(given_, from_ms, data):
    """As when a gateway uploads its journal again: the engine's memory takes what it no longer has."""
    facts, blindness = given_
    window = Window(START + from_ms * 1000, START + LENGTH_MS * 1000)
    kept = compacted(facts, window.start_us)
    gone = [fact for fact in facts.journal if fact not in kept.journal]
    if not gone:
        return
    back = data.draw(st.lists(st.sampled_from(gone), unique=True))
    again = GatewayFacts(
        **{name: getattr(kept, name) for name in kept.__slots__} | {"journal": (*kept.journal, *back)}
    )
    whole = timeline(facts, blindness, window, DEFAULTS, LATE)
    assert timeline(again, blindness, window, DEFAULTS, LATE) == whole


def lived_for_months():
    """One boot of ``DAYS`` days that loses some heartbeats every day and its LNS once."""
    runs, journal = [], boot_records(0)
    for day in range(DAYS):
        start = day * 86_400
        for part in range(LOST_A_DAY):
            first = start + part * 4_320 + 30
            runs.append(run(0, first, first + 4_230, 3 + 2 * day))
        journal.append(record(0, 4 + 2 * day, start + 86_395, Change.CONNECTOR, "DOWN", since=start + 86_365))
        journal.append(record(0, 5 + 2 * day, start + 86_399, Change.CONNECTOR, "UP"))
    return GatewayFacts(eui=EUI, runs=tuple(runs), journal=tuple(journal), commissioning=(ACCEPTED,))


def test_a_boot_of_months_is_kept_from_an_hour_before_the_window_on():
    facts = lived_for_months()
    window = Window(T0 + (DAYS - 1) * 86_400 * S, T0 + DAYS * 86_400 * S)
    kept = compacted(facts, window.start_us)
    assert (len(facts.runs), len(facts.journal)) == (DAYS * LOST_A_DAY, 3 + 2 * DAYS)
    assert (len(kept.runs), len(kept.journal)) == (LOST_A_DAY + 2, 5)
    whole = timeline(facts, (), window, DEFAULTS, window.end_us + MARGIN_US)
    assert timeline(kept, (), window, DEFAULTS, window.end_us + MARGIN_US) == whole
    assert whole.exceptions


@pytest.mark.parametrize("from_us", [T0, T0 + MARGIN_US])
def test_a_young_boot_is_whole(from_us):
    facts = lived_for_months()
    assert compacted(facts, from_us) == facts


def test_two_boxes_with_one_boot_stay_whole():
    facts = lived_for_months()
    other = run(1_000, 400_030, 400_060, boot=1)
    both = GatewayFacts(eui=EUI, runs=(*facts.runs, other), journal=facts.journal)
    assert compacted(both, T0 + 80 * 86_400 * S) == both


def test_single_heartbeats_are_no_anchor():
    runs = tuple(one for one in expand(run(0, 30, 30_000)))
    facts = GatewayFacts(eui=EUI, runs=runs, journal=tuple(boot_records(0)))
    assert compacted(facts, T0 + 25_000 * S) == facts


@pytest.mark.parametrize(
    ("alive_until", "journal", "in_order"),
    [(600, 2, True), (601, 0, True), (601, 3, True), (601, 2, False)],
    ids=["before the run", "it knew no number", "its number is the run's", "an older number, later"],
)
def test_what_a_later_boot_says_of_this_one_is_in_order_with_its_journal(alive_until, journal, in_order):
    claim = last_alive(0, alive_until, journal=journal)
    assert _Boot(runs=(), records=(), claims=(claim,)).in_order(run(0, 600, 900, journal=3)) is in_order
