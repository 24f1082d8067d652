"""What is proved about losses: the most frequent cause, kept while nothing is more frequent."""

import pytest

from fleet.facts.states import Cause
from fleet.incidents.causes import compatible, proved_cause
from tests.unit.fleet.incidents.networks import down, gateway, network

LNS, POWER, BACKHAUL, UNKNOWN, NONE = Cause.LNS, Cause.POWER, Cause.BACKHAUL, Cause.UNKNOWN, Cause.NONE


@pytest.mark.parametrize(
    ("causes", "known", "found"),
    [
        ((), NONE, NONE),
        ((UNKNOWN, NONE), POWER, POWER),
        ((POWER, UNKNOWN), NONE, POWER),
        ((POWER, BACKHAUL), NONE, BACKHAUL),
        ((POWER, BACKHAUL), POWER, POWER),
        ((POWER, BACKHAUL, BACKHAUL), POWER, BACKHAUL),
    ],
)
def test_the_most_frequent_cause_is_proved_and_a_tie_changes_nothing(causes, known, found):
    lost = {f"g{number}": cause for number, cause in enumerate(causes)}
    here = network(*(down(eui, 5, cause=cause) for eui, cause in lost.items()), gateway("s", cause=LNS))
    assert proved_cause(here, [*lost, "s", "gone"], known) is found


@pytest.mark.parametrize("cause", [NONE, UNKNOWN, POWER, BACKHAUL])
def test_only_the_network_servers_cut_goes_on_with_the_network_servers_cut(cause):
    assert compatible(LNS, LNS)
    assert not compatible(LNS, cause)
    assert not compatible(cause, LNS)


@pytest.mark.parametrize(
    ("before", "cause", "goes_on"),
    [
        (POWER, POWER, True),
        (BACKHAUL, BACKHAUL, True),
        (POWER, BACKHAUL, False),
        (BACKHAUL, POWER, False),
        (UNKNOWN, POWER, True),
        (POWER, NONE, True),
        (NONE, UNKNOWN, True),
        (Cause.OURS, POWER, True),
    ],
)
def test_a_proved_cause_goes_on_with_itself_and_with_what_nobody_proved(before, cause, goes_on):
    assert compatible(before, cause) is goes_on
