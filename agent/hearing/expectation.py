"""Whether silence or the noise floor is strange for this gateway, judged by its own past (pure).

For each hour of the day the past holds a mean of frames heard, any CRC verdict, learned from days on which
the radio received.  Silence is suspected when this gateway's past says that ``ENOUGH_EXPECTED`` frames
should have come since the last one.  Were frames a Poisson process, a false alarm then had probability
exp(-20) = 2e-9; sensors report together and are removed together, so only a quarter of the past is
counted on.  A gateway that hears little is never suspected: its past cannot tell.  A radio that hears far
fewer frames than its past over ``FEWER_HOURS`` is strange too: it lost most of its sensitivity.

For each hour of the day (UTC) the past also holds a mean of the noise floor in dBm.  A floor that fell says
that less reaches the receiver (antenna, cable, front end); one that rose says that somebody disturbs.
``SHIFT_DB`` is our own choice: an antenna or front end that is lost takes 20 dB and more, and the thermal
noise of 125 kHz with a noise figure of 6 dB (-174 + 51 + 6 = -117 dBm) bounds it below; at one site it moves
by a few dB from day to day at the same hour.
"""

from enum import StrEnum

import msgspec

from agent.wire import reasons
from agent.wire.reasons import Reason

SHIFT_DB = 10.0
SAMPLES_AN_HOUR = 20
"""Weak frames in an hour for its estimate to count: the running mean has then followed."""
HOURS = 24
HOUR_US = 3_600_000_000
ENOUGH_EXPECTED = 20.0
TRUSTED_SHARE = 0.25
LEARNED_DAYS = 3
"""Days seen of an hour before that hour counts."""
FEWER_HOURS = 6
"""Whole hours looked at together: what a market day or a power cut of one street moves is less."""
FEWER_SHARE = 0.1
"""So small a share of the usual frames is strange; a trusted quarter would be two and a half times that."""
MEMORY_DAYS = 14
"""Weight of a day in the mean: 1/14 once that many were seen."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Mean frames an hour by hour of the day (UTC), and days seen of each."""

    means: tuple[float, ...] = (0.0,) * HOURS
    days: tuple[int, ...] = (0,) * HOURS


def learn(past: Past, hour: int, frames: int) -> Past:
    """Return the past after one more whole hour in which the radio received."""
    days = past.days[hour] + 1
    weight = 1 / min(days, MEMORY_DAYS)
    mean = past.means[hour] + (frames - past.means[hour]) * weight
    return Past(
        means=(*past.means[:hour], mean, *past.means[hour + 1 :]),
        days=(*past.days[:hour], days, *past.days[hour + 1 :]),
    )


def expected_frames(past: Past, silent_from_us: int, now_us: int) -> float:
    """Return how many frames the past says should have come in [silent_from, now), both UTC."""
    total, at_us = 0.0, silent_from_us
    limit_us = max(silent_from_us, now_us - 24 * HOUR_US)
    at_us = limit_us
    while at_us < now_us:
        until_us = min(now_us, (at_us // HOUR_US + 1) * HOUR_US)
        hour = at_us // HOUR_US % 24
        if past.days[hour] >= LEARNED_DAYS:
            total += past.means[hour] * (until_us - at_us) / HOUR_US
        at_us = until_us
    return total * TRUSTED_SHARE


def suspicion(past: Past, silent_from_us: int, now_us: int) -> Reason | None:
    """Return why the silence since ``silent_from_us`` is strange, or None."""
    expected = expected_frames(past, silent_from_us, now_us)
    if expected < ENOUGH_EXPECTED:
        return None
    return reasons.hearing.silent(
        silent_min=(now_us - silent_from_us) // 60_000_000, usual_frames=round(expected / TRUSTED_SHARE)
    )


def usual_frames(past: Past, hour: int) -> float | None:
    """Return the mean of an hour of the day, or None while too few days were seen of it."""
    return past.means[hour] if past.days[hour] >= LEARNED_DAYS else None


def fewer(hours: tuple[tuple[float, int], ...]) -> Reason | None:
    """Return why the frames of whole hours in a row, each (usual, received), are strangely few, or None."""
    usual, received = sum(mean for mean, _ in hours), sum(frames for _, frames in hours)
    enough = len(hours) >= FEWER_HOURS and usual * TRUSTED_SHARE >= ENOUGH_EXPECTED
    if not enough or received > usual * FEWER_SHARE:
        return None
    return reasons.hearing.fewer(heard_frames=received, span_h=len(hours), usual_frames=round(usual))


class Floor(StrEnum):
    """What the noise floor does against its own past."""

    UNKNOWN = "unknown"
    """No past yet, or too little heard in this hour."""
    USUAL = "usual"
    FALLEN = "fallen"
    RAISED = "raised"


class NoisePast(msgspec.Struct, frozen=True, kw_only=True):
    """Mean floor by hour of the day, dBm, and days seen of each."""

    means_dbm: tuple[float, ...] = (0.0,) * HOURS
    days: tuple[int, ...] = (0,) * HOURS


def learn_noise(past: NoisePast, hour: int, floor_dbm: float) -> NoisePast:
    """Return the past after one more hour with a floor that counts.

    >>> learn_noise(NoisePast(), 3, -104.0).means_dbm[3]
    -104.0
    """
    days = past.days[hour] + 1
    mean = past.means_dbm[hour] + (floor_dbm - past.means_dbm[hour]) / min(days, MEMORY_DAYS)
    return NoisePast(
        means_dbm=(*past.means_dbm[:hour], mean, *past.means_dbm[hour + 1 :]),
        days=(*past.days[:hour], days, *past.days[hour + 1 :]),
    )


def judge_noise(past: NoisePast, hour: int, floor_dbm: float) -> tuple[Floor, Reason | None]:
    """Return what the floor of an hour is against the past, and why."""
    if past.days[hour] < LEARNED_DAYS:
        return Floor.UNKNOWN, None
    usual_dbm = past.means_dbm[hour]
    why = reasons.hearing.noise_floor(floor_dbm=round(floor_dbm), usual_dbm=round(usual_dbm))
    if floor_dbm <= usual_dbm - SHIFT_DB:
        return Floor.FALLEN, why
    if floor_dbm >= usual_dbm + SHIFT_DB:
        return Floor.RAISED, why
    return Floor.USUAL, why
