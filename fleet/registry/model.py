"""Words of the registry: kinds of sites and the statuses that a gateway passes through."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.facts.model import WithdrawalReason


class Status(StrEnum):
    """From paper to withdrawal; from ``ACCEPTED`` until ``WITHDRAWN`` a gateway counts."""

    PLANNED = "planned"
    AGREED = "agreed"
    INSTALLED = "installed"
    ACCEPTED = "accepted"
    IN_SERVICE = "in_service"
    WITHDRAWN = "withdrawn"


class SiteKind(StrEnum):
    """What a gateway hangs on (MISSION, "What exists around us")."""

    CHURCH = "church"
    TOWN_HALL = "town_hall"
    WATER_TOWER = "water_tower"
    ADMINISTRATIVE = "administrative"
    SCHOOL = "school"
    PYLON = "pylon"
    OTHER = "other"


class AgreementKind(StrEnum):
    """Paper that a site needs before a screw is turned (MISSION, "The deployment")."""

    OWNER = "owner"
    ROADS = "roads"
    ABF = "abf"


class Need(StrEnum):
    """What an intervention on a site takes; of ``SKILLS`` somebody must have the training."""

    KEY = "key"
    APPOINTMENT = "appointment"
    TWO_PEOPLE = "two_people"
    HEIGHT_WORK = "height_work"
    LIFT = "lift"
    ELECTRICS = "electrics"


SKILLS = (Need.HEIGHT_WORK, Need.LIFT, Need.ELECTRICS)
"""Code du travail R4323-61 (height), R4323-55 (lifts), R4544-9 (electrics): trained people only."""

COUNTING = (Status.ACCEPTED, Status.IN_SERVICE)


@dataclass(frozen=True, slots=True)
class Consent:
    """A second person's consent to a withdrawal without notice, for a listed reason (AVAILABILITY §5)."""

    second: str
    reason: WithdrawalReason
