"""From when acceptances and withdrawals count: never before they were recorded (AVAILABILITY §5); pure.

    ACCEPTED   from the typed instant, or from its record if that is later
    WITHDRAWN  so long after its record as ``withdrawal_notice_us`` says; with a second person and a listed
               reason at once; never before the typed instant
    taken back an acceptance is a withdrawal, a withdrawal an acceptance, from its record on

An acceptance that is recorded while a withdrawal waits takes that back.  What was recorded last holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.facts.model import Commissioning, CommissioningKind
from fleet.facts.settings import ContractSettings

ACCEPTED, WITHDRAWN = CommissioningKind.ACCEPTED, CommissioningKind.WITHDRAWN


@dataclass(frozen=True, slots=True)
class Edge:
    """One change of whether a gateway counts."""

    at_us: int
    """From when it counts."""
    counts: bool
    id: str
    """The fact that says so has this id."""


def edges(facts: Iterable[Commissioning], settings: ContractSettings) -> list[Edge]:
    """Return the edges in order of time; what a later record took back is not among them."""
    kept: list[Edge] = []
    for fact in sorted(set(facts), key=_recorded):
        edge = Edge(effective_us(fact, settings), _counts(fact), fact.id)
        if edge.counts:
            kept = [one for one in kept if one.counts or one.at_us < edge.at_us]
        kept.append(edge)
    return sorted(kept, key=lambda one: (one.at_us, one.counts, one.id))


def effective_us(fact: Commissioning, settings: ContractSettings) -> int:
    """Return from when one fact counts."""
    if _counts(fact):
        return fact.recorded_at_us if fact.void else max(fact.at_us, fact.recorded_at_us)
    notice_us = 0 if agreed(fact) else settings.withdrawal_notice_us
    typed_us = fact.recorded_at_us if fact.void else fact.at_us
    return max(typed_us, fact.recorded_at_us + notice_us)


def agreed(fact: Commissioning) -> bool:
    """Return whether a second person agreed to a withdrawal for a listed reason."""
    return fact.reason is not None and fact.second not in ("", fact.who)


def _counts(fact: Commissioning) -> bool:
    return (fact.kind is ACCEPTED) != fact.void


def _recorded(fact: Commissioning) -> tuple[int, int, bool, str, str, str]:
    """Order facts by their record; of one instant the one that lets a gateway count comes first."""
    return fact.recorded_at_us, fact.at_us, not _counts(fact), fact.id, fact.who, fact.second
