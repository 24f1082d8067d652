"""Which of several facts of a person counts: of one id, the one that was recorded last.

Of two that were recorded in the same microsecond the one that takes back counts, else the one whose content
comes last as canonical JSON: no order of arrival shows.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from fleet.facts.model import Blindness, Commissioning, Maintenance, Membership, OperatorStatement, PersonFact

Person = TypeVar("Person", Blindness, Maintenance, Membership, Commissioning, OperatorStatement)


def newest(facts: Iterable[Person]) -> list[Person]:
    """Return the newest fact of each id, in order of id."""
    kept: dict[str, Person] = {}
    for fact in facts:
        other = kept.get(fact.id)
        if other is None or _rank(fact) > _rank(other):
            kept[fact.id] = fact
    return [kept[key] for key in sorted(kept)]


def current(facts: Iterable[Person]) -> list[Person]:
    """Return the newest fact of each id that was not taken back."""
    return [fact for fact in newest(facts) if not _taken_back(fact)]


def _rank(fact: PersonFact) -> tuple[int, bool, bytes]:
    return fact.recorded_at_us, _taken_back(fact), msgspec.json.encode(fact, order="deterministic")


def _taken_back(fact: PersonFact) -> bool:
    match fact:
        case Commissioning():
            return fact.void
        case Blindness():
            return False
        case _:
            return fact.withdrawn
