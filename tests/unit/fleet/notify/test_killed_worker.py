"""kill -9 of a forked worker at random instants; the bench does it 500 times."""

import pytest

from passerelle.benches.incidents.kills import run


@pytest.mark.slow
def test_nothing_is_lost_and_doubles_carry_their_key() -> None:
    found = run(kills=12, count=150, seed=7)
    assert (found.timers_lost, found.messages_missing, found.keys_wrong) == (0, 0, 0)
    assert found.doubles <= found.kills
