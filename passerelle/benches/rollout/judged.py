"""Canary waves over noisy virtual gateways: does the judge stay calm, and does it catch what was planted?

Frames of an hour are Poisson around a gateway's level (100 to 1,000 an hour, evenly in the logarithm) x the
hour of the day (40 % up and down) x the day of the whole network (log-normal, 10 %) x the gateway's own day
(4 %): radio weather, sensors that come and go.  Round trips, memory and restarts have levels and noise too.
"""

import math
import random
from enum import StrEnum
from functools import lru_cache

from fleet.rollouts.judge import Evidence, Measured, Metric, judge
from fleet.rollouts.measurements import USUAL_DAYS
from fleet.rollouts.model import Judgement

CANARIES, CONTROLS = 5, 100
SOAK_HOURS = 24
DAY_SPREAD, OWN_DAY_SPREAD = 0.10, 0.04
PLANTED = 0.15


class Loss(StrEnum):
    """What the change does to the canaries."""

    NONE = "none"
    FRAMES = "frames"


def halts(seed: int, loss: Loss) -> bool:
    """Return whether the judge halts a canary wave in any of its looks: every hour, and at the end."""
    chance = random.Random(f"{seed} {loss}")  # noqa: S311 a seed that gives the same again
    network_days = [math.exp(chance.gauss(0, DAY_SPREAD)) for _ in range(USUAL_DAYS + 1)]
    kept = 1 - PLANTED if loss is Loss.FRAMES else 1.0
    wave = [_gateway(chance, network_days, kept) for _ in range(CANARIES)]
    control = [_gateway(chance, network_days, 1.0) for _ in range(CONTROLS)]
    for hours in range(1, SOAK_HOURS + 1):
        evidence = {
            metric: Evidence(
                wave=[one[metric][hours - 1] for one in wave],
                control=[one[metric][hours - 1] for one in control],
            )
            for metric in Metric
        }
        if judge(evidence, final=hours == SOAK_HOURS)[0] is Judgement.WORSE:
            return True
    return False


def _gateway(chance: random.Random, network_days: list[float], kept: float) -> dict[Metric, list[Measured]]:
    """Return each metric of a gateway after each hour of the soak; the first day is today."""
    level = 100 * 10 ** chance.random()
    frames, rtt, memory, restarts = [], [], [], []
    rtt_ms, memory_percent = chance.uniform(30, 200), chance.uniform(20, 60)
    for number, network_day in enumerate(network_days):
        own_day = network_day * math.exp(chance.gauss(0, OWN_DAY_SPREAD))
        share = kept if number == 0 else 1.0
        frames.append(
            [_poisson(chance, level * own_day * share * _rhythm(hour)) for hour in range(SOAK_HOURS)]
        )
        day_rtt_ms = rtt_ms * math.exp(chance.gauss(0, 0.1))
        rtt.append([day_rtt_ms * math.exp(chance.gauss(0, 0.2)) for _ in range(SOAK_HOURS)])
        memory.append([memory_percent + chance.gauss(0, 1) for _ in range(SOAK_HOURS)])
        restarts.append([float(chance.random() < 0.002) for _ in range(SOAK_HOURS)])
    return {
        Metric.FRAMES: _over_time(frames, mean=False),
        Metric.RTT: _over_time(rtt, mean=True),
        Metric.MEMORY: _over_time(memory, mean=True),
        Metric.RESTARTS: _over_time(restarts, mean=False),
    }


def _over_time(days: list[list[float]], *, mean: bool) -> list[Measured]:
    """Return what is measured after each hour: sums or means since the soak began."""
    sums = [0.0] * len(days)
    found = []
    for hour in range(SOAK_HOURS):
        sums = [total + day[hour] for total, day in zip(sums, days, strict=True)]
        values = [total / (hour + 1) for total in sums] if mean else sums
        found.append(Measured(now=values[0], usual=tuple(values[1:])))
    return found


@lru_cache(maxsize=SOAK_HOURS)
def _rhythm(hour: int) -> float:
    return 1 + 0.4 * math.sin(2 * math.pi * hour / SOAK_HOURS)


def _poisson(chance: random.Random, mean: float) -> float:
    """The normal approximation: hours here have 50 frames and more."""
    return max(0.0, round(chance.gauss(mean, math.sqrt(mean))))
