"""What a connector keeps of addresses that it sends late follows its rate, within two bounds."""

import pytest

from agent.connectors.rules import DeliveryRules


@pytest.mark.parametrize(
    ("drain_frames_per_s", "active"),
    [(1, 16), (21, 16), (22, 16), (23, 17), (20, 16), (100, 75), (682, 511), (683, 512), (10_000, 512)],
)
def test_three_quarters_of_a_second_of_frames_are_addresses_in_turn(
    drain_frames_per_s: int, active: int
) -> None:
    assert DeliveryRules(drain_frames_per_s=drain_frames_per_s).active_addresses == active


def test_what_an_lns_does_not_say_is_as_careful_as_can_be() -> None:
    rules = DeliveryRules()
    assert (rules.replay, rules.spare_delivered, rules.neighbours_wait_us) == (True, False, 180_000_000)
    assert (rules.drain_frames_per_s, rules.drain_burst_frames) == (20, 10)
