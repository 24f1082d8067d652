"""A balance of frames closes, or says by how much and where; a reference device that fell silent is named."""

import pytest

from agent.observation import HEARD_BEFORE, PERIODS_MISSED, Balance, ReferenceState
from agent.wire import reasons

CLOSED = {
    "restored": 5,
    "received": 20,
    "delivered": 12,
    "dropped": {"full": 2, "age": 1},
    "reserve": 10,
    "queued": 10,
}


@pytest.mark.parametrize(
    ("changed", "missing", "stranded", "off"),
    [
        ({}, 0, 0, 0),
        ({"received": 23}, 3, 0, 3),
        ({"delivered": 16}, -4, 0, 4),
        ({"dropped": {}}, 3, 0, 3),
        ({"restored": 0}, -5, 0, 5),
        ({"queued": 4}, 0, 6, 6),
        ({"queued": 12}, 0, -2, 2),
        ({"queued": 4, "readable": False}, 0, 0, 0),
        ({"queued": 4, "received": 21}, 1, 6, 6),
        ({"queued": 9, "received": 24}, 4, 1, 4),
    ],
)
def test_what_came_in_went_out_was_dropped_or_waits(changed, missing, stranded, off):
    balance = Balance(**{**CLOSED, **changed})
    assert (balance.missing, balance.stranded, balance.off) == (missing, stranded, off)


def test_a_balance_says_why():
    assert Balance(**CLOSED).why("lns") == reasons.spool.balanced(connector="lns")
    assert Balance(**{**CLOSED, "queued": 4, "received": 21}).why("lns") == reasons.spool.unbalanced(
        connector="lns",
        missing_frames=1,
        stranded_frames=6,
        restored_frames=5,
        received_frames=21,
        delivered_frames=12,
        dropped_frames=3,
        reserve_frames=10,
    )


@pytest.mark.parametrize(
    ("frames", "since_s", "now_s", "silent_s"),
    [
        (HEARD_BEFORE, 0, 100 + 60 * PERIODS_MISSED, 60 * PERIODS_MISSED),
        (HEARD_BEFORE, 0, 100 + 60 * PERIODS_MISSED - 1, None),
        (HEARD_BEFORE - 1, 0, 100 + 60 * PERIODS_MISSED, None),
        (HEARD_BEFORE, 130, 100 + 60 * PERIODS_MISSED, None),
        (HEARD_BEFORE, 130, 130 + 60 * PERIODS_MISSED, 60 * PERIODS_MISSED),
    ],
)
def test_a_reference_is_silent_after_so_many_periods_of_a_receiving_radio(frames, since_s, now_s, silent_s):
    state = ReferenceState(dev_addr="01ab23cd", period_s=60, frames=frames, received_at_us=100_000_000)
    expected = silent_s and reasons.hearing.reference_silent(
        dev_addr="01ab23cd", silent_s=silent_s, period_s=60
    )
    assert state.suspicion(now_s * 1_000_000, since_s * 1_000_000) == expected
