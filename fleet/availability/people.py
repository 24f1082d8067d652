"""What people did that can change a month: works, withdrawals, causes, corrections, with who and when; pure.

``retroactive`` is what was recorded after the time that it is about began: a reader finds it on page 1.
What it changes follows the rules of AVAILABILITY §5; a change without effect is listed all the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from fleet.availability import commissioning
from fleet.availability.reckoning import MonthInput
from fleet.availability.works import excused
from fleet.facts.intervals import Interval, total
from fleet.facts.model import Commissioning, Maintenance, OperatorStatement
from fleet.facts.months import Window, month_window
from fleet.facts.settings import ContractSettings


class ChangeKind(StrEnum):
    """What a person did."""

    WORKS_ANNOUNCED = "works_announced"
    WORKS_WITHDRAWN = "works_withdrawn"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    CAUSE_STATED = "cause_stated"
    SNAPSHOT_CORRECTED = "snapshot_corrected"
    """Members, weights or settings of a month that had begun."""


class Effect(StrEnum):
    """What the rules make of it."""

    EXCUSES = "excuses"
    """Time without service within it may be excluded, within the caps."""
    COUNTS_FROM = "counts_from"
    """The gateway counts, or counts no more, from ``effective_us`` on."""
    CAUSE_ONLY = "cause_only"
    """Another cause or responsible party, no figure."""
    CORRECTS = "corrects"
    """The month stands on another snapshot."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """One thing that a person did about a month."""

    kind: ChangeKind
    recorded_at_us: int
    who: str
    second: str = ""
    """Who agreed; empty: nobody was asked."""
    euis: tuple[str, ...] = ()
    from_us: int
    """The time that it is about."""
    until_us: int | None = None
    reason: str = ""
    id: str = ""
    retroactive: bool
    effect: Effect
    effective_us: int | None = None


def changes(given: MonthInput) -> tuple[PersonChange, ...]:
    """Return what people did about a month, in order of its record."""
    window, settings = month_window(given.month), given.settings
    found: set[PersonChange] = set(_corrections(given))
    for one in given.facts.gateways.values():
        for works in one.maintenances:
            if works.start_us < window.end_us and works.end_us > window.start_us:
                found.add(_of_works(works, one.maintenances, settings))
        for fact in one.commissioning:
            if _touches(fact, window, settings):
                found.add(_of_commissioning(fact, settings))
        for statement in one.statements:
            if statement.start_us < window.end_us and statement.end_us > window.start_us:
                found.add(_of_statement(statement))
    return tuple(sorted(found, key=_order))


def _order(one: PersonChange) -> tuple[int, bytes]:
    return one.recorded_at_us, msgspec.json.encode(one, order="deterministic")


def _corrections(given: MonthInput) -> Iterator[PersonChange]:
    window = month_window(given.month)
    for one in given.snapshots:
        if one.version > 1:
            yield PersonChange(
                kind=ChangeKind.SNAPSHOT_CORRECTED,
                recorded_at_us=one.taken_at_us,
                who=one.author,
                second=one.second,
                from_us=window.start_us,
                until_us=window.end_us,
                reason=one.reason,
                id=str(one.version),
                retroactive=True,
                effect=Effect.CORRECTS,
            )


def _of_works(
    one: Maintenance, revisions: tuple[Maintenance, ...], settings: ContractSettings
) -> PersonChange:
    excuses: list[Interval] = excused(one, revisions, settings)
    return PersonChange(
        kind=ChangeKind.WORKS_WITHDRAWN if one.withdrawn else ChangeKind.WORKS_ANNOUNCED,
        recorded_at_us=one.recorded_at_us,
        who=one.withdrawn_by if one.withdrawn else one.approved_by,
        euis=one.euis,
        from_us=one.start_us,
        until_us=one.end_us,
        reason=one.reason,
        id=one.id,
        retroactive=one.recorded_at_us > one.start_us,
        effect=Effect.EXCUSES if total(excuses) else Effect.NONE,
    )


def _touches(fact: Commissioning, window: Window, settings: ContractSettings) -> bool:
    """Return whether an acceptance or withdrawal is about the window, as typed, recorded or counted."""
    instants = (fact.at_us, fact.recorded_at_us, commissioning.effective_us(fact, settings))
    return any(window.start_us < at_us < window.end_us for at_us in instants)


def _of_commissioning(fact: Commissioning, settings: ContractSettings) -> PersonChange:
    return PersonChange(
        kind=ChangeKind.ACCEPTED if fact.kind is commissioning.ACCEPTED else ChangeKind.WITHDRAWN,
        recorded_at_us=fact.recorded_at_us,
        who=fact.who,
        second=fact.second,
        euis=(fact.eui,),
        from_us=fact.at_us,
        reason=fact.reason or "",
        id=fact.id,
        retroactive=fact.recorded_at_us > fact.at_us or fact.void,
        effect=Effect.COUNTS_FROM,
        effective_us=commissioning.effective_us(fact, settings),
    )


def _of_statement(one: OperatorStatement) -> PersonChange:
    return PersonChange(
        kind=ChangeKind.CAUSE_STATED,
        recorded_at_us=one.recorded_at_us,
        who=one.who,
        euis=(one.eui,),
        from_us=one.start_us,
        until_us=one.end_us,
        reason=one.text,
        id=one.id,
        retroactive=one.recorded_at_us > one.start_us,
        effect=Effect.NONE if one.withdrawn else Effect.CAUSE_ONLY,
    )
