"""Heartbeats of unbelieved clocks beside one believed: moved while the drift allows it, else left."""

import pytest

from fleet.availability.placing import DRIFT_PPM, Point, placed_by_uptime
from fleet.facts.settings import DEFAULTS
from tests.unit.fleet.availability.making import T0, run

REACH_MS = DEFAULTS.time_agreement_us * 1000 // DRIFT_PPM
"""So far from a believed heartbeat a clock has drifted by no more than the agreement."""
LATE_US = 5_000_000


def point(uptime_ms, *, trusted, late_us=0):
    return Point(
        at_us=T0 + uptime_ms * 1000 + late_us,
        uptime_ms=uptime_ms,
        journal_seq=0,
        beat=run(0, 0, 0, trusted=trusted),
    )


@pytest.mark.parametrize(("away_ms", "late_us"), [(REACH_MS, 0), (REACH_MS + 10, LATE_US)])
@pytest.mark.parametrize("side", [1, -1])
def test_beside_one_believed_heartbeat(away_ms, late_us, side):
    believed_ms = 2 * REACH_MS
    believed = point(believed_ms, trusted=True)
    other = point(believed_ms + side * away_ms, trusted=False, late_us=LATE_US)
    placed = placed_by_uptime(sorted((believed, other), key=lambda one: one.uptime_ms), DEFAULTS)
    (moved,) = [one for one in placed if one.uptime_ms != believed_ms]
    assert moved.at_us - (T0 + moved.uptime_ms * 1000) == late_us


@pytest.mark.parametrize(("first_late_us", "last_late_us"), [(0, LATE_US), (LATE_US, 0), (0, 0), (0, 5)])
def test_of_two_unbelieved_heartbeats_the_later_received_is_moved_as_far_as_the_drift_allows(
    first_late_us, last_late_us
):
    away_ms = 1_000_000
    drift_us = away_ms * DRIFT_PPM // 1000
    beats = [
        point(0, trusted=False, late_us=first_late_us),
        point(away_ms, trusted=False, late_us=last_late_us),
    ]
    placed = placed_by_uptime(beats, DEFAULTS)
    late = [one.at_us - (T0 + one.uptime_ms * 1000) for one in placed]
    assert 5 < drift_us < LATE_US
    assert late == [min(first_late_us, last_late_us + drift_us), min(last_late_us, first_late_us + drift_us)]
