"""Rollouts in a person's words, French first."""

from collections.abc import Mapping

from agent.wire.reasons import text
from fleet.lang.i18n import catalogue, t
from fleet.lang.reasons import in_words
from fleet.rollouts.choice import refusal_of
from fleet.rollouts.model import GatewayStep, Hold, Step
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
