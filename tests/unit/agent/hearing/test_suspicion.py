"""Which hours teach: those seen from their first look to their last, with the radio receiving throughout."""

import pytest

from agent.hearing.expectation import HOUR_US, SAMPLES_AN_HOUR
from agent.hearing.suspicion import Hour, _Hour
from agent.observation import DataPathState
from agent.wire import reasons
from agent.wire.messages import Radio

Look = tuple[float, int, bool]
"""Hours of UTC, frames since the start, whether the radio receives."""


def path(received: int, samples: int = 0) -> DataPathState:
    return DataPathState(
        radio=Radio.RECEIVING,
        radio_reason=reasons.radio.counter_still(),
        radio_since_us=0,
        connectors=(),
        spool_records=0,
        spool_accepting=True,
        received=received,
        noise_dbm=-104.0,
        noise_samples=samples,
    )


def ended(looks: list[Look], samples: int = 0) -> list[Hour]:
    hour = _Hour()
    found = []
    for at_h, total, receiving in looks:
        past = path(total, samples if total else 0)
        one = hour.look(int(at_h * HOUR_US), past, receiving=receiving, measured_dbm=None)
        if one is not None:
            found.append(one)
    return found


@pytest.mark.parametrize(
    ("looks", "hours"),
    [
        ([(5.0, 0, True), (5.5, 9, True), (6.0, 12, True)], []),
        ([(4.9, 0, True), (5.0, 2, True), (5.5, 9, True), (6.0, 12, True)], [(5, 10)]),
        ([(4.9, 0, True), (5.0, 2, True), (5.5, 9, False), (6.0, 12, True)], []),
        ([(4.9, 0, True), (5.0, 2, False), (5.5, 9, True), (6.0, 12, True)], []),
        ([(4.9, 0, True), (5.0, 2, True), (7.0, 12, True)], []),
        ([(22.9, 0, True), (23.0, 2, True), (24.0, 5, True), (25.0, 9, True)], [(23, 3), (0, 4)]),
    ],
    ids=["from its middle", "whole", "radio off within", "radio off at first", "unseen after", "midnight"],
)
def test_only_a_whole_hour_counts(looks: list[Look], hours: list[tuple[int, int]]) -> None:
    assert [(one.of_day, one.frames) for one in ended(looks)] == hours


@pytest.mark.parametrize(("samples", "floor_dbm"), [(SAMPLES_AN_HOUR - 1, None), (SAMPLES_AN_HOUR, -104.0)])
def test_few_weak_frames_tell_no_floor(samples: int, floor_dbm: float | None) -> None:
    (one,) = ended([(4.9, 0, True), (5.0, 0, True), (6.0, 9, True)], samples)
    assert one.floor_dbm == floor_dbm
