"""The answer of the oracle in a person's words, French first."""

from collections.abc import Mapping

from fleet.lang.i18n import t
from fleet.safety.model import Absence, Degraded, Refusal

NAMED_LIMIT = 3
"""Gateways that one sentence names; the others are counted."""


def refusal_in_words(lang: str, refusal: Refusal, names: Mapping[str, str]) -> str:
    """Return why a gateway may not go; ``names``: EUI → name of the gateway's site."""
    sentence = t(
        lang,
        f"safety.refused.{refusal.kind}",
        gateway=names.get(refusal.eui, refusal.eui),
        commune=refusal.commune,
        count=refusal.sensors,
    )
    if not refusal.out:
        return sentence
    out = _listed(lang, [names.get(eui, eui) for eui in refusal.out])
    why = "".join(f" ({absence_in_words(lang, one)})" for one in refusal.absences[:1])
    return f"{sentence} {t(lang, 'safety.missing', names=out)}{why}."


def absence_in_words(lang: str, absence: Absence) -> str:
    """Return why a gateway is out."""
    return t(lang, f"safety.absence.{absence.kind}", reference=absence.reference)


def degraded_in_words(lang: str, degraded: Degraded) -> str:
    """Return what becomes worse although it is allowed."""
    return t(lang, f"safety.degraded.{degraded.kind}", commune=degraded.commune, count=degraded.sensors)


def _listed(lang: str, names: list[str]) -> str:
    more = len(names) - NAMED_LIMIT
    shown = ", ".join(names[:NAMED_LIMIT])
    return shown if more <= 0 else t(lang, "safety.and_more", names=shown, count=more)
