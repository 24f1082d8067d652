"""People and their duty as values."""

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum


class Period(StrEnum):
    """How often a rotation hands over."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be called."""

    id: int
    name: str
    email: str
    phone: str = ""
    language: str = "fr"
    skills: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    """Département, EPCI or INSEE codes; empty means everywhere."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One person's fixed duty ``[from_us, until_us)``; an override replaces the level's rotation."""

    person_id: int
    level: int
    from_us: int
    until_us: int
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People in turn, handing over at a local hour (Europe/Paris)."""

    name: str
    level: int
    period: Period
    starts_on: date
    handover: time
    person_ids: tuple[int, ...]
    holidays_person_id: int | None = None
    """Who takes French public holidays instead, from handover to handover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """Everything that decides who is on call."""

    spans: tuple[Span, ...] = ()
    rotations: tuple[Rotation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Who is on call for one level, and why."""

    person_id: int
    level: int
    from_us: int
    until_us: int
    source: str
    """``override``, ``holiday``, ``span`` or the rotation's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallNow:
    """One person on call, for pages and messages."""

    person: Person
    duty: Duty
