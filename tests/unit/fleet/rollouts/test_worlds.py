"""Whole rollouts over virtual networks: they end, and nobody loses the last gateway by them."""

import math
from collections import Counter
from dataclasses import replace
from itertools import accumulate

import pytest

from fleet.durations import DAY_US
from fleet.rollouts.model import Failure, RolloutSettings, RolloutState, Step
from fleet.rollouts.plan import plan_rollout
from passerelle.benches.rollout import lost_in
from passerelle.benches.rollout.topology import make_topology
from passerelle.benches.rollout.world import START_US, lost_by, make_world

SETTINGS = RolloutSettings(canary_gateways=3)
END_US = START_US + 60 * DAY_US


def counted(world):
    return Counter((one.step, one.failure) for one in world.rollout.steps.values())


@pytest.mark.parametrize("seed", range(12))
def test_a_rollout_ends_in_the_right_state_for_each(seed):
    topology = make_topology(seed, 60, 25, known=0.7)
    world = make_world(topology, seed, failing=0.0, settings=SETTINGS)
    world.run(END_US)
    assert world.violations == []
    assert world.rollout.state is RolloutState.DONE
    stuck = [one.eui for one in world.rollout.steps.values() if one.step is not Step.DONE]
    view = topology.view(set(topology.euis), START_US)
    held = {eui for wave in plan_rollout("essai", topology.euis, view, SETTINGS).waves for eui in wave.held}
    assert set(stuck) <= held, "only who is needed for ever is left aside"


@pytest.mark.parametrize("seed", range(6))
def test_a_bad_configuration_never_goes_beyond_the_canaries(seed):
    topology = make_topology(seed, 60, 25)
    world = make_world(topology, seed, offline=0.1, failing=1.0, settings=SETTINGS)
    world.run(END_US)
    assert world.rollout.state is RolloutState.ROLLED_BACK
    assert {world.rollout.steps[eui].wave for eui in world.issued} == {0}
    assert world.violations == []
    assert set(world.issued) <= world.reverted


def test_silence_halts_as_a_failure_does():
    topology = make_topology(1, 60, 25)
    world = make_world(topology, 1, failing=0.0, settings=SETTINGS)
    for fate in world.fates.values():
        fate.silent = True
    world.run(END_US)
    assert world.rollout.state is RolloutState.ROLLED_BACK
    assert {one.failure for one in world.rollout.steps.values()} == {Failure.SILENT, Failure.NONE}


def test_few_failures_go_on_and_are_taken_back_alone():
    topology = make_topology(2, 200, 70)
    world = make_world(topology, 2, offline=0.0, failing=0.0, settings=SETTINGS)
    last = [eui for eui, one in world.rollout.steps.items() if one.wave == 3]
    world.fates[last[7]] = replace(world.fates[last[7]], fails=True)
    world.run(END_US)
    assert world.rollout.state is RolloutState.DONE
    assert counted(world)[Step.FAILED, Failure.ROLLED_BACK] == 1
    assert last[7] in world.reverted


def test_the_same_name_draws_the_same_waves_and_canaries_share_no_commune():
    topology = make_topology(3, 80, 30)
    view = topology.view(set(topology.euis), START_US)
    first, again = (plan_rollout("essai", topology.euis, view, SETTINGS) for _ in range(2))
    assert first == again
    assert plan_rollout("autre", topology.euis, view, SETTINGS) != first
    canaries = first.waves[0].euis
    communes = [insee for eui in canaries for insee in view.communes_of.get(eui, ())]
    assert len(canaries) == 3
    assert len(communes) == len(set(communes))
    drawn = [eui for wave in first.waves for eui in wave.euis]
    assert sorted(drawn) == sorted(topology.euis)
    for wave in first.waves:
        batched = [eui for batch in wave.batches for eui in batch]
        assert sorted([*batched, *wave.held]) == sorted(wave.euis)
        assert len(wave.batches) >= wave.least_batches or not wave.batches


def test_a_share_counts_all_gateways_with_those_of_the_waves_before():
    topology = make_topology(3, 80, 30)
    waves = plan_rollout("essai", topology.euis, topology.view(set(topology.euis), START_US), SETTINGS).waves
    reached = dict(
        zip((one.wave.name for one in waves), accumulate(len(one.euis) for one in waves), strict=True)
    )
    expected = {f"{percent} %": math.ceil(80 * percent / 100) for percent in SETTINGS.shares_percent}
    assert {name: count for name, count in reached.items() if name in expected} == expected


def test_nobody_loses_the_last_gateway_whatever_comes_when():
    """A bounded part of ``passerelle bench rollout``, which takes two thousand networks."""
    lost, looks = lost_in(range(5_000, 5_012))
    assert lost == 0
    assert looks > 12
    topology = make_topology(1, 20, 7)
    everybody = set(topology.euis)
    assert lost_by(topology.view(everybody, START_US), everybody, set()), "the second reading finds a loss"
