"""The whole table of our own sight."""

import pytest

from fleet.evidence.blindness import (
    CANARY_MISSING_US,
    RESTART_GAP_US,
    Closed,
    Eyes,
    Opened,
    restart_gap,
    step,
)
from fleet.lang.reasons import FleetReason, own

NOW = 1_000_000_000
NO_CANARY = own(FleetReason.NO_CANARY)
MISSING = NOW - CANARY_MISSING_US


def eyes(**fields):
    return Eyes(**({"since_us": 0, "last_echo_us": None, "blind": False} | fields))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (eyes(since_us=MISSING + 1), None),
        (eyes(since_us=MISSING), Opened(from_us=MISSING, path="broker", reason=NO_CANARY)),
        (eyes(last_echo_us=MISSING + 1), None),
        (eyes(last_echo_us=MISSING), Opened(from_us=MISSING, path="broker", reason=NO_CANARY)),
        (
            eyes(last_echo_us=MISSING - 5, reason="refused"),
            Opened(from_us=MISSING - 5, path="broker", reason=own(FleetReason.BROKER_LOST, detail="refused")),
        ),
        (eyes(blind=True), None),
        (eyes(blind=True, since_us=NOW), None),
        (eyes(blind=True, last_echo_us=MISSING), None),
        (eyes(blind=True, last_echo_us=NOW - 1), Closed(until_us=NOW - 1)),
    ],
)
def test_table(state, expected):
    assert step(state, NOW) == expected


@pytest.mark.parametrize(
    ("last_cycle_us", "expected"),
    [
        (None, False),
        (NOW - RESTART_GAP_US + 1, False),
        (NOW - RESTART_GAP_US, True),
        (NOW - RESTART_GAP_US - 1, True),
    ],
)
def test_a_restart_after_a_gap_was_blind(last_cycle_us, expected):
    gap = restart_gap(last_cycle_us, NOW)
    assert (gap is not None) == expected
    if gap is not None:
        assert gap.from_us == last_cycle_us
