"""Rollouts in a person's words, French first."""

from collections.abc import Mapping

from agent.wire.reasons import Reason, text
from fleet.configurations.layers import Explained, LayerKey, LayerRefused
from fleet.lang.format import NARROW, number
from fleet.lang.i18n import catalogue, t
from fleet.lang.reasons import gateway_in_words, in_words
from fleet.rollouts.choice import refusal_of
from fleet.rollouts.judge import CONTROL_MIN, Finding, Metric
from fleet.rollouts.judging import Ruling
from fleet.rollouts.layering import Drift
from fleet.rollouts.model import GatewayStep, Hold, Judgement, Step
from fleet.rollouts.start import RolloutRefused
from fleet.safety.words import refusal_in_words


def wave_name(lang: str, name: str) -> str:
    """Return the name of a wave.

    >>> wave_name("fr", "lab"), wave_name("en", "25 %").replace("\u202f", " ")
    ('banc d’essai', '25 %')
    """
    key = f"rollout.wave.{name}"
    return t(lang, key) if key in catalogue() else name


def refused_in_words(lang: str, error: RolloutRefused) -> str:
    """Return why a rollout cannot be."""
    values = {
        name: t(lang, f"rollout.state.{value}") if name == "state" else value
        for name, value in error.values.items()
    }
    sentence = t(lang, error.key, **values)
    return f"{sentence} {text(error.why, lang)}" if error.why is not None else sentence


def hold_in_words(lang: str, one: GatewayStep, names: Mapping[str, str]) -> str:
    """Return why a gateway waits or failed; empty: neither."""
    if one.step in (Step.FAILED, Step.REVERTED) and one.failure:
        sentence = t(lang, f"rollout.failure.{one.failure}")
        return f"{sentence} {in_words(lang, one.reason)}".strip() if one.reason else sentence
    if one.step is not Step.PENDING or not one.hold:
        return ""
    refusal = refusal_of(one.eui, one.reason) if one.hold is Hold.NEEDED else None
    return t(lang, f"rollout.hold.{one.hold}") if refusal is None else refusal_in_words(lang, refusal, names)


P_SHOWN_MIN = 0.001
"""Smaller chances are written as less than this."""


def ruling_in_words(lang: str, ruling: Ruling | None) -> list[str]:
    """Return what stands of a wave, metric by metric, and who let it pass."""
    if ruling is None:
        return []
    lines = [finding_in_words(lang, one) for one in ruling.findings]
    if ruling.controls is not None and ruling.findings:
        key = "restarted" if ruling.controls >= CONTROL_MIN else "untouched"
        lines.append(t(lang, f"rollout.judge.controls.{key}", count=ruling.controls))
    if ruling.accepted_by:
        lines.append(t(lang, "rollout.judge.accepted", who=ruling.accepted_by))
    elif ruling.judgement is Judgement.NOT_ENOUGH:
        lines.append(t(lang, "rollout.judge.waits"))
    return lines


def finding_in_words(lang: str, one: Finding) -> str:
    """Return one metric's verdict.

    >>> from fleet.rollouts.judge import Finding, Metric
    >>> from fleet.rollouts.model import Judgement
    >>> worse = Finding(metric=Metric.FRAMES, judgement=Judgement.WORSE, effect=-0.18, p=0.003)
    >>> finding_in_words("fr", worse).replace("\u202f", " ")
    'moins de trames qu’à l’ordinaire : −18 %, p = 0,003'
    """
    if one.effect is None or one.p is None:
        name = t(lang, f"rollout.judge.{one.metric}")
        return t(lang, "rollout.judge.not_enough", name=name, wave=one.wave, control=one.control)
    p = f"= {number(lang, one.p, 3)}" if one.p >= P_SHOWN_MIN else f"< {number(lang, P_SHOWN_MIN, 3)}"
    values = {"effect": _effect(lang, one.metric, one.effect), "p": p}
    if one.judgement is Judgement.WORSE:
        return t(lang, f"rollout.judge.{one.metric}.worse", **values)
    return t(lang, "rollout.judge.fine", name=t(lang, f"rollout.judge.{one.metric}"), **values)


def _effect(lang: str, metric: Metric, effect: float) -> str:
    text = number(lang, effect, 1) if metric is Metric.RESTARTS else number(lang, 100 * effect)
    signed = f"+{text}" if effect > 0 else text
    return signed if metric is Metric.RESTARTS else f"{signed}{NARROW}%" if lang == "fr" else f"{signed}%"


def layer_name(lang: str, key: LayerKey) -> str:
    """Return what a layer is about.

    >>> from fleet.configurations.layers import Scope
    >>> layer_name("fr", LayerKey(Scope.COMMUNE, "37052")), layer_name("en", LayerKey(Scope.FLEET))
    ('commune 37052', 'the whole fleet')
    """
    return t(lang, f"layer.scope.{key.scope}", subject=key.subject)


def origin_in_words(lang: str, one: Explained) -> str:
    """Return which layer set a value, and which it wins over."""
    if one.origin is None:
        return t(lang, "layer.own")
    layer = layer_name(lang, one.origin)
    if not one.beaten:
        return layer
    beaten = ", ".join(layer_name(lang, key) for key in one.beaten)
    return t(lang, "layer.beats", layer=layer, beaten=beaten)


def layer_refused_in_words(lang: str, error: LayerRefused) -> str:
    """Return why a layer cannot be."""
    values = dict(error.values)
    why = values.pop("why", None)
    sentence = t(lang, error.key, **values)
    return f"{sentence} {text(why, lang)}" if isinstance(why, Reason) else sentence


def drift_in_words(lang: str, one: Drift) -> str:
    """Return why a gateway does not run what its layers say."""
    sentence = t(lang, f"layer.drift.{one.why}", rollout=one.rollout, name=one.path)
    return f"{sentence} {gateway_in_words(lang, one.reason)}" if one.reason else sentence
