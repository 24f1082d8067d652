"""What a page says of a gateway that waits or failed, and of a wave that was judged."""

import pytest

from fleet.lang.i18n import t
from fleet.rollouts.choice import kept, refusal_of
from fleet.rollouts.judge import CONTROL_MIN, Finding, Metric
from fleet.rollouts.judging import Ruling
from fleet.rollouts.model import Failure, GatewayStep, Hold, Judgement, Step
from fleet.rollouts.words import P_SHOWN_MIN, finding_in_words, hold_in_words, ruling_in_words
from fleet.safety.model import Refusal, RefusalKind

EUI = "0016c001f12a3b4c"
ALONE = Refusal(eui=EUI, kind=RefusalKind.ALONE, insee="37281", commune="Vouvray", sensors=12, out=("a", "b"))
FINE = Finding(metric=Metric.FRAMES, judgement=Judgement.FINE, effect=0.02, p=0.5)


def step(step=Step.PENDING, **fields):
    return GatewayStep(eui=EUI, wave=0, step=step, **fields)


@pytest.mark.parametrize(
    ("one", "key"),
    [
        (step(), None),
        (step(hold=Hold.OFFLINE), "rollout.hold.offline"),
        (step(Step.APPLYING, hold=Hold.OFFLINE), None),
        (step(hold=Hold.NEEDED, reason="not kept by us"), "rollout.hold.needed"),
        (step(Step.FAILED, failure=Failure.REFUSED), "rollout.failure.refused"),
        (step(Step.REVERTED, failure=Failure.REFUSED), "rollout.failure.refused"),
        (step(Step.FAILED), None),
        (step(Step.PENDING, failure=Failure.REFUSED), None),
    ],
)
def test_a_gateway_waits_for_a_reason_or_failed_for_one(one, key):
    assert hold_in_words("fr", one, {}) == ("" if key is None else t("fr", key))


def test_who_is_needed_is_so_for_the_reason_that_the_oracle_gave():
    found = hold_in_words("en", step(hold=Hold.NEEDED, reason=kept(ALONE)), {})
    assert "12" in found
    assert "Vouvray" in found
    assert found != t("en", "rollout.hold.needed")


def test_a_kept_refusal_is_read_back_and_anything_else_is_none():
    assert refusal_of(EUI, kept(ALONE)) == ALONE
    for line in ("", "{}", '{"kind": "unknown"}', "[1]"):
        assert refusal_of(EUI, line) is None


def ruling(**fields):
    defaults = {"wave": 0, "hour": 1, "final": False, "at_us": 0, "judgement": Judgement.FINE}
    return Ruling(**(defaults | fields))


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (None, []),
        (ruling(), []),
        (ruling(controls=CONTROL_MIN), []),
        (ruling(findings=(FINE,)), ["finding"]),
        (ruling(findings=(FINE,), controls=CONTROL_MIN), ["finding", "controls.restarted"]),
        (ruling(findings=(FINE,), controls=CONTROL_MIN - 1), ["finding", "controls.untouched"]),
        (ruling(judgement=Judgement.NOT_ENOUGH), ["waits"]),
        (ruling(judgement=Judgement.NOT_ENOUGH, accepted_by="anne"), ["accepted"]),
    ],
)
def test_a_ruling_is_its_findings_its_controls_and_who_let_it_pass(given, keys):
    written = {
        "finding": finding_in_words("fr", FINE),
        "waits": t("fr", "rollout.judge.waits"),
        "accepted": t("fr", "rollout.judge.accepted", who="anne"),
    }
    for name in ("restarted", "untouched"):
        count = 0 if given is None else given.controls or 0
        written[f"controls.{name}"] = t("fr", f"rollout.judge.controls.{name}", count=count)
    assert ruling_in_words("fr", given) == [written[key] for key in keys]


@pytest.mark.parametrize(("p", "written"), [(P_SHOWN_MIN, "= 0.001"), (0.0009, "< 0.001"), (0.25, "= 0.250")])
def test_a_chance_is_written_or_is_less_than_the_smallest(p, written):
    worse = Finding(metric=Metric.FRAMES, judgement=Judgement.WORSE, effect=-0.18, p=p)
    assert written in finding_in_words("en", worse)


@pytest.mark.parametrize(
    ("metric", "effect", "written"),
    [
        (Metric.FRAMES, 0.18, "+18%"),
        (Metric.FRAMES, -0.18, "−18%"),
        (Metric.RESTARTS, 1.5, "+1.5"),
        (Metric.FRAMES, 0.0, "0%"),
    ],
)
def test_an_effect_has_its_sign_and_its_unit(metric, effect, written):
    worse = Finding(metric=metric, judgement=Judgement.WORSE, effect=effect, p=0.01)
    assert written in finding_in_words("en", worse)
