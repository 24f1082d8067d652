"""The laws of AVAILABILITY §10, and equality with a reading of the definitions instant by instant."""

import random
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fleet.availability.communes import commune_timeline
from fleet.availability.figures import commune_figures
from fleet.availability.timeline import timeline
from fleet.facts.intervals import total
from fleet.facts.model import GatewayFacts, Membership
from fleet.facts.runs import expand
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState, GatewayState
from fleet.simulation.second_reading import Reading
from tests.unit.fleet.availability.scenes import LENGTH_MS, START, WINDOW, lived_facts, torn, troubles

LATE = WINDOW.end_us + 10_000_000_000
pytestmark = pytest.mark.slow
quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def states(line):
    """(start, end, (state, proved)) with neighbours joined."""
    joined = []
    for span in line.spans:
        what = (span.state, span.proved)
        if joined and joined[-1][2] == what:
            joined[-1] = (joined[-1][0], span.end_us, what)
        else:
            joined.append((span.start_us, span.end_us, what))
    return joined


@given(torn(), st.integers(1, LENGTH_MS + 400_000))
@quick
def test_equals_the_definitions_read_instant_by_instant(given_, now_ms):
    facts, blindness = given_
    for now in (LATE, START + now_ms * 1000):
        known = _known_by(facts, now)
        line = timeline(known, blindness, WINDOW, DEFAULTS, now)
        second = Reading(known, blindness, DEFAULTS, now)
        assert states(line) == second.partition(WINDOW.start_us, WINDOW.end_us)


def _known_by(facts, now):
    """What had been said by ``now``: nobody hears the future."""
    runs = [one for run in facts.runs for one in expand(run) if one.last_at_us <= now]
    journal = [fact for fact in facts.journal if fact.at_us <= now]
    return replace(facts, runs=tuple(runs), journal=tuple(journal))


def copy_with(fact, **changes):
    """Facts of the wire are structs, the others dataclasses."""
    return (msgspec.structs.replace if isinstance(fact, msgspec.Struct) else replace)(fact, **changes)


@given(torn(), st.randoms(use_true_random=False))
@quick
def test_order_doubles_and_delay_change_nothing(given_, chance: random.Random):
    facts, blindness = given_
    first = timeline(facts, blindness, WINDOW, DEFAULTS, LATE)

    def shuffled(group):
        late = [
            copy_with(fact, recorded_at_us=fact.recorded_at_us + chance.randrange(10**12)) for fact in group
        ]
        both = [*group, *late]
        chance.shuffle(both)
        return tuple(both)

    mixed = replace(facts, runs=shuffled(facts.runs), journal=shuffled(facts.journal))
    assert timeline(mixed, blindness, WINDOW, DEFAULTS, LATE) == first


@given(torn())
@quick
def test_a_run_equals_its_expansion(given_):
    facts, blindness = given_
    single = tuple(one for run in facts.runs for one in expand(run))
    expanded = timeline(replace(facts, runs=single), blindness, WINDOW, DEFAULTS, LATE)
    assert expanded == timeline(facts, blindness, WINDOW, DEFAULTS, LATE)


@given(torn())
@quick
def test_the_states_partition_the_window(given_):
    facts, blindness = given_
    spans = timeline(facts, blindness, WINDOW, DEFAULTS, LATE).spans
    assert spans[0].start_us == WINDOW.start_us
    assert spans[-1].end_us == WINDOW.end_us
    assert all(a.end_us == b.start_us and a.start_us < a.end_us for a, b in pairwise(spans))


@given(st.lists(torn(), min_size=1, max_size=3), st.data())
@quick
def test_served_lost_excluded_unknown_and_not_covered_are_the_month(scenes, data):
    lines, members = {}, []
    for number, (facts, blindness) in enumerate(scenes):
        eui = f"{number:016x}"
        line = timeline(facts, blindness, WINDOW, DEFAULTS, LATE)
        lines[eui] = replace(line, eui=eui)
        from_us = data.draw(st.integers(WINDOW.start_us, WINDOW.end_us))
        to_us = data.draw(st.none() | st.integers(from_us, WINDOW.end_us))
        members.append(
            Membership(
                id=eui,
                commune_insee="37015",
                eui=eui,
                valid_from_us=from_us,
                valid_to_us=to_us,
                approved_by="x",
                recorded_at_us=0,
            )
        )
    told = commune_figures(commune_timeline("37015", members, lines, WINDOW, DEFAULTS), DEFAULTS)
    assert set(told.by_state_us) == set(CommuneState)
    assert sum(told.by_state_us.values()) == WINDOW.length_us
    assert all(length_us >= 0 for length_us in told.by_state_us.values())


@given(torn(), st.data())
@quick
def test_removing_a_proof_of_service_never_increases_served_time(given_, data):
    facts, blindness = given_
    singles = [one for run in facts.runs for one in expand(run)]
    proofs = [one for one in singles if one.lns_up and one.radio.name == "RECEIVING"]
    ups = [fact for fact in facts.journal if fact.value in ("UP", "RECEIVING")]
    if not [*proofs, *ups]:
        return
    gone = data.draw(st.sampled_from([*proofs, *ups]))
    less = replace(
        facts,
        runs=tuple(one for one in singles if one is not gone),
        journal=tuple(fact for fact in facts.journal if fact is not gone),
    )
    assert _served(less, blindness) <= _served(facts, blindness)


def _served(facts: GatewayFacts, blindness):
    line = timeline(facts, blindness, WINDOW, DEFAULTS, LATE)
    return total([(s.start_us, s.end_us) for s in line.spans if s.state is GatewayState.SERVING])


@given(troubles)
@quick
def test_complete_facts_give_the_physical_truth_but_where_only_silence_told(given_troubles):
    assume(all(one.start_ms + one.length_ms < LENGTH_MS - 60_000 for one in given_troubles))
    facts, lived = lived_facts(given_troubles)
    assume({fact.boot for fact in facts.journal} == {run.boot for run in facts.runs})
    line = timeline(facts, (), WINDOW, DEFAULTS, WINDOW.end_us + 1)
    edges = {edge for spans in lived.truth.values() for span in spans for edge in span}
    for state in (GatewayState.SERVING, GatewayState.BUFFERING):
        told = [(s.start_us, s.end_us) for s in line.spans if s.state is state]
        wrong = abs(total(told) - total(lived.truth[state]))
        assert wrong <= 30_000_000 * len(edges)
