"""The judge: what is worse, what is not, and what nobody can say."""

from dataclasses import replace

import pytest

from fleet.rollouts.judge import (
    CONTROL_MIN,
    FRAMES_MIN,
    USUAL_DAYS_MIN,
    WAVE_MIN,
    Evidence,
    Measured,
    Metric,
    judge,
)
from fleet.rollouts.model import Judgement
from fleet.rollouts.words import finding_in_words
from passerelle.benches.rollout.judged import Loss, halts

FINE, WORSE, NOT_ENOUGH = Judgement.FINE, Judgement.WORSE, Judgement.NOT_ENOUGH


def group(count, now, usual, days=7):
    """Gateways of different levels that all differ alike from what is usual."""
    return [
        Measured(
            now=now * (1 + number / 50) * (1 + number % 7 / 500), usual=(usual * (1 + number / 50),) * days
        )
        for number in range(count)
    ]


def evidence(wave=5, control=60, **now):
    """Every metric as usual for both groups, but for the wave's value of those that are named."""
    usual = {Metric.FRAMES: 1000, Metric.RTT: 80, Metric.MEMORY: 40, Metric.RESTARTS: 0}
    return {
        metric: Evidence(
            wave=group(wave, now.get(metric, level), level), control=group(control, level, level)
        )
        for metric, level in usual.items()
    }


def verdicts(found, *, final=True):
    return {one.metric: one.judgement for one in judge(found, final=final)[1]}


def test_nothing_changed_is_fine():
    assert judge(evidence(), final=True)[0] is FINE
    assert set(verdicts(evidence()).values()) == {FINE}


@pytest.mark.parametrize(
    ("metric", "now"),
    [(Metric.FRAMES, 850), (Metric.FRAMES, 0), (Metric.RTT, 120), (Metric.MEMORY, 50), (Metric.RESTARTS, 2)],
)
def test_one_metric_that_is_worse_makes_the_wave_worse(metric, now):
    found = evidence(**{metric: now})
    assert judge(found, final=True)[0] is WORSE
    assert [one for one, verdict in verdicts(found).items() if verdict is WORSE] == [metric]


@pytest.mark.parametrize(
    ("metric", "now"), [(Metric.FRAMES, 970), (Metric.FRAMES, 1500), (Metric.RTT, 90), (Metric.MEMORY, 20)]
)
def test_better_is_fine_and_so_is_what_does_not_matter(metric, now):
    assert judge(evidence(**{metric: now}), final=True)[0] is FINE


def test_what_happens_to_everybody_is_not_the_change():
    calm = evidence(frames=400)
    storm = {
        metric: replace(one, control=group(60, 400, 1000)) if metric is Metric.FRAMES else one
        for metric, one in calm.items()
    }
    assert judge(calm, final=True)[0] is WORSE
    assert judge(storm, final=True)[0] is FINE


@pytest.mark.parametrize(
    ("wave", "control", "verdict"),
    [
        (WAVE_MIN - 1, 60, NOT_ENOUGH),
        (WAVE_MIN, 60, WORSE),
        (5, CONTROL_MIN - 1, NOT_ENOUGH),
        (5, CONTROL_MIN, WORSE),
        (WAVE_MIN, CONTROL_MIN, NOT_ENOUGH),
        (0, 0, NOT_ENOUGH),
    ],
)
def test_too_few_gateways_never_pass(wave, control, verdict):
    assert judge(evidence(wave, control, frames=0), final=True)[0] is verdict


@pytest.mark.parametrize(
    ("frames", "days", "verdict"),
    [
        (FRAMES_MIN, 7, FINE),
        (FRAMES_MIN - 1, 7, NOT_ENOUGH),
        (1000, USUAL_DAYS_MIN, FINE),
        (1000, USUAL_DAYS_MIN - 1, NOT_ENOUGH),
    ],
)
def test_too_few_observations_never_pass(frames, days, verdict):
    steady = [Measured(now=frames, usual=(frames,) * days)]
    found = evidence() | {Metric.FRAMES: Evidence(wave=steady * 5, control=steady * 60)}
    assert judge(found, final=True)[0] is verdict
    assert verdicts(found)[Metric.FRAMES] is verdict


def test_what_nobody_measures_is_left_out_and_what_ends_with_the_change_is_not():
    never = Evidence(wave=[Measured(now=None, usual=())] * 5, control=[])
    ended = Evidence(wave=[Measured(now=None, usual=(80,) * 7)] * 5, control=group(60, 80, 80))
    assert judge(evidence() | {Metric.RTT: never}, final=True)[0] is FINE
    assert judge(evidence() | {Metric.RTT: ended}, final=True)[0] is NOT_ENOUGH
    assert judge(evidence() | {Metric.FRAMES: never}, final=True)[0] is NOT_ENOUGH


def test_an_early_look_asks_for_more_than_the_last():
    few = evidence(5, 22, frames=850)
    assert judge(few, final=True)[0] is WORSE
    assert judge(few, final=False)[0] is not WORSE
    assert judge(evidence(5, 100, frames=850), final=False)[0] is WORSE


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_verdict_is_a_sentence(lang):
    bad = evidence(frames=820, rtt=200, memory=80, restarts=1)
    for found in (bad, evidence(), evidence(1, 1)):
        for one in judge(found, final=True)[1]:
            assert "{" not in finding_in_words(lang, one)
    sentence = finding_in_words("fr", judge(bad, final=True)[1][0]).replace("\u202f", " ")
    assert sentence.startswith("moins de trames qu’à l’ordinaire : −18 %, p < 0,001")


def test_rollouts_that_change_nothing_go_on_and_planted_losses_are_caught():
    """A bounded part of ``passerelle bench rollout``, which takes a thousand seeds of each."""
    assert sum(halts(seed, Loss.NONE) for seed in range(25)) == 0
    assert sum(halts(seed, Loss.FRAMES) for seed in range(25)) >= 24
