"""How a wave is cut into batches: nobody's neighbours at once, and never more than the setting."""

from dataclasses import replace

from fleet.facts.states import GatewayState
from fleet.rollouts.model import RolloutSettings
from fleet.rollouts.plan import batches_of
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
