"""Whether the noise floor is strange for this gateway, judged by its own past (pure).

For each hour of the day (UTC) the past holds a mean of the noise floor in dBm.  A floor that fell says that
less reaches the receiver (antenna, cable, front end); one that rose says that somebody disturbs.

``SHIFT_DB`` is our own choice: an antenna or front end that is lost takes 20 dB and more, and the thermal
noise of 125 kHz with a noise figure of 6 dB (-174 + 51 + 6 = -117 dBm) bounds it below; one place moves by a
few dB from day to day at the same hour.
"""

from enum import StrEnum

import msgspec

SHIFT_DB = 10.0
SAMPLES_AN_HOUR = 20
"""Weak frames in an hour for its estimate to count: the running mean has then followed."""
LEARNED_DAYS = 3
MEMORY_DAYS = 14
HOURS = 24


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


def judge_noise(past: NoisePast, hour: int, floor_dbm: float) -> tuple[Floor, str]:
    """Return what the floor of an hour is against the past, and why in a sentence."""
    if past.days[hour] < LEARNED_DAYS:
        return Floor.UNKNOWN, ""
    usual_dbm = past.means_dbm[hour]
    words = f"noise floor {floor_dbm:.0f} dBm, {usual_dbm:.0f} dBm was usual at this hour"
    if floor_dbm <= usual_dbm - SHIFT_DB:
        return Floor.FALLEN, words
    if floor_dbm >= usual_dbm + SHIFT_DB:
        return Floor.RAISED, words
    return Floor.USUAL, words
