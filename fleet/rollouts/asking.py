"""The safety oracle asked with what the database knows: who is out, who hears whom, who may go along."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.live.model import NetworkNow
from fleet.live.restore import restored_network
from fleet.rollouts.absences import load_absences, load_view
from fleet.safety.absences import OUT_US
from fleet.safety.model import LIMITS, REPAIR_LIMITS, Absence, Answer, Question, SafetyLimits
from fleet.safety.oracle import most_with, ok_to_stop
from fleet.safety.words import refusal_in_words

EUIS_LIMIT = 2_000
"""Gateways of one question; the network has 1,615."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The answer, and who may go along."""

    answer: Answer
    along: tuple[str, ...] = ()
    absences: frozenset[Absence] = frozenset()
    """Who was out, or about to be, when it was asked."""


def ask(
    connection: Connection,
    network: NetworkNow,
    settings: ContractSettings,
    *,
    euis: Sequence[str],
    window: Window,
    most: int = 0,
    limits: SafetyLimits = LIMITS,
) -> Asked:
    """Return whether ``euis`` may be out together in the window, and up to ``most`` others with them.

    Raises:
        ValueError: no gateway, or more than ``EUIS_LIMIT``.
    """
    if len(euis) > EUIS_LIMIT:
        raise ValueError(f"euis: at most {EUIS_LIMIT}, not {len(euis)}")
    question = Question(euis=tuple(dict.fromkeys(euis)), window=window)
    view = load_view(connection, network, settings)
    absences = load_absences(connection, settings, network.at_us)
    answer = ok_to_stop(view, question, absences, limits)
    if not most or not answer.is_yes:
        return Asked(answer=answer, absences=frozenset(absences))
    candidates = [eui for eui in network.gateways if view.serves(eui, window)]
    along = most_with(view, question, candidates=candidates, most=most, absences=absences, limits=limits)
    return Asked(answer=answer, along=along, absences=frozenset(absences))


def document(asked: Asked) -> dict[str, Any]:
    """Return the answer as machines read it."""
    return {
        "ok": asked.answer.is_yes,
        "refusals": asked.answer.refusals,
        "degraded": asked.answer.degraded,
        "with": list(asked.along),
    }


def why_not(
    connection: Connection, settings: ContractSettings, eui: str, now_us: int, lang: str = "fr"
) -> list[str]:
    """Return in words why a gateway may not be out for a moment now; empty: it may."""
    network = restored_network(connection, settings, now_us)
    asked = ask(
        connection,
        network,
        settings,
        euis=[eui],
        window=Window(now_us, now_us + OUT_US),
        limits=REPAIR_LIMITS,
    )
    names = {one.eui: one.name for one in network.gateways.values()}
    return [refusal_in_words(lang, one, names) for one in asked.answer.refusals]
