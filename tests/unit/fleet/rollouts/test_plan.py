"""How a wave is cut into batches: nobody's neighbours at once, and never more than the setting."""

from dataclasses import replace

import pytest

from fleet.facts.states import GatewayState
from fleet.rollouts.model import RolloutSettings
from fleet.rollouts.plan import BATCH_US, batches_of, clique, plan_rollout
from tests.unit.fleet.safety.networks import view_of

UP = dict.fromkeys("abcde", GatewayState.SERVING)


def test_a_batch_is_as_large_as_the_setting_and_no_larger():
    settings = replace(RolloutSettings(), together_max=2)
    batches, held = batches_of("abcde", view_of(UP, {}), settings)
    assert ([len(batch) for batch in batches], held) == ([2, 2, 1], ())
    assert sorted(eui for batch in batches for eui in batch) == list("abcde")


def test_gateways_that_are_each_others_redundancy_are_in_different_batches():
    batches, held = batches_of("abc", view_of(UP, {"x": "ab", "y": "c"}), RolloutSettings())
    assert held == ("c",), "the only one of its commune"
    assert batches == (("a",), ("b",))


EVERYBODY = [f"g{number:03d}" for number in range(100)]
APART = view_of(dict.fromkeys(EVERYBODY, GatewayState.SERVING), {})


@pytest.mark.parametrize(
    ("lab", "canaries", "shares", "sizes"),
    [
        (0, 5, (5, 25, 100), {"canary": 5, "25 %": 20, "100 %": 75}),
        (0, 5, (10, 100), {"canary": 5, "10 %": 5, "100 %": 90}),
        (3, 5, (10, 100), {"lab": 3, "canary": 5, "10 %": 2, "100 %": 90}),
        (3, 5, (5, 100), {"lab": 3, "canary": 5, "100 %": 92}),
        (20, 1, (10, 50, 100), {"lab": 20, "canary": 1, "50 %": 29, "100 %": 50}),
        (100, 5, (10, 100), {"lab": 100}),
    ],
)
def test_a_share_counts_all_gateways_those_of_earlier_waves_included(lab, canaries, shares, sizes):
    settings = replace(RolloutSettings(), canary_gateways=canaries, shares_percent=shares)
    plan = plan_rollout("spring", EVERYBODY, APART, settings, lab=EVERYBODY[:lab])
    assert {one.wave.name: len(one.euis) for one in plan.waves} == sizes
    assert sorted(plan.steps) == EVERYBODY
    assert [plan.steps[eui].wave for eui in plan.waves[-1].euis] == [len(plan.waves) - 1] * len(
        plan.waves[-1].euis
    )


def test_a_share_is_rounded_up():
    settings = replace(RolloutSettings(), canary_gateways=1, shares_percent=(5, 100))
    plan = plan_rollout("spring", EVERYBODY[:41], APART, settings)
    assert [len(one.euis) for one in plan.waves] == [1, 2, 38]


def test_lab_and_canaries_are_watched_longer_and_a_plan_takes_its_batches_and_soaks():
    settings = replace(
        RolloutSettings(),
        canary_gateways=5,
        shares_percent=(50, 100),
        canary_soak_us=1000,
        soak_us=10,
        together_max=20,
    )
    plan = plan_rollout("spring", EVERYBODY, APART, settings, lab=EVERYBODY[:2])
    assert [(one.wave.soak_us, len(one.batches)) for one in plan.waves] == [
        (1000, 1),
        (1000, 1),
        (10, 3),
        (10, 3),
    ]
    assert plan.length_us == 8 * BATCH_US + 2020


def test_canaries_serve_may_go_and_share_no_commune():
    states = dict.fromkeys("abcdef", GatewayState.SERVING) | {"f": GatewayState.DOWN}
    view = view_of(states, {"x": "abf", "y": "cd", "z": "e"})
    settings = replace(RolloutSettings(), canary_gateways=5)
    plan = plan_rollout("spring", "abcdef", view, settings)
    canaries = plan.waves[0].euis
    assert len(canaries) == 2
    assert len({"a", "b"} & set(canaries)) == len({"c", "d"} & set(canaries)) == 1
    again = plan_rollout("spring", "fedcbaab", view, settings)
    assert again == plan


@pytest.mark.parametrize(
    ("coverages", "communes", "least"),
    [
        ([], {}, 1),
        ([], {"x": "ab"}, 2),
        ([], {"x": "abc"}, 3),
        ([("x", "abc", 9)], {"x": "abc"}, 1),
        ([("x", "ab", 9)], {"x": "abc"}, 2),
        ([("x", "ab", 9)], {"x": "ab"}, 2),
        ([("x", "a", 9), ("x", "abc", 9)], {"x": "abc"}, 1),
    ],
)
def test_the_fewest_batches_are_as_many_as_exclude_each_other(coverages, communes, least):
    view = view_of(UP, communes, coverages)
    assert clique(view, set("abc")) == least
    assert clique(view, set()) == 0
