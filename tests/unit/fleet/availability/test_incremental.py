"""Incremental equals from scratch: the engine's memory, fact by fact in any order, and months trimmed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.availability.history import history
from fleet.availability.relevance import relevant
from fleet.availability.timeline import timeline
from fleet.facts.months import Window
from fleet.facts.runs import expand, join
from fleet.facts.settings import DEFAULTS
from fleet.live.memory import GatewayMemory
from tests.unit.fleet.availability.scenes import EUI, LENGTH_MS, START, WINDOW, torn

pytestmark = pytest.mark.slow
quick = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
LATE = WINDOW.end_us + 10_000_000_000


@given(torn(), st.data())
@quick
def test_the_memory_of_the_engine_equals_the_facts_at_every_step(given_, data):
    facts, _ = given_
    steps = [("run", part) for run in facts.runs for part in _grown(run)]
    steps += [("record", record) for record in facts.journal]
    order = data.draw(st.permutations(range(len(steps)))) if len(steps) < 40 else range(len(steps))
    memory = GatewayMemory(eui=EUI)
    for index in order:
        kind, fact = steps[index]
        if kind == "record":
            memory = memory.with_records([fact])
        elif _longer(_run_of(memory, fact), fact):
            before, kept = memory, memory.runs
            memory = memory.with_run(fact)
            assert before.runs == kept
        known = {(run.boot, run.first_seq): run for run in memory.runs}
        assert len(known) == len(memory.runs)
    assert history(memory.facts(), DEFAULTS) == history(facts, DEFAULTS)


def _run_of(memory, run):
    number = (run.boot, run.first_seq)
    return next((one for one in memory.runs if (one.boot, one.first_seq) == number), None)


def _grown(run):
    """A run as it was half way, and whole."""
    singles = expand(run)
    return [run] if len(singles) < 4 else [join(singles[0], singles[len(singles) // 2]), run]


def _longer(before, run):
    return before is None or run.last_seq > before.last_seq


@given(torn(), st.integers(0, LENGTH_MS), st.integers(0, LENGTH_MS))
@quick
def test_the_facts_that_an_export_keeps_are_enough(given_, one, other):
    facts, blindness = given_
    window = Window(START + min(one, other) * 1000, START + max(one, other) * 1000)
    whole = timeline(facts, blindness, window, DEFAULTS, LATE)
    assert timeline(relevant(facts, window), blindness, window, DEFAULTS, LATE) == whole
